"""The names that the bot's own source has: of its settings, and of its routes."""

from bot import settings, web

NAMES = settings.NAMES

ROUTES = {("POST", web.SLACK_PATH), *(("GET", path) for path in web.PAGES)}
