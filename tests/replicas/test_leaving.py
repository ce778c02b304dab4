"""Replicas that go while people ask: what is under way is finished, and nobody sees a command fail."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck
from structlog.typing import EventDict

from bot.playground.slack.delivery import Outcome
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, T_HOME, U_ANA
from bot.slack.background import BackgroundTasks
from bot.slack.connection.auth import authenticate
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.client import make_slack
from bot.slack.connection.command_middleware import Commands
from bot.slack.connection.socket_endpoint import SocketDoor
from bot.slack.request.payload import Body
from testing.conversation import nothing_amiss, typed, until_ready
from testing.harness import Office, open_office
from testing.postgres import Postgres
from testing.redis_server import RedisServer
from testing.replica_harness import THREE, WITHIN, Replicas, open_replicas

A_SECOND = 5
# So slow that at any moment some are under way.
SLOWLY = 0.6


@dataclass
class Asking:
    """Commands, each about another task, and what became of them by task."""

    replicas: Replicas
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    async def ask(self, task: str) -> None:
        self.outcomes[task] = await self.replicas.slack.command(f"Room1 {task}", user=U_ANA, channel=C_ONCALL)

    async def keep_asking(self) -> None:
        """Steadily, until cancelled; then all that were asked are waited for."""
        async with asyncio.TaskGroup() as asked:
            try:
                for number in itertools.count():
                    asked.create_task(self.ask(f"Steady{number}"))
                    await asyncio.sleep(1 / A_SECOND)
            except asyncio.CancelledError:
                pass

    async def check(self) -> None:
        """Each was acknowledged in time, and has its card."""
        failed = {task: outcome for task, outcome in self.outcomes.items() if outcome.error or not outcome.acked}
        assert failed == {}
        slack = self.replicas.slack

        def all_told() -> bool:
            told = "\n".join(message.text for message in slack.visible_to(U_ANA))
            return all(f"Room1 / {task}:" in told for task in self.outcomes)

        await slack.wait_for(all_told, timeout=WITHIN)
        assert nothing_amiss(slack)


COMMAND = urlencode(
    {"command": "/rectask", "text": "Room1 Task1", "user_id": U_ANA, "team_id": T_HOME, "channel_id": C_ONCALL}
).encode()


@asynccontextmanager
async def steadily(replicas: Replicas) -> AsyncIterator[Asking]:
    """People ask for as long as the block lasts."""
    asking = Asking(replicas)
    going_on = asyncio.create_task(asking.keep_asking())
    try:
        yield asking
    finally:
        going_on.cancel()
        await going_on


async def until_asked(replicas: Replicas, count: int = 1) -> None:
    """Until so many requests more are with RTC, which takes its time."""
    before = len(replicas.rtc.received)
    async with asyncio.timeout(WITHIN):
        while len(replicas.rtc.received) < before + count:  # noqa: ASYNC110  # RTC tells nobody of what comes in
            await asyncio.sleep(0.005)


@pytest.mark.slow
async def test_a_rolling_restart_fails_no_command(replicas: Replicas) -> None:
    replicas.rtc.delay = SLOWLY
    async with steadily(replicas) as asking:
        for old in list(replicas.running):
            await replicas.start()
            await until_asked(replicas)
            await replicas.stop(old)
    assert len(replicas.running) == THREE
    assert len(asking.outcomes) > A_SECOND
    await asking.check()


async def test_what_is_under_way_when_all_go_is_finished(replicas: Replicas) -> None:
    replicas.rtc.delay = 1.0
    asking, asked = Asking(replicas), asyncio.create_task(until_asked(replicas, THREE))
    commands = [asyncio.create_task(asking.ask(f"Task{number}")) for number in range(THREE)]
    await asked
    await asyncio.gather(*(replicas.stop(each) for each in list(replicas.running)))
    await asyncio.gather(*commands)
    await asking.check()


async def test_what_comes_over_a_socket_that_is_about_to_close_is_answered(
    postgres: Postgres, redis_server: RedisServer
) -> None:
    """Slack cannot be told beforehand, and goes on sending until the socket is closed."""
    database_url = postgres.create("closing")
    async with open_replicas(door="socket", database_url=database_url, redis_url=redis_server.url, count=1) as replicas:
        replicas.rtc.delay = 1.0
        asking, asked = Asking(replicas), asyncio.create_task(until_asked(replicas))
        before = asyncio.create_task(asking.ask("Before"))
        await asked
        stopping = asyncio.create_task(replicas.stop(replicas.any))
        await asyncio.sleep(0)
        meanwhile = [asyncio.create_task(asking.ask(f"Meanwhile{number}")) for number in range(THREE)]
        await asyncio.gather(before, stopping, *meanwhile)
        await asking.check()


@pytest.mark.parametrize(
    ("door", "way"),
    [
        ("http", "command"),
        pytest.param("http", "press", marks=pytest.mark.slow),
        pytest.param("socket", "command", marks=pytest.mark.slow),
        ("socket", "press"),
    ],
)
async def test_a_refusal_that_slack_takes_its_time_for_still_gets_there(
    logged: list[EventDict], door: str, way: str
) -> None:
    """It is acknowledged first, and posted by what nobody who asked RTC would own."""
    async with open_office(door=door, RECTASK_LOOKUPS_PER_MINUTE="1") as office:
        await (until_ready(office) if door == "http" else office.slack.wait_for_socket(timeout=WITHIN))
        card = await typed(office, "Room1 Task1")
        office.slack.fault("response_url", "slow_before", seconds=0.4)
        if way == "command":
            outcome = await office.slack.command("Room1 Task2", user=U_ANA, channel=C_ONCALL)
        else:
            outcome = await office.slack.press(card, "rectask.refresh", user=U_ANA)
        assert outcome.acked
        await office.end()
        assert [message.text for message in office.slack.visible_to(U_ANA) if "a minute" in message.text]
        assert nothing_amiss(office.slack)
    assert "answer.lost" not in [entry["event"] for entry in logged]


@dataclass
class Listening:
    """Acknowledges what is asked before when it may go on, and all else with an answer at once."""

    has_come: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, ack: AsyncAck, body: Body) -> None:
        if body["text"] != "before":
            await ack(text="Here it is.", response_type="ephemeral")
            return
        self.has_come.set()
        await self.may_go_on.wait()
        await ack()


@asynccontextmanager
async def socket_of(listening: Listening, fake: FakeSlack, *, acknowledged_within: float) -> AsyncIterator[None]:
    """A door that is left together with the block, when "before" has come in; then its work is finished."""
    async with aiohttp.ClientSession() as session, BackgroundTasks() as work:
        slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session)
        bolt = make_bolt(slack, await authenticate(slack))
        bolt.use(Commands(listening.listen))
        async with SocketDoor(
            bolt, app_token=fake.app_token, slack=slack, work=work, acknowledged_within=acknowledged_within
        ):
            await fake.wait_for_socket(timeout=WITHIN)
            yield


async def test_an_acknowledgement_that_finds_the_socket_closed_is_said_and_no_error(logged: list[EventDict]) -> None:
    listening = Listening()
    async with open_fake_slack(FakeSlack(ack_limit=0.5)) as fake:
        async with socket_of(listening, fake, acknowledged_within=0.05):
            command = asyncio.create_task(fake.command("before", user=U_ANA, channel=C_ONCALL))
            await listening.has_come.wait()
        listening.may_go_on.set()
        assert not (await command).acked
    assert [(entry["event"], entry["log_level"], entry["kind"]) for entry in logged] == [
        ("acknowledgement.lost", "debug", "slash_commands")
    ]


async def test_the_answer_to_what_came_at_the_last_moment_has_as_long_as_any(logged: list[EventDict]) -> None:
    """Longer than the door is held open for acknowledgements."""
    listening = Listening()

    async def ask_late(fake: FakeSlack) -> Outcome:
        outcome = await fake.command("late", user=U_ANA, channel=C_ONCALL)
        listening.may_go_on.set()
        return outcome

    async with open_fake_slack(FakeSlack()) as fake:
        fake.fault("response_url", "slow_before", seconds=1.0)
        async with socket_of(listening, fake, acknowledged_within=0.6):
            before = asyncio.create_task(fake.command("before", user=U_ANA, channel=C_ONCALL))
            await listening.has_come.wait()
            late = asyncio.create_task(ask_late(fake))
        assert [message.text for message in fake.visible_to(U_ANA)] == ["Here it is."]
        assert (await before).acked
        assert (await late).acked
    assert logged == []


async def test_a_request_that_has_begun_to_come_in_is_answered(postgres: Postgres, redis_server: RedisServer) -> None:
    database_url = postgres.create("coming")
    async with (
        open_replicas(door="http", database_url=database_url, redis_url=redis_server.url, count=1) as replicas,
        aiohttp.ClientSession() as session,
    ):
        office, is_coming = replicas.any, asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield COMMAND[:10]
            is_coming.set()
            await until_it_takes_no_more(office)
            yield COMMAND[10:]

        headers = office.slack.sign(COMMAND) | {"Content-Type": "application/x-www-form-urlencoded"}
        posting = asyncio.create_task(session.post(f"{office.url}/slack/events", data=slowly(), headers=headers))
        await is_coming.wait()
        assert (await office.slack.command("help")).acked  # by now the other one is inside, too
        await replicas.stop(office)
        answer = await posting
        assert answer.status == 200
        assert "Ended after" in await answer.text()


async def until_it_takes_no_more(office: Office) -> None:
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while (await session.post(f"{office.url}/slack/events", data=COMMAND)).status != 503:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.005)


@pytest.mark.slow
async def test_a_socket_that_slack_replaces_finishes_what_it_has(postgres: Postgres, redis_server: RedisServer) -> None:
    database_url = postgres.create("replaced")
    async with open_replicas(door="socket", database_url=database_url, redis_url=redis_server.url) as replicas:
        replicas.rtc.delay = SLOWLY
        async with steadily(replicas) as asking:
            for reason in ("warning", "refresh_requested"):
                await until_asked(replicas, THREE)
                await replicas.slack.disconnect(reason, at_most=1)
                assert replicas.slack.sockets == THREE - 1
                await replicas.slack.wait_for_socket(THREE, timeout=WITHIN)
        await asking.check()
