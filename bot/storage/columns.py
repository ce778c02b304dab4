"""How moments, starts, readings and foreign words are kept in a column."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

from bot.recording.reading import Reading
from bot.recording.serialization import NotDecodable, decode_reading, encode_reading

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)
# Nothing is stored of this time or later; from there to the last possible datetime, a span more can overflow.
NEVER = datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in a fetched row for a value that its column should not have.

    An exception while rows are fetched would take the other rows along; `Decoder` leaves out the row that has one.
    """

    value: str


class UnreadableReading(Unreadable):
    """A reading that is not in a form that is known here. The row is used without it."""


class Moment(TypeDecorator[datetime]):
    """Microseconds since the epoch, exactly. As a lease's end, the epoch itself says that nobody holds one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else _moment(value)


class Start(Moment):
    """A moment that is 0 while it is not known, so that it can be part of a unique key."""

    cache_ok = True
    coerce_to_is_types = ()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:
        return super().process_bind_param(value, dialect) or 0

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return super().process_result_value(value or None, dialect)


class ReadingText(TypeDecorator[Reading]):
    """A reading without its raw answer; UnreadableReading where what is stored is none."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Reading | None, dialect: Dialect) -> str | None:
        del dialect
        # Half of a surrogate pair, which no database takes, becomes the escape sequence that JSON has for it.
        return None if value is None else encode_reading(value).encode(errors="backslashreplace").decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        del dialect
        if value is None:
            return None
        try:
            return decode_reading(value)
        except NotDecodable as flaw:
            return UnreadableReading(str(flaw))


def _moment(value: Any) -> Any:
    """The moment, or Unreadable: SQLite keeps whatever it is given, and PostgreSQL any number of 64 bits."""
    is_moment = isinstance(value, int) and 0 <= value < _NEVER_AS_NUMBER
    return EPOCH + value * MICROSECOND if is_moment else Unreadable(repr(value)[:_SHOWN_AT_MOST])


_NEVER_AS_NUMBER = (NEVER - EPOCH) // MICROSECOND
_SHOWN_AT_MOST = 40


class Words(TypeDecorator[str]):
    """Words from outside, without the signs that no database takes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        if value is None or value.isprintable():
            return value
        return value.replace("\0", "").encode(errors="replace").decode()
