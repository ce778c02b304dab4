"""What one step of `rectask check` came to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one step came to; `advice` is there where it failed or soon will."""

    step: str
    is_well: bool
    said: str
    advice: str | None = None
