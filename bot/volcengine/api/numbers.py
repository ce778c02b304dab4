"""The parts of what RTC and VOD send: numbers and text that may be missing, null, of another type or written oddly."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_LARGEST = 2**63 - 1
_DIGITS = 18
_DIGITS_OF_ROUNDED, _TEXT_OF_A_NUMBER = 6, 40


class Else:
    """Annotates a field: whatever cannot be made into its type becomes this value, without a call into Python."""

    def __init__(self, default: object) -> None:
        self._default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=self._default, on_error="default")


class WholeNumber:
    """Annotates an int: a number, or a string with one, within bounds; true and false are none.

    Nearly all of it in Rust: only what has an exponent or a fraction is read here. A fraction is cut off where
    `has_fractions`, which is less than a millisecond; else a number with one is none.
    """

    def __init__(self, *, least: int, has_fractions: bool = False) -> None:
        self._least = least
        self._has_fractions = has_fractions

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounded = core_schema.int_schema(ge=self._least, le=_LARGEST)
        others = (core_schema.str_schema(strict=True), core_schema.float_schema(strict=True))
        read = core_schema.no_info_plain_validator_function(self._read)
        ways: list[CoreSchema | tuple[CoreSchema, str]] = [
            core_schema.int_schema(strict=True, ge=self._least, le=_LARGEST),
            *(core_schema.chain_schema([other, bounded]) for other in others),
            core_schema.chain_schema([read, bounded]),
        ]
        return core_schema.union_schema(ways, mode="left_to_right")

    def _read(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, str | float):
            raise ValueError("no number")  # noqa: TRY004  # pydantic takes no TypeError
        number = exact(value if isinstance(value, str) else repr(value))
        if not self._has_fractions and number != number.to_integral_value():
            raise ValueError("not a whole number")
        return int(number)


def exact(text: str) -> Decimal:
    """The number in a text, with whatever exponent or fraction. Raises ValueError for one that was rounded.

    C's %g writes six digits: 1.62487e+12 may be any time within three hours. What has more digits was written whole.
    """
    try:
        number = Decimal(text) if len(text) <= _TEXT_OF_A_NUMBER else Decimal("NaN")
    except InvalidOperation as flaw:
        raise ValueError("no number") from flaw
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or abs(number.adjusted()) > _DIGITS:
        raise ValueError("no number")
    if exponent > 0 and len(digits) <= _DIGITS_OF_ROUNDED:
        raise ValueError("the number was rounded")
    return number


Number = Annotated[Annotated[int, WholeNumber(least=-_LARGEST)] | None, Else(None)]
Amount = Annotated[Annotated[int, WholeNumber(least=0)] | None, Else(None)]
Milliseconds = Annotated[Annotated[int, WholeNumber(least=0, has_fractions=True)] | None, Else(None)]
Text = Annotated[Annotated[str, Field(min_length=1)] | None, Else(None)]
Code = Annotated[
    Annotated[int, WholeNumber(least=-_LARGEST)] | Annotated[str, Field(min_length=1, max_length=64)] | None,
    Field(union_mode="left_to_right"),
    Else(None),
]
