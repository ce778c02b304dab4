"""Processes forked from one that has imported everything: a new interpreter needs seconds of CPU for that."""

import asyncio
import functools
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, TextIO

import psutil

from bot.__main__ import main
from testing.forkserver import FORKED

ROOT = Path(__file__).parents[1]

Run = Callable[[], object]


class Forked(psutil.Process):
    """A process that is not this one's child, and whose exit code is known all the same."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._lock = threading.Lock()
        super().__init__(process.pid)

    def poll(self) -> int | None:
        with self._lock:  # the code can be read once
            return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise psutil.TimeoutExpired(timeout or 0, self.pid)
        return code


@dataclass(frozen=True, slots=True)
class Piped:
    """A forked process, with the same names as those of `asyncio.subprocess.Process`."""

    forked: Forked
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None

    @property
    def pid(self) -> int:
        return self.forked.pid

    @property
    def returncode(self) -> int | None:
        return self.forked.poll()

    async def wait(self) -> int:
        return await asyncio.to_thread(self.forked.wait)

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it writes until it has ended."""
        written = await asyncio.gather(*(_read_all(stream) for stream in (self.stdout, self.stderr)))
        await self.wait()
        return written[0], written[1]

    def send_signal(self, number: int) -> None:
        try:
            self.forked.send_signal(number)
        except psutil.NoSuchProcess:
            raise ProcessLookupError from None

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


async def _read_all(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


async def fork_piped(
    run: Run,
    *,
    environ: Mapping[str, str],
    stdout: int = asyncio.subprocess.PIPE,
    stderr: int = asyncio.subprocess.PIPE,
) -> Piped:
    """As `fork`; each stream is PIPE, DEVNULL, or a file descriptor."""
    reads: list[asyncio.StreamReader | None] = []
    writes = []
    try:
        for stream in (stdout, stderr):
            read, write = await _opened(stream)
            reads.append(read)
            writes.append(write)
        forked = fork(run, environ=environ, stdout=writes[0], stderr=writes[1])
    finally:
        for descriptor in writes:
            os.close(descriptor)
    return Piped(forked, *reads)


async def _opened(stream: int) -> tuple[asyncio.StreamReader | None, int]:
    """What we read from, where it is a pipe, and what the process writes to."""
    if stream == asyncio.subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_WRONLY)
    if stream != asyncio.subprocess.PIPE:
        return None, os.dup(stream)
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb"))
    return reader, theirs


def fork(run: Run, *, environ: Mapping[str, str], stdout: int, stderr: int, folder: Path | None = None) -> Forked:
    """Call what can be pickled in a process of its own, with this environment and no other."""
    order = _Order(run, dict(environ), folder or Path.cwd(), _Descriptor(stdout), _Descriptor(stderr))
    process = forking().Process(target=_carry_out, args=(order,), daemon=True)
    process.start()
    return Forked(process)


def own_environ() -> dict[str, str]:
    """Without what makes each Python process measure its coverage: one that lives a second has no time for that."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def rectask(*words: str) -> Run:
    """The command line, as it is typed."""
    return functools.partial(_type, words)


def _type(words: tuple[str, ...]) -> int:
    sys.argv = ["rectask", *words]
    return main()


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """One that the forked process gets a copy of."""

    number: int

    def __reduce__(self) -> tuple[object, ...]:
        return _inherited, (DupFd(self.number),)


def _inherited(descriptor: Any) -> _Descriptor:
    return _Descriptor(descriptor.detach())


@dataclass(frozen=True, slots=True)
class _Order:
    run: Run
    environ: dict[str, str]
    folder: Path
    stdout: _Descriptor
    stderr: _Descriptor


def _carry_out(order: _Order) -> None:
    os.environ.clear()
    os.environ.update(order.environ)
    tempfile.tempdir = None  # so that it is looked for anew
    os.chdir(order.folder)
    for descriptor, number in ((order.stdout, 1), (order.stderr, 2)):
        os.dup2(descriptor.number, number)
        os.close(descriptor.number)
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(order.run())  # type: ignore[arg-type]


def _stream(number: int) -> TextIO:
    """Opened anew, for what it writes to is another file now."""
    return open(number, "w", buffering=1, encoding="utf-8", closefd=False)


@functools.cache
def forking() -> ForkServerContext:
    """For functions that talk over a pipe; `fork` is for the others."""
    with _found_here():
        forkserver.ensure_running()
    return FORKED


@contextmanager
def _found_here() -> Iterator[None]:
    """What is preloaded is found from wherever this process stands now, and its coverage is not measured."""
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = str(ROOT)
    for name in before:
        if name.startswith("COVERAGE"):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
