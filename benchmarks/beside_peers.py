"""Rectask beside the vendor's packages, which are installed in a folder of their own and measured in another process.

The folder comes before this environment's own packages there, so that the peers have all that Rectask needs as well.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.table import Claim, Part, PartFailed
from testing.stand_ins import ROOT

PEERS = ROOT / ".venv-bench"
REQUIREMENTS, CONSTRAINTS = Path("benchmarks") / "peers.txt", Path("constraints.txt")
# What the folder was made for; it is written last.
_MADE_FOR = PEERS / "made-for.txt"


def parts(*, quick: bool) -> Iterator[Part]:
    yield Part((Claim("one signature", ">= 2x"),), partial(_figures, "signature", quick=quick))
    yield Part(
        (
            Claim("signed GET, client and parsing, pacer off", ">= 2.5x"),
            Claim("the same beside an unsigned GET by a stock httpx.AsyncClient on the same transport", ">= 0.75x"),
        ),
        partial(_figures, "get", quick=quick),
    )


def _figures(step: str, *, quick: bool) -> list[str]:
    _install()
    size = ["--quick"] if quick else []
    environ = {**os.environ, "PYTHONPATH": str(PEERS)}
    printed = _run([sys.executable, "-m", "benchmarks.peers", step, *size], environ)
    figures: list[str] = json.loads(printed.splitlines()[-1])
    return figures


def _install() -> None:
    """Unless the folder is there already, and was made for the same versions."""
    wanted = "\n".join([sys.version, *((ROOT / name).read_text() for name in (REQUIREMENTS, CONSTRAINTS))])
    if _MADE_FOR.exists() and _MADE_FOR.read_text() == wanted:
        return
    shutil.rmtree(PEERS, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    versions = ["--constraint", str(CONSTRAINTS), "--requirement", str(REQUIREMENTS)]
    _run([*pip, "--target", str(PEERS), *versions], {**os.environ})
    _MADE_FOR.write_text(wanted)


def _run(command: list[str], environ: dict[str, str]) -> str:
    """What it prints; raises PartFailed with the last line of its errors."""
    ran = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    if ran.returncode:
        last = ran.stderr.strip().rpartition("\n")[2].removeprefix("ERROR: ")
        raise PartFailed(last or f"exit code {ran.returncode}") from ChildProcessError(ran.stderr)
    return ran.stdout
