"""`make soak`: the long runs behind docs/reliability.md and docs/scale.md, as a table. Some 80 minutes on two cores."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.app.log_setup import configure_logs
from soak.endurance import endure
from soak.siege import siege
from testing.killed_workers import Plan, run
from testing.postgres import Postgres, run_postgres
from testing.redis_server import run_redis
from testing.rolling_restart import rolling_restart
from testing.shared_pace import shared_pace
from testing.shared_round import shared_round
from testing.subscribe_race import race

ROOT = Path(__file__).parents[1]
NOTICES, SUBSCRIPTIONS = 1_500, 1_000
TASKS = 20_000
HALF_AN_HOUR = 1_800.0


def main() -> None:
    """Print a row for each claim."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--only", choices=STEPS, nargs="*", default=list(STEPS), help="some of the steps")
    parser.add_argument("--seconds", type=float, default=HALF_AN_HOUR, help="how long endurance goes on")
    parser.add_argument("--tasks", type=int, default=TASKS, help="watched tasks of rounds")
    said = parser.parse_args()
    configure_logs(level="error", as_json=True, secrets=())
    print("| what | database | came of it |\n|---|---|---|", flush=True)
    with run_postgres() as postgres:
        for step in said.only:
            STEPS[step](postgres, said)


def _deaths(postgres: Postgres, _said: argparse.Namespace) -> None:
    for how, what in (("kill", "kill -9 of random workers"), ("stop", "SIGSTOP past the lease, then SIGCONT")):
        for kind, url, folder in _databases(postgres, how):
            _row(f"{what}, {NOTICES:,} notices, 4 workers", kind, asyncio.run(run(Plan(how, NOTICES), url, folder)))


def _race(postgres: Postgres, _said: argparse.Namespace) -> None:
    for kind, url, _ in _databases(postgres, "race"):
        what = f"subscribing at the moment of the end, {SUBSCRIPTIONS:,} times, two processes"
        _row(what, kind, race(url, times=SUBSCRIPTIONS))


def _replicas(postgres: Postgres, _said: argparse.Namespace) -> None:
    what = f"3 replicas, {NOTICES:,} notices, kill -9, SIGSTOP past the lease, PostgreSQL restarted, Redis flushed"
    with run_redis() as redis, _folder() as folder:
        plan = Plan("both", NOTICES, workers=3, redis=redis, postgres=postgres)
        _row(what, "PostgreSQL", asyncio.run(run(plan, postgres.create("replicas"), folder)))


def _pace(_postgres: Postgres, _said: argparse.Namespace) -> None:
    for trouble in ("none", "flush", "kill"):
        of_redis = "" if trouble == "none" else f", Redis: {trouble} in the middle"
        _row(f"3 replicas, 600 callers{of_redis}", "none", asyncio.run(shared_pace(trouble, seconds=40)))
    for trouble, away in (("stall", 0.5), ("stall", 2.0), ("stall", 10.0), ("stop", 0.5), ("stop", 2.0), ("stop", 5.0)):
        what = "the network to RTC stalls for" if trouble == "stall" else "each replica in turn stands still for"
        told = asyncio.run(shared_pace(trouble, seconds=40, away=away))
        _row(f"3 replicas, 600 callers, {what} {away:g} s", "none", told)


def _rolling(postgres: Postgres, _said: argparse.Namespace) -> None:
    with _folder() as folder:
        rolled, same = asyncio.run(rolling_restart(postgres, folder, rounds=10))
    _row("rolling restart of 3 replicas, 20 commands a second", "PostgreSQL", rolled)
    _row("100 identical commands over 3 replicas at once", "PostgreSQL", same)


def _rounds(postgres: Postgres, said: argparse.Namespace) -> None:
    for replicas in (2, 4):
        with _folder() as folder:
            came = asyncio.run(shared_round(postgres, folder, tasks=said.tasks, replicas=replicas))
        _row(f"{replicas} replicas, {said.tasks:,} watched tasks, all due", "PostgreSQL", came)


def _endurance(postgres: Postgres, said: argparse.Namespace) -> None:
    with _folder() as folder:
        lines = asyncio.run(endure(postgres, folder, seconds=said.seconds))
    _row(f"3 replicas, all faults, {said.seconds / 60:.0f} minutes", "PostgreSQL", "<br>".join(lines))


def _row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def _databases(postgres: Postgres, name: str) -> Iterator[tuple[str, str, Path]]:
    """An empty one of each kind, and a folder for what the workers log."""
    for kind in ("SQLite", "PostgreSQL"):
        with _folder() as folder:
            url = f"sqlite:///{folder / 'rectask.db'}" if kind == "SQLite" else postgres.create(name)
            yield kind, url, folder


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rectask-") as folder:
        yield Path(folder)


def _siege(_postgres: Postgres, _said: argparse.Namespace) -> None:
    what = "2,000 idle connections, 500 dripping bodies, 100,000 junk requests to the HTTP port"
    _row(what, "SQLite", asyncio.run(siege()))


def _long_tests(_postgres: Postgres, _said: argparse.Namespace) -> None:
    """What the tests do in small, in full: 500 watched tasks while RTC is down, many more stories in any order."""
    command = [sys.executable, "-m", "pytest", "--quiet", "--long", "tests/reliability"]
    ran = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # it is named here
    _row("tests/reliability with --long", "both", "passed" if ran.returncode == 0 else "FAILED")
    if ran.returncode:
        sys.exit(ran.returncode)


STEPS: dict[str, Callable[[Postgres, argparse.Namespace], None]] = {
    "deaths": _deaths,
    "race": _race,
    "replicas": _replicas,
    "pace": _pace,
    "rolling": _rolling,
    "rounds": _rounds,
    "endurance": _endurance,
    "siege": _siege,
    "tests": _long_tests,
}


if __name__ == "__main__":
    main()
