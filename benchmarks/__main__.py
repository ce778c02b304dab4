"""`make bench`: every claim of speed and pace, as a table."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import answers, pace, start, watching

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench"


def main() -> None:
    """Print a row for each claim."""
    measured = [*start.measure(), *pace.measure(), *answers.measure(), *watching.measure()]
    rows = [*_rows_beside_peers(), *(tuple(row) for row in measured)]
    print("| what | must reach | measured |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _rows_beside_peers() -> list[tuple[str, ...]]:
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["--constraint", "constraints.txt"]
    subprocess.run([*install, *constraints, "--editable", ".", "-r", "benchmarks/peers.txt"], cwd=ROOT, check=True)
    ran = subprocess.run([python, "-m", "benchmarks.peers"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return [tuple(row) for row in json.loads(ran.stdout.splitlines()[-1])]


if __name__ == "__main__":
    main()
