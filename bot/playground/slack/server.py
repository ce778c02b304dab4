"""Slack on loopback, for both doors: it enforces what the real one enforces, and fails loudly where it knows no more.

What people do is in `SlackPeople`; who and what there is, in `world`.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.playground.listener import Listener
from bot.playground.slack.api import BODY_MAY_HAVE, Tokens, WebApi
from bot.playground.slack.control import Control
from bot.playground.slack.delivery import Doors, Outcome
from bot.playground.slack.faults import Fault, Faults
from bot.playground.slack.handles import Desk, Handles
from bot.playground.slack.limits import Limits, Turnstile
from bot.playground.slack.memory import World
from bot.playground.slack.seen import SlackSeen
from bot.playground.slack.socket_faults import BREAKS, is_known
from bot.playground.slack.world import Json, Message, Person
from bot.playground.trace import Trace


class FakeSlack(SlackSeen):
    """The workspace with its API and its people. `url` and `api_url` are set while it is open.

    `clock` is the time of messages, triggers and response URLs; acks are limited, and requests signed, by real time.
    `limits` are the rates of calls, True for those that Slack promises, False for none; they are counted by `clock`.
    `page` is the folder of the page, `rooms` what that proposes to try: room, task, about. `trace` is told of all that
    goes to the bot and comes from it. `commands` are those that the app has, None for whatever is typed;
    `app_name` is what people see it called.
    """

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-stand-in-bot",  # noqa: S107 made up
        app_token: str = "xapp-stand-in-app",  # noqa: S107 made up
        signing_secret: str = "stand-in-signing-secret",  # noqa: S107 made up
        clock: Callable[[], float] = time.time,
        ack_limit: float = 3.0,
        limits: bool | Limits = True,
        page: Path | None = None,
        rooms: Sequence[Json] = (),
        trace: Trace | None = None,
        commands: Collection[str] | None = ("/rectask",),
        app_name: str = "Rectask",
    ) -> None:
        world = World(clock, trace or Trace(clock), app_name=app_name)
        handles = Handles(world, clock)
        self._faults = Faults()
        doors = Doors(world, self._faults, signing_secret, ack_limit)
        super().__init__(world, handles, doors)
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._control = Control(self, page, rooms, commands)
        for person in world.people.values() if page else ():  # so that the page has them to choose
            if not person.deleted:
                world.dm_with(person.id)
        self._handed_out: set[tuple[str, str]] = set()
        self._listener: Listener | None = None
        self._more_routes: list[web.AbstractRouteDef] = []
        self._turnstile = Turnstile(None, clock)
        self.limits = limits
        desk = Desk(world, handles, lambda: doors.sockets.new_url(self.url))
        self._api = WebApi(desk, Tokens(bot_token, app_token), self._faults, self._turnstile)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def request_url(self) -> str | None:
        """Where the bot is reached over HTTP, when it has no socket."""
        return self._doors.http.url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._doors.http.url = url

    def balance(self, urls: Sequence[str]) -> None:
        """Reach the bot at these, each in its turn, as a balancer does that leaves out which is not well."""
        self._doors.http.replicas = list(urls)

    @property
    def sockets(self) -> int:
        """How many are connected and in use."""
        return len(self._doors.sockets.usable)

    @property
    def limits(self) -> Limits | None:
        """The rates of calls, None for none."""
        return self._turnstile.limits

    @limits.setter
    def limits(self, limits: bool | Limits | None) -> None:
        self._turnstile.limits = limits if isinstance(limits, Limits) else Limits() if limits else None

    @property
    def skew(self) -> int:
        """How many seconds Slack's own clock is ahead, by which it signs requests and dates answers."""
        return self._doors.http.skew

    @skew.setter
    def skew(self, seconds: int) -> None:
        self._doors.http.skew = seconds

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(time.time() + self.skew, usegmt=True)

    @property
    def repeats(self) -> int:
        """How often each delivery comes again, with the same envelope's id or the same signature."""
        return self._doors.repeats

    @repeats.setter
    def repeats(self, repeats: int) -> None:
        self._doors.repeats = repeats

    @property
    def repeated(self) -> list[Outcome]:
        """What became of those that came again."""
        return self._doors.repeated

    def add_people(self, count: int) -> list[str]:
        """More members, for tests of load; their ids."""
        added = [Person(self.world.next_id("U"), f"person{n}", f"Person {n}") for n in range(count)]
        self.people.update({person.id: person for person in added})
        return [person.id for person in added]

    def revoke_token(self, error: str = "token_revoked") -> None:
        """From now on this is what the bot's token is answered; `account_inactive` is the other one that Slack has."""
        self.world.token_error = error

    def restore_token(self) -> None:
        """The bot's token is good again."""
        self.world.token_error = None

    async def close_door(self) -> None:
        """Drops all connections and refuses new ones, as if the machine were gone, until `open_door`."""
        assert self._listener is not None
        await self._listener.close()

    async def open_door(self) -> None:
        """Listens again, at the same address."""
        assert self._listener is not None
        await self._listener.open()

    def fault(
        self, method: str, kind: str, *, times: int | None = 1, retry_after: float = 1, seconds: float = 60.0
    ) -> None:
        """Makes the next `times` calls of the method ("response_url"; "*" is any) go wrong, None for all from now on.

        Kinds: ratelimited, 500_before (and any other status), reset_before, timeout_before (no answer for `seconds`),
        slow_before (the true answer after `seconds`), html_before (a gateway's page, with 200), cut_before (the
        beginning of an answer), each of them also with _after: then it is carried out first; lacking:user.deleted (it
        is carried out, and its answer says ok without that field), null:… and odd:… (the field is of another type); or
        the name of an error. SOCKET_FAULTS has those of sockets; LookupError for another one.
        """
        if not is_known(method, kind):
            raise LookupError(f"There is no fault {kind!r} of {method}.")
        self._faults.add(method, Fault(kind, retry_after, seconds), times)

    def heal(self) -> None:
        """Takes back all faults."""
        self._faults.clear()

    @property
    def is_faulty(self) -> bool:
        """Whether a fault is still to come."""
        return self._faults.are_there

    async def next_message(
        self, *, user: str | None = None, channel: str | None = None, timeout: float = 15.0
    ) -> Message:
        """The oldest message, visible to that person, that was not handed out before; waits for it."""

        def find() -> Message | None:
            for message in self.messages:
                is_new = (message.channel, message.ts) not in self._handed_out
                fits = channel in (None, message.channel) and (user is None or self.world.can_see(user, message))
                if is_new and fits:
                    return message
            return None

        message = await self.world.wait_for(find, timeout=timeout)
        self._handed_out.add((message.channel, message.ts))
        return message

    async def wait_for(self, find: Callable[[], object], *, timeout: float = 15.0) -> None:
        """Until `find` answers something true; it is asked at each change. Raises TimeoutError."""
        await self.world.wait_for(find, timeout=timeout)

    async def wait_for_socket(self, count: int = 1, *, timeout: float = 15.0) -> None:
        """Until the bot has that many sockets."""
        await self.world.wait_for(lambda: self.sockets >= count, timeout=timeout)

    async def disconnect(self, reason: str = "refresh_requested", *, at_most: int | None = None) -> None:
        """Asks the bot to replace its sockets, or so many of the oldest ones."""
        await self._doors.sockets.spoil(reason, at_most)

    async def break_sockets(self, how: str) -> None:
        """All of them meet with one of socket_faults.BREAKS. Raises LookupError for another one."""
        if how not in BREAKS:
            raise LookupError(f"There is no fault {how!r} of an open socket.")
        await self._doors.sockets.spoil(how)

    async def drop_sockets(self) -> None:
        """Closes them without a word."""
        await self._doors.sockets.drop()

    def sign(self, body: bytes, *, timestamp: str | None = None, secret: str | None = None) -> dict[str, str]:
        """The headers of a request with that body, of another time or by another secret if one is given."""
        return self._doors.http.sign(body, timestamp=timestamp, secret=secret)

    async def post_to_bot(self, body: bytes, headers: dict[str, str]) -> Outcome:
        """Sends these bytes to `request_url`, right or wrong."""
        return await self._doors.http.post(body, headers, limit=self._doors.ack_limit)

    def add_routes(self, routes: Sequence[web.AbstractRouteDef]) -> None:
        """Serves these too; call it before it is opened."""
        self._more_routes += routes

    def make_app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_MAY_HAVE)
        app.on_response_prepare.append(self._date)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api.answer),
                web.post("/hooks/{kind}/{secret}", self._api.answer_hook),
                web.get("/link/", self._doors.sockets.serve),
                *self._more_routes,
                *self._control.routes(),
            ]
        )
        return app


@asynccontextmanager
async def open_fake_slack(fake: FakeSlack, *, port: int = 0) -> AsyncIterator[FakeSlack]:
    """Serve it on 127.0.0.1, on a free port unless one is named; leaving the block drops every connection."""
    runner = web.AppRunner(fake.make_app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            fake._doors.http.session = session  # noqa: SLF001 its own opener
            fake._listener = Listener(runner, port=port)  # noqa: SLF001 as above
            await fake.open_door()
            fake.url = f"http://127.0.0.1:{fake._listener.port}"  # noqa: SLF001 as above
            yield fake
    finally:
        await fake.drop_sockets()
        await runner.cleanup()
