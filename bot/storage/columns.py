"""How moments, starts, readings and foreign words are kept in a column."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

from bot.recording.encoding import NotDecodable, decode_reading, encode_reading
from bot.recording.reading import Reading

log = structlog.get_logger()

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """Microseconds since the epoch, exactly. As a lease's end, the epoch itself says that nobody holds one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else EPOCH + value * MICROSECOND


class Start(Moment):
    """A moment that is 0 while it is not known, so that it can be part of a unique key."""

    cache_ok = True
    coerce_to_is_types = ()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:
        return super().process_bind_param(value, dialect) or 0

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return super().process_result_value(value or None, dialect)


class ReadingText(TypeDecorator[Reading]):
    """A reading without its raw answer. What can not be read any more is absent, for it must not stop the others."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Reading | None, dialect: Dialect) -> str | None:
        del dialect
        # Half of a surrogate pair, which no database takes, becomes the escape sequence that JSON has for it.
        return None if value is None else encode_reading(value).encode(errors="backslashreplace").decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Reading | None:
        del dialect
        if value is None:
            return None
        try:
            return decode_reading(value)
        except NotDecodable as flaw:
            log.warning("reading.not_decoded", flaw=str(flaw))
            return None


class Words(TypeDecorator[str]):
    """Words from outside, without the signs that no database takes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        if value is None or value.isprintable():
            return value
        return value.replace("\0", "").encode(errors="replace").decode()
