"""People's home tabs: shown when somebody opens theirs, and kept up to date from then on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Self

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.notices.messenger import Retryable
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable, Subscriptions, Upkeep
from bot.notices.subscription import Entry
from bot.runtime.supervision import Supervised, Supervisor
from bot.slack.cards.mrkdwn import Block
from bot.slack.cards.subscription_list import LISTED_AT_MOST, Reach, home_view
from bot.slack.errors import error_of, meaning_of

log = structlog.get_logger()

# Several changes within this time are one publication.
SETTLES_WITHIN = 0.5
_PAUSE_AT_MOST = 60.0


Shown = Callable[[Person, Sequence[Entry]], Awaitable[tuple[Sequence[Entry], Reach]]]


async def _all(_person: Person, entries: Sequence[Entry]) -> tuple[Sequence[Entry], Reach]:
    return entries, Reach()


class HomeTabPublisher:
    """The home tabs. An async context manager; leaving it leaves what is not published yet to the next change.

    `shown` makes of a person's entries what they may see of them, and says what they may do.
    """

    def __init__(
        self,
        slack: AsyncWebClient,
        subscriptions: Subscriptions,
        upkeep: Upkeep,
        *,
        clock: Callable[[], datetime],
        shown: Shown = _all,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._slack = slack
        self._subscriptions = subscriptions
        self._upkeep = upkeep
        self._clock = clock
        self._shown = shown
        self._sleep = sleep
        self._wanted: dict[Person, None] = {}
        self._wake = asyncio.Event()
        self._supervisor = supervisor or Supervisor()
        self._publishing: Supervised | None = None

    async def __aenter__(self) -> Self:
        self._publishing = self._supervisor.start("home_tabs", self._go_on_publishing)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._publishing is not None
        await self._publishing.end()

    def refresh(self, person: Person) -> None:
        """Something has changed for the person: publish it soon, if they have opened their home tab ever."""
        self._wanted[person] = None
        self._wake.set()

    async def open(self, person: Person) -> None:
        """The person looks at it. Raises what a failed call of Slack raises."""
        with contextlib.suppress(DatabaseUnavailable):  # the next opening notes it
            await self._upkeep.note_home(person)
        await self.show(person)

    async def show(self, person: Person) -> None:
        """Publish it as it is now, also where the store is gone. Raises what a failed call of Slack raises."""
        await self._slack.views_publish(user_id=person.user_id, view=await self.view_of(person))

    async def view_of(self, person: Person) -> Block:
        """As it is now, also where the store is gone. Raises what a failed call of Slack raises."""
        entries: Sequence[Entry] | None
        try:
            found = await self._subscriptions.listed(person, limit=LISTED_AT_MOST)
            entries, reach = await self._shown(person, found)
        except DatabaseUnavailable:
            entries, reach = None, Reach()
        return home_view(entries, now=self._clock(), reach=reach)

    async def _go_on_publishing(self) -> None:
        while True:
            await self._wake.wait()
            await self._sleep(SETTLES_WITHIN)
            self._wake.clear()
            while self._wanted:
                person = next(iter(self._wanted))
                del self._wanted[person]
                await self._publish(person)

    async def _publish(self, person: Person) -> None:
        """A home tab that is not up to date harms nobody, and so nothing is raised."""
        try:
            if await self._upkeep.has_home(person):
                await self.show(person)
        except DatabaseUnavailable:
            return  # the loops that work with it say so, once; the next change shows this one too
        except SlackApiError as failure:
            await self._note_refusal(failure, person)
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            log.warning("home.not_published", error=type(failure).__name__)
        except Exception:  # one bad home tab must not end the loop for all others
            log.exception("home.not_published")

    async def _note_refusal(self, failure: SlackApiError, person: Person) -> None:
        meaning = meaning_of(failure, is_post=False)
        if type(meaning) is not Retryable:
            log.warning("home.not_published", error=error_of(failure))
            return
        self._wanted.setdefault(person)
        pause = meaning.after
        await self._sleep(_PAUSE_AT_MOST if pause is None else min(pause.total_seconds(), _PAUSE_AT_MOST))
