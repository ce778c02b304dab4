"""The names that the bot's own source has: of its settings, and of its routes."""

import re

from bot import settings
from tests.deploy.places import ROOT

# Three of them come with the sharing of the pace, which is being built.
NAMES = settings.NAMES | {"RECTASK_REDIS_URL", "RECTASK_REDIS_PREFIX", "RECTASK_REPLICAS"}

ROUTES = {
    (method.upper(), path)
    for method, path in re.findall(r"""add_(get|post)\(\s*"([^"]+)\"""", (ROOT / "bot" / "web.py").read_text())
}
