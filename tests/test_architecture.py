"""The floors of docs/architecture.md, held by import-linter in the test run too."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_floors_hold() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


def test_importing_has_no_effect() -> None:
    program = (
        "import threading, asyncio, bot.app.serve, bot.app.cli.show, bot.app.cli.check; print(threading.active_count())"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert (ran.stdout.strip(), ran.stderr) == ("1", "")
