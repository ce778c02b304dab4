"""Whether this process can serve: what /readyz reports."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.notices.store import STANDS_STILL_AFTER, DatabaseUnavailable, Upkeep
from bot.notices.timekeeper import Timekeeper
from bot.runtime.supervision import Supervisor
from bot.slack.connection.clock import SlackClock
from bot.slack.connection.socket_endpoint import SocketDoor
from bot.slack.connection.workspace import TokenHealth

# A load balancer's patience is short.
STORE_ANSWERS_WITHIN = 2.0


class Loops(Protocol):
    """The loops behind the notices, as far as their health goes."""

    @property
    def timekeeper(self) -> Timekeeper:
        """Keeps the due times within reach."""
        ...

    @property
    def is_well(self) -> bool:
        """Whether each had a good round lately."""
        ...


@dataclass(slots=True)
class Readiness:
    """What has come up so far, and how it is."""

    supervisor: Supervisor
    health: TokenHealth = field(default_factory=TokenHealth)
    upkeep: Upkeep | None = None
    watching: Loops | None = None
    socket: SocketDoor | None = None
    slack_clock: SlackClock = field(default_factory=SlackClock)
    # Over a socket nothing is signed with the time.
    needs_clock: bool = False
    is_serving: bool = False

    async def checks(self) -> Mapping[str, bool]:
        """Each thing that must be well for this process to serve."""
        socket = {} if self.socket is None else {"slack_socket": await self.socket.is_connected()}
        return {
            "serving": self.is_serving,
            "slack_token": self.health.is_well,
            "slack_permissions": self.health.is_permitted,
            "store": await self._has_store(),
            "rounds": self.watching is not None and self.watching.is_well,
            "due_times": self.watching is not None and self.watching.timekeeper.is_well,
            **socket,
            **({"clock": self.slack_clock.is_well} if self.needs_clock else {}),
            "background_tasks": not self.supervisor.away,
            **{f"background_task_{name}": False for name in sorted(self.supervisor.away)},
        }

    async def warnings(self) -> Mapping[str, bool]:
        """What must be well for people to be told, and is the same at every replica: none is better without it."""
        return {"looks": await self._looks_go_on()}

    async def _looks_go_on(self) -> bool:
        """What is not known is no warning: the check of the store says so."""
        if self.upkeep is None:
            return True
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN):
                return await self.upkeep.oldest_look() < STANDS_STILL_AFTER
        except (DatabaseUnavailable, TimeoutError):
            return True

    async def _has_store(self) -> bool:
        if self.upkeep is None:
            return False
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN):
                await self.upkeep.ping()
        except (DatabaseUnavailable, TimeoutError):
            return False
        return True
