"""The envelope of every answer, taken as it comes: parts may be missing, null or of another type.

Numbers have units here, in `rtc.wire` and in `files.vod_wire` alone: RTC's times are milliseconds since the epoch, its
durations milliseconds, VOD's times seconds since the epoch; sizes are bytes. A rounded number counts as none.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_pascal
from pydantic_core import from_json

from bot.volcengine.api.bodies import excess
from bot.volcengine.api.numbers import Else, Number, Text, exact

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is earlier than 2000-01-01 is no time of a recording, but a number that means something else.
_EARLIEST = 946_684_800_000
# And 2200-01-01: what is later is somebody's "never", and near the end of what a datetime can hold.
_LATEST = 7_258_118_400_000
_EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]")


class InvalidResponse(ValueError):
    """An answer in which nothing of the documented form is to be found."""


class WireModel(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", coerce_numbers_to_str=True, frozen=True)


class WireError(WireModel):
    """`ResponseMetadata.Error`: `code` is a name such as "LackPolicy", `code_n` the gateway's number for it."""

    code: Text = None
    code_n: Number = None
    message: Text = None

    @property
    def is_there(self) -> bool:
        return bool(self.code or self.code_n or self.message)


def _error_object(value: object) -> object:
    """An error that is no object is taken for its code."""
    return value if isinstance(value, dict) else {"Code": value}


class Metadata(WireModel):
    """`ResponseMetadata`."""

    request_id: Text = None
    error: Annotated[WireError, BeforeValidator(_error_object)] = WireError()


class Envelope(WireModel):
    """The form of every answer of Volcengine; `result` is an object, a string, null or absent."""

    response_metadata: Annotated[Metadata, Else(Metadata())] = Metadata()
    result: object = None


def parse_envelope(body: bytes) -> Envelope:
    """Raises InvalidResponse for what is not JSON, too much, not an object, or has neither of an envelope's parts."""
    if (flaw := excess(body)) is not None:
        raise InvalidResponse(flaw)
    try:
        payload = from_json(bytes(body))
        if _EXPONENT.search(body):
            # The digits of a number are lost in a float, and with them whether it was rounded.
            payload = json.loads(body, parse_float=_number)
    except ValueError as failure:
        raise InvalidResponse("it is not JSON") from failure
    if not isinstance(payload, dict):
        raise InvalidResponse("it is JSON, yet not an object")
    if not ("ResponseMetadata" in payload or "Result" in payload):
        raise InvalidResponse("it has neither ResponseMetadata nor Result")
    return Envelope.model_validate(payload)


def _number(text: str) -> int | float | str:
    """As it was meant, or as the text that it is where that is not certain."""
    try:
        number = exact(text)
    except ValueError:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def moment_of(number: int | None) -> datetime | None:
    """From milliseconds, as is documented, or seconds: no time of a recording can be both."""
    if number is None:
        return None
    if _EARLIEST <= number * 1000 <= _LATEST:
        return _EPOCH + timedelta(seconds=number)
    return _EPOCH + timedelta(milliseconds=number) if _EARLIEST <= number <= _LATEST else None
