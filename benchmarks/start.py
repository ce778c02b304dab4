"""How long `rectask serve` takes until its socket is connected, beside what importing its libraries alone takes."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from subprocess import DEVNULL, PIPE

from benchmarks.table import Claim, Part, print_table
from testing.stand_ins import ROOT, StandIns, open_stand_ins

ROUNDS, QUICK_ROUNDS = 9, 1
CONNECTED_WITHIN = 30.0
# All that the command loads and that is not the bot's own.
_LIST = """
import sys, bot.app.cli.serve
print("\\n".join(name for name, it in sys.modules.items() if "site-packages" in (getattr(it, "__file__", None) or "")))
"""
_IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(flush=True)"


def parts(*, quick: bool) -> Iterator[Part]:
    claim = Claim("start of `rectask serve`, over importing its libraries", "at most 1.3x")
    yield Part((claim,), partial(_measure, QUICK_ROUNDS if quick else ROUNDS))


def _measure(rounds: int) -> list[str]:
    """In turns, so that what else the machine does falls on both."""
    listed = subprocess.run([sys.executable, "-c", _LIST], cwd=ROOT, check=True, capture_output=True, text=True)
    importing, starting = asyncio.run(_seconds(listed.stdout.split(), rounds))
    ratio = statistics.median(starting) / statistics.median(importing)
    return [f"{ratio:.2f}x: {statistics.median(starting):.2f} s over {statistics.median(importing):.2f} s"]


async def _seconds(names: list[str], rounds: int) -> tuple[list[float], list[float]]:
    importing, starting = [], []
    async with open_stand_ins(SLACK_APP_TOKEN="xapp-stand-in-app") as world:  # noqa: S106  # made up
        await _start(world)  # makes the database, which is there at every start but the first one
        for _ in range(rounds):
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
    sys.exit(not print_table(parts(quick=False)))
