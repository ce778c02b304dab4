"""What the headers of an answer say: when it was given, and when to ask again."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

# Seconds; the vendor's table asks for one or more after a 429.
PAUSE_WHEN_TOO_MANY = 1.0
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def date_of(response: httpx.Response) -> datetime | None:
    return _http_date(response.headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else None


def retry_after(response: httpx.Response, *, now: datetime, too_many: bool) -> float | None:
    """Seconds from the Retry-After header (a number or a date) where there is one; at least one second after a 429."""
    header = response.headers.get("retry-after", "").strip()
    asked = None
    if _DECIMAL.fullmatch(header):
        asked = float(header)
    elif (date := _http_date(header)) is not None:
        asked = max((date - now).total_seconds(), 0.0)
    return max(asked or 0.0, PAUSE_WHEN_TOO_MANY) if too_many else asked
