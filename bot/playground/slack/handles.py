"""What Slack hands out for a while: triggers, tickets, response URLs, and what a message through one of these does."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.memory import World
from bot.playground.slack.messages import ANSWER_FIELDS, post, read_content
from bot.playground.slack.world import Json, Message, Refused

TRIGGER_LASTS = 3.0
URL_LASTS = 30 * 60.0
URL_USES = 5
TICKET_LASTS = 30.0


@dataclass(slots=True)
class Trigger:
    """Good for opening one modal for that person."""

    user: str
    until: float
    is_exchanged: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Good for a few answers; `original` is the message whose button was pressed, None for a command."""

    channel: str
    user: str
    until: float
    original: Message | None
    uses_left: int = URL_USES


class Tickets:
    """For sockets: each is good once, and not for long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def new(self) -> str:
        ticket = secrets.token_hex(16)
        self._until[ticket] = self._clock() + TICKET_LASTS
        return ticket

    def use(self, ticket: str) -> bool:
        """Whether it was still good."""
        return ticket in self._until and self._clock() <= self._until.pop(ticket)


class Handles:
    """All that were handed out."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self._world = world
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**12):012d}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, self._clock() + TRIGGER_LASTS)
        return trigger_id

    def exchange_trigger(self, trigger_id: object) -> str:
        """Whose it is; raises Refused."""
        trigger = self._triggers.get(str(trigger_id))
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.is_exchanged:
            raise Refused("exchanged_trigger_id")
        if self._clock() > trigger.until:
            raise Refused("expired_trigger_id")
        trigger.is_exchanged = True
        return trigger.user

    def new_response_path(self, channel: str, user: str, *, original: Message | None = None) -> str:
        kind = "actions" if original else "commands"
        path = f"/hooks/{kind}/{secrets.token_urlsafe(18)}"
        self._urls[path] = ResponseUrl(channel, user, self._clock() + URL_LASTS, original)
        return path

    def answer_through(self, path: str, body: Json) -> None:
        """Carries out what was posted to a response URL; raises Refused.

        What the real one answers once a URL is used up or too old is documented nowhere: these names are reported by
        people who met them.
        """
        url = self._urls.get(path)
        if url is None:
            raise Refused("invalid_url")
        if url.uses_left == 0:
            raise Refused("used_url")
        if self._clock() > url.until:
            raise Refused("expired_url")
        for name in body.keys() - ANSWER_FIELDS:
            self._world.complain(f"response_url: unknown argument {name}")
            raise Refused("stand_in_unknown_argument")
        self._carry_out(url, body)
        url.uses_left -= 1

    def _carry_out(self, url: ResponseUrl, body: Json) -> None:
        original = self._original(url, body)
        if original and body.get("delete_original"):
            self._world.delete(original)
            return
        content = read_content(self._world, "response_url", body)
        if original:
            self._world.change(original, content.text, content.blocks)
            return
        to_all = body.get("response_type") == "in_channel"
        post(self._world, url.channel, content, ephemeral_to=None if to_all else url.user, body=body)

    def _original(self, url: ResponseUrl, body: Json) -> Message | None:
        """The message that is to be replaced or deleted, if one is."""
        wanted = body.get("replace_original") or body.get("delete_original")
        if url.original is None:
            if wanted:
                self._world.complain("response_url: a command's URL replaces and deletes nothing")
            return None
        if wanted is None and "replace_original" not in body:
            # The pages contradict one another about the default, so nobody should depend on it.
            self._world.complain("response_url: replace_original is not said")
        if wanted and not self._world.archive.holds(url.original):
            raise Refused("message_not_found")
        return url.original if wanted else None


@dataclass(frozen=True, slots=True)
class Desk:
    """What the methods work with."""

    world: World
    handles: Handles
    new_socket_url: Callable[[], str]
