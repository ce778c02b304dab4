"""What somebody typed after `/rectask`, as words: what Slack, keyboards and copying did to it is undone.

Ids contain no quotes, formatting or blanks (`ID_RULE`), so any of these around an id is not part of it. Everything here
takes time in proportion to the length of the text: no pattern can match one character in two ways, and no string grows
character by character.
"""

import re
from dataclasses import dataclass

# A verb, two ids and an app's name take 330 characters at most, four times that if Slack wraps the ids as links.
TYPED_AT_MOST = 2_000
DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}\N{HYPHEN BULLET}\N{MINUS SIGN}\N{BOX DRAWINGS LIGHT HORIZONTAL}\N{TWO-EM DASH}\N{SMALL EM DASH}\N{SMALL HYPHEN-MINUS}"  # noqa: E501

# Quotes by family. Keyboards and autocorrection mix those of one family, so any of them ends what another one began.
_QUOTES = ('"“”„‟«»「」『』″〝〞〟❝❞', "'‘’‚‛‹›′❛❜", "`\N{ACUTE ACCENT}\N{MODIFIER LETTER GRAVE ACCENT}")
_CLOSING = {quote: re.compile(f"[{re.escape(family)}]") for family in _QUOTES for quote in family}
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001))))
_MARKS_OF_DIRECTION = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# What stands around an id that was copied with its formatting. "_", "-" and "." are legal in ids and stay.
_AROUND = "".join(_QUOTES) + "*~>|,;:()[]{}•◦▪▫●○‣·、。【】《》" + _MARKS_OF_DIRECTION + _BLANKS
_BLANK_LETTERS = "\N{BRAILLE PATTERN BLANK}\N{HANGUL FILLER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HALFWIDTH HANGUL FILLER}"  # noqa: E501
_WITHOUT_WIDTH = "\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
_FULL_WIDTH = {0xFF00 + offset: chr(0x20 + offset) for offset in range(1, 0x5F)}
_READ_AS = _FULL_WIDTH | dict.fromkeys(map(ord, _BLANK_LETTERS), " ") | dict.fromkeys(map(ord, _WITHOUT_WIDTH), "")

_MENTION = re.compile(r"<[@#!][^<>]*>")
# <mailto:a@b|a@b>, <http://a.b|a.b>: the label is what was typed. Without a label, the address is.
_WRAPPED = re.compile(r"<([^<>]*)>")
_WORD = re.compile(r"\S+")
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and whether it stood in quotes: then it is an id or a name, whatever it looks like."""

    text: str
    is_quoted: bool = False


def mention_in(text: str) -> str | None:
    """The first mention of a person, a channel or a group in what was typed."""
    found = _MENTION.search(text)
    return found and found.group()


def on_screen(text: str) -> str:
    """What was on the screen when it was sent: links unwrapped, entities undone once, mentions left as they came."""
    unwrapped = _WRAPPED.sub(_without_wrapping, text) if "<" in text else text
    # The three that Slack escapes, in the order that undoes each once.
    return unwrapped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _without_wrapping(found: re.Match[str]) -> str:
    if found[1].startswith(("@", "#", "!")):
        return found.group()
    address, _, label = found[1].partition("|")
    return label or address.removeprefix("mailto:").removeprefix("tel:")


def words_of(text: str) -> list[Word]:
    """The words of a text as it was on the screen; quotes group, and a quote that nothing closes is decoration."""
    text = text.translate(_READ_AS)
    words, place = list[Word](), _BLANK.match(text).end()  # type: ignore[union-attr]  # it matches everywhere
    while place < len(text):
        word, place = _word_at(text, place)
        if word.text or word.is_quoted:
            words.append(word)
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
    return words


def _word_at(text: str, place: int) -> tuple[Word, int]:
    """The word that begins here, and where it ends."""
    closing = _CLOSING.get(text[place])
    if closing is not None and (closed := closing.search(text, place + 1)) is not None:
        return Word(bare(text[place + 1 : closed.start()]), is_quoted=True), closed.end()
    found = _WORD.match(text, place)
    assert found is not None
    return Word(bare(found.group())), found.end()


def bare(text: str) -> str:
    """Without what stands around it, blanks too, in whatever order."""
    return text.strip(_AROUND)
