"""The end of the process at a set moment, whatever still hangs: a thread, a name that does not resolve, a full pipe."""

import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

_MESSAGE = struct.Struct("=dB")
_SIGNALS_AT_ONCE = 64


class LastResort:
    """Ends the process, and hears signals while nobody else does: by a thread, which waits for bytes in two pipes."""

    def __init__(self, end: Callable[[int], object] = os._exit) -> None:
        self._end = end
        self._told, self._tell = os.pipe()
        self._signalled, self._signal = os.pipe()
        os.set_blocking(self._signal, False)
        self._on_signal: Callable[[], object] = lambda: None
        threading.Thread(target=self._watch, name="last resort", daemon=True).start()

    def within(self, seconds: float, *, code: int) -> None:
        """The process ends by then, with this code; of several moments the earliest counts."""
        os.write(self._tell, _MESSAGE.pack(time.monotonic() + seconds, code))

    @contextmanager
    def hearing(self, signals: Iterable[signal.Signals], on_signal: Callable[[], object]) -> Iterator[None]:
        """Call it, in the thread, whenever one of these signals comes; afterwards they are ignored.

        The interpreter calls its own handlers only once the main thread goes on, which waits for sockets, and is not
        woken when the system gives the signal to another thread: a second was lost, or five.
        """
        signals = list(signals)
        self._on_signal = on_signal
        before = signal.set_wakeup_fd(self._signal, warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, lambda *_: None)
        try:
            yield
        finally:
            # The process ends anyway; while the interpreter goes down, the default would be to die of it.
            for number in signals:
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(before)

    def _watch(self) -> None:
        ends: list[tuple[float, int]] = []
        while not ends or time.monotonic() < min(ends)[0]:
            pause = None if not ends else max(min(ends)[0] - time.monotonic(), 0.0)
            ready, _, _ = select.select([self._told, self._signalled], [], [], pause)
            if self._signalled in ready:
                os.read(self._signalled, _SIGNALS_AT_ONCE)
                self._on_signal()
            if self._told in ready:
                ends.append(_MESSAGE.unpack(os.read(self._told, _MESSAGE.size)))
        self._end(min(ends)[1])
