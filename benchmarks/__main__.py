"""`make bench`: every claim of speed and pace, as a table. `--quick` measures the same with small numbers."""

import argparse
import sys

from benchmarks import answers, beside_peers, pace, start, watching
from benchmarks.table import print_table
from bot.app.log_setup import configure_logs

ROUGH = (
    "These figures are rough: they come from small numbers. `make bench` measures what docs/performance.md claims.\n"
)


def main() -> int:
    """Print a row for each claim; the exit code says whether all of them were measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers and rough figures, in three minutes")
    quick = parser.parse_args().quick
    configure_logs(level="error", as_json=True, secrets=())
    if quick:
        print(ROUGH, flush=True)
    parts = [part for module in (beside_peers, start, pace, answers, watching) for part in module.parts(quick=quick)]
    return 0 if print_table(parts, measured="measured, roughly" if quick else "measured") else 1


if __name__ == "__main__":
    sys.exit(main())
