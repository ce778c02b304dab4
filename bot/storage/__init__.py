"""The rows of subscriptions, watched tasks and notices, in SQLite and PostgreSQL."""
