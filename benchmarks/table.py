"""The table of claims. Each row is printed once it is measured, and a part that fails costs its own rows alone."""

import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LONGEST_REASON = 200


@dataclass(frozen=True)
class Claim:
    """What is claimed, and the bar it must reach."""

    what: str
    must_reach: str


@dataclass(frozen=True)
class Part:
    """Claims that are measured together; `measure` yields a figure for each of them, in the same order."""

    claims: tuple[Claim, ...]
    measure: Callable[[], Iterable[str]]


class PartFailed(Exception):
    """A part that could not be measured, with the reason."""


def print_table(parts: Iterable[Part], *, measured: str = "measured") -> bool:
    """Print a row for each claim, then the traceback of each part that failed. Returns whether none failed."""
    _print_row("what", "must reach", measured)
    print("|---|---|---|", flush=True)
    errors = [error for part in parts if (error := _print_rows(part)) is not None]
    for error in errors:
        traceback.print_exception(error, file=sys.stderr)
    if errors:
        print(f"Parts that failed: {len(errors)}", file=sys.stderr)
    return not errors


def _print_rows(part: Part) -> Exception | None:
    printed = 0
    try:
        for claim, figure in zip(part.claims, part.measure(), strict=True):
            _print_row(claim.what, claim.must_reach, figure)
            printed += 1
    except Exception as error:  # noqa: BLE001  # whatever it is, the other parts are measured
        # A part that fails after its last figure still says so.
        for claim in part.claims[printed:] or part.claims[-1:]:
            _print_row(claim.what, claim.must_reach, f"FAILED: {_reason(error)}")
        return error
    return None


def _reason(error: Exception) -> str:
    """The first line of the error, and where it was raised."""
    said = next((line for line in str(error).splitlines() if line.strip()), "")
    if not isinstance(error, PartFailed):
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__} in {place.name}" + (f": {said}" if said else "")
    return textwrap.shorten(said, LONGEST_REASON, placeholder=" …")


def _print_row(*cells: str) -> None:
    print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |", flush=True)
