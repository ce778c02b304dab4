"""The names that the bot's own source has: of its settings, and of its routes."""

import re

from bot import settings
from tests.deploy.places import ROOT

NAMES = settings.NAMES

ROUTES = {
    (method.upper(), path)
    for method, path in re.findall(r"""add_(get|post)\(\s*"([^"]+)\"""", (ROOT / "bot" / "web.py").read_text())
}
