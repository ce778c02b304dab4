"""Who may reach what a page of this machine is given: nobody else."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

from bot.playground.slack.world import Json

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def only_from_here(handler: Handler) -> Handler:
    """A page from elsewhere must reach nothing here, not even through a name that leads to this machine."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not _is_here(f"http://{request.host}") or (origin and not _is_here(origin)):
            raise web.HTTPForbidden
        return await handler(request)

    return guarded


def _is_here(address: str) -> bool:
    try:
        return URL(address).host in _LOOPBACK
    except ValueError:
        return False


# What somebody said to the stand-in can be wrong in these ways.
MISTAKES = (LookupError, TypeError, ValueError)


def in_words(mistake: Exception) -> str:
    """A mistake as its sender reads it: the stand-in's own words, and none of Python's."""
    if isinstance(mistake, KeyError):
        return f"{mistake.args[0]} is missing or unknown."
    if isinstance(mistake, json.JSONDecodeError):
        return f"This is not JSON: line {mistake.lineno}, column {mistake.colno}."
    if isinstance(mistake, TypeError):
        return "Something in it is of another type than expected."
    return str(mistake)


async def read_json(request: web.Request) -> Json:
    """What was said, as JSON only: a page from elsewhere cannot send that without asking first.

    Raises HTTPUnsupportedMediaType, json.JSONDecodeError, and TypeError where it is no object.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    said = json.loads(await request.read())
    if not isinstance(said, dict):
        raise TypeError("what is said must be an object")
    return said
