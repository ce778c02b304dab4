"""`make soak`: the long runs behind docs/reliability.md, as a table. About 20 minutes on two cores."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soak.deaths import Plan, run
from soak.race import race
from tests.contracts.postgres import Postgres, run_postgres

ROOT = Path(__file__).parents[1]
NOTICES, SUBSCRIPTIONS = 1_500, 1_000


def main() -> None:
    """Print a row for each claim."""
    print("| what | database | came of it |\n|---|---|---|", flush=True)
    with run_postgres() as postgres:
        for how, what in (("kill", "kill -9 of random workers"), ("stop", "SIGSTOP past the lease, then SIGCONT")):
            for kind, url, folder in _databases(postgres, how):
                _row(f"{what}, {NOTICES:,} notices, 4 workers", kind, asyncio.run(run(Plan(how, NOTICES), url, folder)))
        for kind, url, _ in _databases(postgres, "race"):
            what = f"subscribing at the moment of the end, {SUBSCRIPTIONS:,} times, two processes"
            _row(what, kind, race(url, times=SUBSCRIPTIONS))
    _long_tests()


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


def _long_tests() -> None:
    """What the tests do in small, in full: 500 watched tasks while RTC is down, many more stories in any order."""
    command = [sys.executable, "-m", "pytest", "--no-cov", "--quiet", "--long", "tests/reliability"]
    ran = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # it is named here
    _row("tests/reliability with --long", "both", "passed" if ran.returncode == 0 else "FAILED")
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
