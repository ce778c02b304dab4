"""Words in Slack's forms; whatever came from outside is inert in each of them.

Escaping alone is not enough: a literal @here or an address becomes live in mrkdwn. So text from outside stands in code
spans, or in plain_text, and every mrkdwn object is verbatim.
"""

import re
from datetime import datetime
from typing import Any

Block = dict[str, Any]

# A backtick would end the span; this one only looks like it.
_BACKTICK_LOOKALIKE = "ˋ"


# Printable by Python's table, and yet nothing is seen of them (Unicode's Default_Ignorable_Code_Point, and the blank
# Braille pattern). U+FE0F stays, which makes emoji of signs.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)


def escape(text: str) -> str:
    """The three characters that Slack asks to be escaped in mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def visible(text: str) -> str:
    """Everything that cannot be seen (controls, direction marks, fillers of no width) shown as its code."""
    if text.isprintable() and not _FILLERS.search(text):
        return text
    return "".join(_seen(c) for c in text)


def _seen(character: str) -> str:
    is_seen = character.isprintable() and not _FILLERS.match(character)
    return character if is_seen else character.encode("unicode_escape").decode()


def inert(text: str) -> str:
    """The same lines, with whatever is not visible in them shown as its code, lest it hide or turn around the rest."""
    if text.isascii() and text.isprintable():
        return text
    return "\n".join(map(visible, text.split("\n")))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where some were cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def code(text: str, *, limit: int = 500) -> str:
    """Text from outside in a code span: nothing in it is live."""
    return f"`{escape(cut(visible(text), limit)).replace('`', _BACKTICK_LOOKALIKE) or ' '}`"


def moment(when: datetime | None) -> str:
    """A time in the reader's own zone, with the same in UTC for what cannot show that."""
    if when is None:
        return "not given"
    fallback = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time_secs}}|{fallback}>"


def minute(when: datetime) -> str:
    """As `moment`, without seconds."""
    fallback = when.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def clock_time(when: datetime) -> str:
    """The time of the day alone, in the reader's own zone."""
    return f"<!date^{int(when.timestamp())}^{{time}}|{when:%H:%M} UTC>"


def mrkdwn(text: str) -> Block:
    """A mrkdwn object in which nothing becomes live that was not written so."""
    return {"type": "mrkdwn", "text": cut(inert(text), 3000), "verbatim": True}


def plain(text: str, *, limit: int = 3000) -> Block:
    """A plain_text object; colons stay colons."""
    return {"type": "plain_text", "text": cut(visible(text), limit) or " ", "emoji": False}
