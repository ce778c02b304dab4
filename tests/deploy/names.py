"""The names that the bot's own source has: of its settings, and of its routes."""

from bot.app import http_server as web
from bot.app.config import settings

NAMES = settings.NAMES

ROUTES = {("POST", web.SLACK_PATH), *(("GET", path) for path in web.PAGES)}
