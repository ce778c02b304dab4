"""What happens at each layer, in its order, for whoever looks on."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any

Json = dict[str, Any]

_KEPT = 500
# Told by the entry itself.
_NOT_DETAILS = {"event", "log_level", "level", "timestamp", "exc_info"}


class Trace:
    """The last entries: number, at (seconds since the epoch), layer, what, summary, detail (JSON, or None).

    Layers: slack (what went between Slack and the bot), rtc, bot, and stage for what somebody arranged.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.entries: deque[Json] = deque(maxlen=_KEPT)
        self._clock = clock
        self._number = 0
        self._changed = asyncio.Event()

    def note(self, layer: str, what: str, summary: str = "", detail: object = None) -> None:
        """`detail` is kept as it is, and must not be changed afterwards."""
        self._number += 1
        entry = {"number": self._number, "at": self._clock(), "layer": layer, "what": what, "summary": summary[:300]}
        self.entries.append(entry | {"detail": detail})
        self._changed.set()
        self._changed = asyncio.Event()

    def hear(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor for structlog, which hands each event on as it came."""
        data = {name: str(value) for name, value in event.items() if name not in _NOT_DETAILS}
        self.note("bot", str(event["event"]), ", ".join(f"{name}: {value}" for name, value in data.items()))
        return event

    def after(self, number: int) -> list[Json]:
        """Those that came after the one of that number."""
        return [entry for entry in self.entries if entry["number"] > number]

    async def wait(self, timeout: float, *, after: int) -> None:
        """Until there is an entry after that number, or so many seconds have passed."""
        if self._number > after:
            return
        changed = self._changed
        try:
            async with asyncio.timeout(timeout):
                await changed.wait()
        except TimeoutError:
            pass
