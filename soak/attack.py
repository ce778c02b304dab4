"""Everybody who should not be at the HTTP port: `python -m soak.attack PORT IDLE DRIPS JUNK`.

Only this machine is ever attacked, and it ends once all the junk is sent, or after four minutes.
"""

import asyncio
import collections
import contextlib
import itertools
import json
import resource
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

HOST = "127.0.0.1"
AT_MOST = 240.0
AT_ONCE = 50
OPENED_AGAIN_AFTER = 10.0
BODY = 1_000_000
# Closing sends a reset, so that no port stays taken for a minute.
_RESET = struct.pack("ii", 1, 0)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _post(length: int, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: {length}\r\n{lines}\r\n".encode()


def _forged(length: int) -> bytes:
    return _post(length, X_Slack_Request_Timestamp=str(int(time.time())), X_Slack_Signature="v0=" + "0" * 64)


JUNK: tuple[Callable[[], bytes], ...] = (
    lambda: _post(10) + b"text=help!",
    lambda: _post(7, Content_Encoding="gzip") + b"rubbish",
    lambda: _forged(10) + b"text=help!",
    lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 rubbish\r\n\r\n",
    lambda: b"GET /wp-login.php HTTP/1.1\r\nHost: bot\r\n\r\n",
    lambda: b"GET http://[ HTTP/1.1\r\n\r\n",
    lambda: b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
)


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _stay(port: int) -> None:
    """Say nothing, for as long as that is suffered."""
    async with _connected(port) as (reader, _):
        await reader.read()


async def _drip(port: int) -> None:
    async with _connected(port) as (_, writer):
        writer.write(_forged(BODY))
        for _ in range(BODY):
            await writer.drain()
            writer.write(b"x" * 2_000)
            await asyncio.sleep(0.1)


async def _again_and_again(do: Callable[[int], Awaitable[None]], port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            await do(port)
        await asyncio.sleep(OPENED_AGAIN_AFTER)


async def _throw(port: int, numbers: "itertools.count[int]", junk: int, answers: collections.Counter[str]) -> None:
    while (number := next(numbers)) < junk:
        with contextlib.suppress(OSError):
            async with _connected(port) as (reader, writer):
                writer.write(JUNK[number % len(JUNK)]())
                line = await reader.readline()
                answers[line[9:12].decode(errors="replace") or "cut"] += 1
                continue
        answers["cut"] += 1


async def _attack(port: int, idle: int, drips: int, junk: int) -> dict[str, int]:
    answers, numbers = collections.Counter[str](), itertools.count()
    besieging = [asyncio.create_task(_again_and_again(_stay, port)) for _ in range(idle)]
    besieging += [asyncio.create_task(_again_and_again(_drip, port)) for _ in range(drips)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AT_MOST):
            await asyncio.gather(*(_throw(port, numbers, junk, answers) for _ in range(AT_ONCE)))
    for task in besieging:
        task.cancel()
    await asyncio.gather(*besieging, return_exceptions=True)
    return dict(answers)


def main() -> None:
    """Print what the junk was answered."""
    port, idle, drips, junk = map(int, sys.argv[1:])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(asyncio.run(_attack(port, idle, drips, junk))))


if __name__ == "__main__":
    main()
