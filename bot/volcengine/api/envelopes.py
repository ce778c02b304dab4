"""From an answer's body to its envelope, or to what is wrong with it."""

from dataclasses import dataclass

from bot.volcengine.api.bodies import BODY_LIMIT, in_utf_8, is_large
from bot.volcengine.api.wire import Envelope, InvalidResponse, parse_envelope


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer's body came to: its envelope, an empty one where there is a flaw, and its text."""

    envelope: Envelope
    text: str = ""
    flaw: str | None = None
    is_large: bool = False


def envelope_in(body: bytes | None) -> Found:
    """Never raises; None is a body that was too large to be read."""
    if body is None:
        return Found(Envelope(), flaw=f"it is larger than {BODY_LIMIT // 1024**2} MiB")
    text = in_utf_8(body)
    try:
        return Found(parse_envelope(text), text.decode(errors="replace"), is_large=is_large(text))
    except InvalidResponse as flaw:
        return Found(Envelope(), flaw=str(flaw))
