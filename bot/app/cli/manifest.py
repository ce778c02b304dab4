"""`rectask manifest`: the Slack app manifest for this deployment."""

import sys
from urllib.parse import urlsplit

from bot.app.cli import USAGE
from bot.app.cli.terminal import Terminal
from bot.slack.manifest import manifest


def run(http_url: str | None) -> int:
    """Print it and return the exit code."""
    if http_url is not None and not _is_reachable(http_url):
        Terminal(sys.stderr, colours=False).print(
            "rectask: --http wants the address at which Slack reaches this bot. Example: --http https://rectask.example.com"
        )
        return USAGE
    Terminal(sys.stdout, colours=False).print(manifest(http_url=http_url).rstrip("\n"))
    return 0


def _is_reachable(url: str) -> bool:
    parts = urlsplit(url)
    is_printable = url.isascii() and url.isprintable() and " " not in url
    return is_printable and parts.scheme == "https" and bool(parts.hostname) and parts.path in {"", "/"}
