"""Lines that a thread writes: all of them while somebody reads, and never a wait for whoever logs."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.metrics.prometheus import make_meters
from bot.runtime.line_writer import LineWriter

SOON = 10.0
SMALLEST_PIPE = 4096


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    yield reads, writes
    for descriptor in (reads, writes):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_every_line_is_written_in_its_order(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    writer = LineWriter(lambda: writes)
    for number in range(100):
        writer.write(f"line {number}\n")
    writer.flush()
    assert writer.wait(SOON)
    assert os.read(reads, SMALLEST_PIPE).decode().splitlines() == [f"line {number}" for number in range(100)]
    assert writer.dropped == 0


def test_what_nobody_reads_is_dropped_counted_and_told_once_it_is_read(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    told: list[int] = []
    has_told = threading.Event()

    def tell(lines: int) -> None:
        told.append(lines)
        has_told.set()

    writer = LineWriter(lambda: writes, on_dropped=tell, characters_kept=10_000)
    line = "x" * 999 + "\n"
    for _ in range(100):
        writer.write(line)
    assert not writer.wait(0.0)
    dropped = writer.dropped
    assert 80 <= dropped < 100
    assert told == []
    while not has_told.is_set():
        os.read(reads, SMALLEST_PIPE)
    assert told == [dropped]


def test_a_pipe_that_was_closed_takes_nothing_and_stops_nobody(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    os.close(reads)
    writer = LineWriter(lambda: writes)
    writer.write("one\ntwo\n")
    assert writer.wait(SOON)
    assert writer.dropped == 2


def test_a_pipe_with_a_name_is_opened_again_for_the_next_reader(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = LineWriter(lambda: os.open(path, os.O_WRONLY))
    writer.write("one\n")
    with path.open(encoding="utf-8") as reader:
        assert reader.readline() == "one\n"
    writer.write("two\n")  # may be lost: the pipe is closed, which is known by writing
    assert writer.wait(SOON)
    writer.write("three\n")
    with path.open(encoding="utf-8") as reader:
        assert reader.readline() == "three\n"


def test_a_pipe_that_does_not_wait_is_waited_for(pipe: tuple[int, int]) -> None:
    """Whoever shares it may have made it one."""
    reads, writes = pipe
    os.set_blocking(writes, False)
    writer = LineWriter(lambda: writes)
    writer.write("x" * 3 * SMALLEST_PIPE + "\n")
    read = b""
    while not read.endswith(b"\n"):
        read += os.read(reads, SMALLEST_PIPE)
    assert len(read) == 3 * SMALLEST_PIPE + 1
    assert writer.dropped == 0


@given(st.lists(st.text(st.characters(codec=None), max_size=40), max_size=30))
def test_whatever_is_written_either_comes_or_is_counted(lines: list[str]) -> None:
    lines = [line.replace("\n", " ").replace("\r", " ") for line in lines]
    reads, writes = os.pipe()
    try:
        writer = LineWriter(lambda: os.dup(writes), characters_kept=200)
        for line in lines:
            writer.write(f"{line}\n")
        assert writer.close(within=SOON)
        os.write(writes, b"end\n")
        came = os.read(reads, 65536).count(b"\n") - 1
    finally:
        os.close(reads)
        os.close(writes)
    assert came + writer.dropped == len(lines)


def test_what_is_dropped_is_counted_in_the_metrics(pipe: tuple[int, int]) -> None:
    _, writes = pipe
    writer = LineWriter(lambda: writes, characters_kept=10)
    meters = make_meters(version="1", clock=lambda: datetime.now(UTC), pipes={"log": writer, "audit": None})
    writer.write("much more than that\nin two lines\n")
    count = meters.registry.get_sample_value
    assert count("rectask_lines_dropped_total", {"stream": "log"}) == 2
    assert count("rectask_lines_dropped_total", {"stream": "audit"}) == 0
