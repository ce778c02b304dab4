"""The rows of subscriptions, watched tasks, notices and what people did, in SQLite and PostgreSQL.

    async with open_database(url) as database:      # bot.storage.database; connects when it is first used
        await database.prepare()                    # migrates, or raises SchemaTooNew; every use does it if it is due
        SqlSubscriptions(database)                  # bot.storage.subscriptions
        SqlLooks(database)                          # bot.storage.looks
        SqlNotices(database)                        # bot.storage.notices
        SqlUpkeep(database)                         # bot.storage.upkeep
        SqlAudit(database)                          # bot.storage.audit

`bot.storage.url.check_url` tells what is wrong with a URL; it and this module import neither SQLAlchemy nor a driver.
Every method raises DatabaseUnavailable (bot.notices.store), of which SchemaTooNew (bot.storage.schema) is one; those
of SqlAudit raise NotRecorded (bot.access.audit) in its place.
"""
