"""Sizes, lengths and counts in words; decimal units everywhere."""

from datetime import timedelta

_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_ROUNDS_UP_TO_NEXT = (1000, 999.95)
_SECONDS_PER = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_size(size: int) -> str:
    """A number of bytes as "812 B", "30.4 MB", "1.2 GB"."""
    value, unit = float(size), 0
    # One digit is shown, so what would round up to 1000.0 is given in the next unit.
    while value >= _ROUNDS_UP_TO_NEXT[unit > 0] and unit < len(_SIZE_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_SIZE_UNITS[unit]}" if unit else f"{size} B"


def format_duration(length: timedelta) -> str:
    """A length of time in its two largest units, cut and not rounded: "7 min 42 s", "3 h 2 min", "0.4 s"."""
    seconds = length.total_seconds()
    if 0 < seconds < 1:
        return f"{max(int(seconds * 10), 1) / 10} s"
    rest, parts = int(seconds), list[str]()
    for unit, unit_seconds in _SECONDS_PER:
        count, rest = divmod(rest, unit_seconds)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def format_count(count: int, noun: str) -> str:
    """A count with its noun: "no files", "1 file", "500 files"."""
    number = "no" if count == 0 else f"{count:,}"
    if count == 1:
        return f"{number} {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"
