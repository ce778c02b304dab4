"""How long `rectask serve` takes until its socket is connected, beside what importing its libraries alone takes."""

import asyncio
import statistics
import subprocess
import sys
import time
from subprocess import DEVNULL, PIPE

from benchmarks.worlds import ROOT, StandIns, open_stand_ins

ROUNDS = 9
CONNECTED_WITHIN = 30.0
Row = tuple[str, str, str]
# All that the command loads and that is not the bot's own.
_LIST = """
import sys, bot.cli.serve
print("\\n".join(name for name, it in sys.modules.items() if "site-packages" in (getattr(it, "__file__", None) or "")))
"""
_IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(flush=True)"


def measure() -> list[Row]:
    """In turns, so that what else the machine does falls on both."""
    listed = subprocess.run([sys.executable, "-c", _LIST], cwd=ROOT, check=True, capture_output=True, text=True)
    importing, starting = asyncio.run(_measure(listed.stdout.split()))
    ratio = statistics.median(starting) / statistics.median(importing)
    told = f"{ratio:.2f}x: {statistics.median(starting):.2f} s over {statistics.median(importing):.2f} s"
    return [("start of `rectask serve`, over importing its libraries", "at most 1.3x", told)]


async def _measure(names: list[str]) -> tuple[list[float], list[float]]:
    importing, starting = [], []
    async with open_stand_ins(SLACK_APP_TOKEN="xapp-stand-in-app") as world:  # noqa: S106  # made up
        await _start(world)  # makes the database, which is there at every start but the first one
        for _ in range(ROUNDS):
            importing.append(await _import(world, names))
            starting.append(await _start(world))
    return importing, starting


async def _import(world: StandIns, names: list[str]) -> float:
    """Until it is done; taking it all down again is no part of it."""
    began = time.perf_counter()
    process = await _run(world, "-c", _IMPORT, *names)
    assert process.stdout is not None
    await process.stdout.readline()
    took = time.perf_counter() - began
    assert await process.wait() == 0
    return took


async def _start(world: StandIns) -> float:
    began = time.perf_counter()
    process = await _run(world, "-m", "bot", "serve")
    try:
        await world.slack.wait_for_socket(timeout=CONNECTED_WITHIN)
        return time.perf_counter() - began
    finally:
        process.terminate()
        await process.wait()
        await world.slack.wait_for(lambda: not world.slack.sockets)


async def _run(world: StandIns, *argv: str) -> asyncio.subprocess.Process:
    environ = {"PYTHONPATH": str(ROOT), **world.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, *argv, env=environ, cwd=world.folder, stdout=PIPE, stderr=DEVNULL
    )


if __name__ == "__main__":
    for row in measure():
        print(" | ".join(row))
