"""The grammar of `/rectask`: what somebody typed, understood or refused with the part that is wrong.

Two words are always a look-up, whatever they are. Slack sends `&`, `<` and `>` as entities and may wrap what looks like
an address or a link; keyboards turn quotes into curly ones and "--" into a dash. All of that is undone.
"""

import difflib
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.recording.task import InvalidId, RtcApp, TaskRef, UnknownApp, choose_app

# What stands alone, and what stands before a room and a task.
WORDS = ("help", "list")
VERBS = ("watch", "unwatch")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "«": "»", "「": "」"}
_CLOSING = {**_QUOTES, "“": "”“", "”": "”", "‘": "’‘", "’": "’"}
_APP_OPTION = re.compile(r"(?:--|–|—)app(?:=(?P<name>.*))?", re.DOTALL)
_MENTION = re.compile(r"<[@#!][^>]*>")
# <mailto:a@b|a@b>, <http://a.b|a.b>: the label is what was typed. Without a label, the address is.
_WRAPPED = re.compile(r"<(?:(?P<scheme>mailto:|tel:)?(?P<address>[^|>]*))(?:\|(?P<label>[^>]*))?>")


@dataclass(frozen=True, slots=True)
class LookUp:
    """Show this task."""

    ref: TaskRef


@dataclass(frozen=True, slots=True)
class Watch:
    """Subscribe to this task."""

    ref: TaskRef


@dataclass(frozen=True, slots=True)
class Unwatch:
    """End the subscription to this task."""

    ref: TaskRef


@dataclass(frozen=True, slots=True)
class List:
    """Show what the person is subscribed to."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show what can be typed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It can not be done; `problem` says what is wrong with what was typed."""

    problem: str


Command = LookUp | Watch | Unwatch | List | Help | Refused


def parse_command(text: str, *, apps: Sequence[RtcApp]) -> Command:
    """Understand what follows `/rectask`; never raises."""
    typed = _typed(text)
    words = _split(typed)
    if words is None:
        return Refused("A quote is opened and not closed.")
    if mention := next((word for word in words if _MENTION.search(word)), None):
        return Refused(f"{mention} is a mention, not an id. Type the id itself, in quotes if it has to be.")
    return _understand(words, apps)


def _typed(text: str) -> str:
    """What was on the screen when it was sent: links unwrapped, entities undone (once), mentions left as they came."""
    if "<" not in text:
        return html.unescape(text) if "&" in text else text
    unwrapped = _WRAPPED.sub(lambda m: m.group() if _MENTION.fullmatch(m.group()) else m["label"] or m["address"], text)
    return html.unescape(unwrapped) if "&" in unwrapped else unwrapped


def _split(text: str) -> list[str] | None:
    """Words, with quotes of every kind grouping; None where one is not closed."""
    if _QUOTES.keys().isdisjoint(text):
        return text.split()
    words, word, closing, in_word = list[str](), "", "", False
    for char in text:
        if closing:
            closing, word = ("", word) if char in closing else (closing, word + char)
        elif char in _QUOTES and not in_word:
            closing, in_word = _CLOSING[char], True
        elif char.isspace():
            if in_word:
                words.append(word)
            word, in_word = "", False
        else:
            word, in_word = word + char, True
    if closing:
        return None
    return [*words, word] if in_word else words


def _understand(words: list[str], apps: Sequence[RtcApp]) -> Command:
    try:
        words, app_name = _take_app(words)
        match words:
            case []:
                return Help()
            case [word]:
                return _one_word(word)
            case [room, task]:
                return LookUp(TaskRef(choose_app(apps, app_name), room, task))
            case [verb, room, task]:
                return _three_words(verb, lambda: TaskRef(choose_app(apps, app_name), room, task))
        return Refused(f"That is {len(words)} words; a look-up has two, the room id and the task id.")
    except (InvalidId, UnknownApp) as problem:
        return Refused(str(problem))


def _take_app(words: list[str]) -> tuple[list[str], str | None]:
    """The words without `--app NAME` or `--app=NAME`, and the name."""
    for place, word in enumerate(words):
        option = _APP_OPTION.fullmatch(word)
        if option is None:
            continue
        if option["name"] is not None:
            return words[:place] + words[place + 1 :], option["name"]
        if place + 1 == len(words):
            raise UnknownApp("--app wants the name of an app after it.")
        return words[:place] + words[place + 2 :], words[place + 1]
    return words, None


def _one_word(word: str) -> Command:
    typed = word.lower()
    match typed:
        case "help":
            return Help()
        case "list":
            return List()
    if typed in VERBS:
        return Refused(f"“{typed}” wants the room id and the task id after it.")
    if near := difflib.get_close_matches(typed, (*WORDS, *VERBS), n=1):
        return Refused(f"There is no command {word!r}. Did you mean “{near[0]}”?")
    return Refused("That is one word; a look-up has two, the room id and the task id.")


def _three_words(verb: str, ref: Callable[[], TaskRef]) -> Command:
    """`ref` makes the task's ids of the two others, which are no ids where the first is no verb."""
    match verb.lower():
        case "watch":
            return Watch(ref())
        case "unwatch":
            return Unwatch(ref())
    if near := difflib.get_close_matches(verb.lower(), VERBS, n=1):
        return Refused(f"There is no command {verb!r}. Did you mean “{near[0]}”?")
    return Refused("That is 3 words; a look-up has two, the room id and the task id.")
