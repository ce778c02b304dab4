"""The office with places that recordings lie in: a bucket and a VOD space, and what people see of links into them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA, Json, Message
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.object_store import FakeStore, open_fake_store
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import task
from bot.playground.volcengine.vod import FakeVod, open_fake_vod
from testing.conversation import until_ready
from testing.factories import SetClock
from testing.harness import Office, open_office

START = 1_795_000_000_000


@dataclass(frozen=True)
class LinkedOffice:
    """The office, the stores, and the clock by which the stores tell whether an address has expired."""

    office: Office
    store: FakeStore
    vod: FakeVod
    clock: SetClock

    def leave(self, room: str, files: list[Json]) -> None:
        """Let a recording in this room have ended with these files."""
        self.office.rtc.answers[room] = task(status=3, start=START, end=START + 60_000, reason="StopByAPI", files=files)

    async def typed(self, text: str, *, user: str = U_ANA, channel: str = C_ONCALL) -> Message:
        slack, before = self.office.slack, len(self.office.slack.messages)
        assert (await slack.command(text, user=user, channel=channel)).acked
        return await self._told(before, user, channel)

    async def told(self, card: Message, action: str, *, user: str = U_ANA, value: str | None = None) -> Message:
        """What the presser alone is answered."""
        before = len(self.office.slack.messages)
        assert (await self.office.slack.press(card, action, user=user, value=value)).acked
        return await self._told(before, user, card.channel)

    async def _told(self, before: int, user: str, channel: str) -> Message:
        def answers() -> list[Message]:
            found = self.office.slack.messages[before:]
            return [m for m in found if m.ephemeral_to == user and m.channel == channel]

        await self.office.slack.wait_for(answers)
        return answers()[0]

    async def shared(self, text: str) -> Message:
        """The card as Ana shares it."""
        card, before = await self.typed(text), len(self.office.slack.messages)
        assert (await self.office.slack.press(card, "rectask.share", user=U_ANA)).acked
        slack = self.office.slack
        await slack.wait_for(lambda: [m for m in slack.messages[before:] if m.ephemeral_to is None])
        return next(m for m in slack.messages[before:] if m.ephemeral_to is None)


@asynccontextmanager
async def open_linked_office(
    *,
    door: str = "socket",
    account: Account | None = None,
    slack: FakeSlack | None = None,
    vod: FakeVod | None = None,
    rules: str = "",
    **more: Any,
) -> AsyncIterator[LinkedOffice]:
    """`rules` stand in the configuration file behind the stores."""
    account, clock = account or Account(), SetClock(datetime.now(UTC))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_fake_store(FakeStore(account, clock=clock)))
        vod = await stack.enter_async_context(open_fake_vod(vod or FakeVod(account, clock=clock)))
        config = f"""
            [[storage]]
            kind = "tos"
            bucket = "{store.bucket}"
            region = "{store.region}"
            domain = "{store.url}"

            [[storage]]
            kind = "vod"
            endpoint = "{vod.url}"
            {rules}
        """
        office = await stack.enter_async_context(
            open_office(door=door, slack=slack, rtc=FakeRtc(account), config=config, **more)
        )
        if door == "socket":
            await office.slack.wait_for_socket()
        else:
            await until_ready(office)
        yield LinkedOffice(office, store, vod, clock)


def links_in(blocks: list[Json]) -> dict[str, str]:
    """The addresses behind buttons, by action id."""
    accessories = [block["accessory"] for block in blocks if "accessory" in block]
    return {element["action_id"]: element["url"] for element in accessories if "url" in element}
