"""The HTTP port under attack: whether a signed command still gets its answer, and what the attack costs."""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.playground.slack.world import C_ONCALL, U_ANA
from testing.stand_ins import ROOT, Served, open_stand_ins, serving

COMMANDS_EVERY = 0.2
MEGABYTE = 1_000_000
A_SECOND = 1.0


@dataclass
class Witness:
    """What was seen meanwhile: seconds until each command was answered, and the most memory."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    resident: int = 0


async def siege(*, idle: int = 2_000, drips: int = 500, junk: int = 100_000) -> str:
    """What came of it."""
    async with open_stand_ins() as world, serving(world) as bot:
        before = bot.process.memory_info().rss
        attack = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "soak.attack", str(urlsplit(bot.url).port), str(idle), str(drips), str(junk)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        began, witness = time.monotonic(), Witness()
        ended = asyncio.create_task(attack.communicate())
        while not ended.done():
            outcome = await world.slack.command("Room1 Task1", user=U_ANA, channel=C_ONCALL)
            witness.seconds.append(outcome.seconds)
            witness.failed += not outcome.acked
            witness.resident = max(witness.resident, bot.process.memory_info().rss)
            await asyncio.wait({ended}, timeout=COMMANDS_EVERY)
        answers, _ = await ended
        took = time.monotonic() - began
        return _told(witness, answers=json.loads(answers), before=before, log=_size(bot), took=took)


def _size(bot: Served) -> int:
    return Path(bot.log).stat().st_size


def _told(witness: Witness, *, answers: dict[str, int], before: int, log: int, took: float) -> str:
    seconds = sorted(witness.seconds)
    return (
        f"{len(seconds):,} signed commands, {witness.failed} failed, answered within "
        f"{statistics.median(seconds) * 1000:.0f} ms (median), {seconds[-1] * 1000:.0f} ms (longest), "
        f"{sum(each > A_SECOND for each in seconds)} later than a second; "
        f"memory {before / MEGABYTE:.0f} MB before, {witness.resident / MEGABYTE:.0f} MB at most; "
        f"log {log / 1000:.1f} kB; {sum(answers.values()):,} junk requests in {took:.0f} s, answered "
        + ", ".join(f"{status}: {count:,}" for status, count in sorted(answers.items()))
    )
