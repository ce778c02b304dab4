"""The end of the process at a set moment, whatever still hangs: a thread, a name that does not resolve, a full pipe."""

import os
import select
import struct
import threading
import time
from collections.abc import Callable

_MESSAGE = struct.Struct("=dB")


class LastResort:
    """Ends the process. It is told by a byte string in a pipe, which a signal handler may write at any moment."""

    def __init__(self, end: Callable[[int], object] = os._exit) -> None:
        self._end = end
        self._told, self._tell = os.pipe()
        threading.Thread(target=self._watch, name="last resort", daemon=True).start()

    def within(self, seconds: float, *, code: int) -> None:
        """The process ends by then, with this code. What is said first about one moment or an earlier one counts."""
        os.write(self._tell, _MESSAGE.pack(time.monotonic() + seconds, code))

    def _watch(self) -> None:
        ends: list[tuple[float, int]] = []
        while not ends or time.monotonic() < min(ends)[0]:
            pause = None if not ends else max(min(ends)[0] - time.monotonic(), 0.0)
            if select.select([self._told], [], [], pause)[0]:
                at, code = _MESSAGE.unpack(os.read(self._told, _MESSAGE.size))
                ends.append((at, code))
        self._end(min(ends)[1])
