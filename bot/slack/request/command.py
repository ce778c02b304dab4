"""The grammar of `/rectask`: what somebody typed, understood or refused with what is wrong and what was probably meant.

A command's word is one only outside quotes where it might be a room's id as well: `watch Room1` is an unfinished
command, `"watch" Room1` a look-up.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.recording.task_ref import InvalidId, RtcApp, TaskRef, UnknownApp, choose_app
from bot.slack.request.typed import DASHES, TYPED_AT_MOST, Word, bare, mention_in, on_screen, words_of

_APP_OPTION = re.compile(rf"[{DASHES}]{{1,3}}app(?:[=:](?P<name>.*))?", re.DOTALL | re.IGNORECASE)
_HELP_OPTION = re.compile(rf"[{DASHES}/]{{1,3}}(?:help|h|\?)|\?", re.IGNORECASE)
# A longer word is no misspelt command, and comparing takes time.
_MISSPELT_AT_MOST = 20


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
    """Show the person's subscriptions."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show what can be typed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done; `problem` says what is wrong with what was typed, and what was probably meant."""

    problem: str


Command = LookUp | Watch | Unwatch | List | Help | Refused

# What comes before a room and a task, with the words that people type for the same.
VERBS: dict[str, type[LookUp | Watch | Unwatch]] = {
    "watch": Watch,
    "subscribe": Watch,
    "unwatch": Unwatch,
    "unsubscribe": Unwatch,
    "show": LookUp,
    "status": LookUp,
}
# What stands alone.
WORDS: dict[str, type[Help | List]] = {"help": Help, "list": List}


def parse_command(text: str, *, apps: Sequence[RtcApp], told: Sequence[RtcApp] | None = None) -> Command:
    """Understand what follows `/rectask`; never raises. A refusal names only the apps in `told` (else all)."""
    if len(text) > TYPED_AT_MOST:
        return Refused(f"That is {len(text):,} characters long. Type the room id and the task id, nothing else.")
    typed = on_screen(text)
    if (mention := mention_in(typed)) is not None:
        return Refused(f"{mention} is a mention, not an id. Type the id itself, in quotes if it has to be.")
    words = words_of(typed)
    if words and words[0].text.lower() == "/rectask":
        words = words[1:]
    try:
        return _understand(words, apps, apps if told is None else told)
    except (InvalidId, UnknownApp) as problem:
        return Refused(str(problem))


def _understand(words: list[Word], apps: Sequence[RtcApp], told: Sequence[RtcApp]) -> Command:
    if any(not word.is_quoted and _HELP_OPTION.fullmatch(word.text) for word in words):
        return Help()
    words, app_name = _take_app(words)
    if len(words) == 1 and " " in (whole := " ".join(words[0].text.split())):
        # All of it stands in one pair of quotes.
        words, within = _take_app(words_of(whole))
        app_name = app_name or within
    return _command(words, apps, app_name, told)


def _command(words: list[Word], apps: Sequence[RtcApp], app_name: str | None, told: Sequence[RtcApp]) -> Command:
    """Raises InvalidId and UnknownApp."""
    match words:
        case []:
            return Help()
        case [word]:
            return _one_word(word.text.lower())
        case [first, *others] if not first.is_quoted and (alone := WORDS.get(first.text.lower())) is not None:
            return Help() if alone is Help else _refused_after_list(others)
        case [first, second] if not first.is_quoted and first.text.lower() in VERBS:
            return _refused_with_one_id(first, second)
    if (meant := _ids_in(words)) is None:
        return _too_many_words(words, told)
    kind, room, task, app_there = meant
    return kind(TaskRef(choose_app(apps, app_name or app_there, told=told), room, task))


def _ids_in(words: list[Word]) -> tuple[type[LookUp | Watch | Unwatch], str, str, str | None] | None:
    """What is to be done with which room, task and app; None if the words do not say."""
    texts = [word.text for word in words]
    if len(words) == 2:  # noqa: PLR2004
        return LookUp, texts[0], texts[1], None
    if len(words) == 3 and (verb := VERBS.get(texts[0].lower(), LookUp if _is_bullet(words[0]) else None)):  # noqa: PLR2004
        return verb, texts[1], texts[2], None
    # The line of a card that names them, copied: "Room `Room1` · task `Task1` · app `prod`".
    match [*zip(map(str.lower, texts[::2]), texts[1::2], strict=False)]:
        case [("room", room), ("task", task)] if len(words) == 4:  # noqa: PLR2004
            return LookUp, room, task, None
        case [("room", room), ("task", task), ("app", app)] if len(words) == 6:  # noqa: PLR2004
            return LookUp, room, task, app
    return None


def _take_app(words: list[Word]) -> tuple[list[Word], str | None]:
    """The words without `--app NAME` or `--app=NAME`, and the name. Raises UnknownApp."""
    for place, word in enumerate(words):
        option = None if word.is_quoted else _APP_OPTION.fullmatch(word.text)
        if option is None:
            continue
        if option["name"] is not None and bare(option["name"]):
            return words[:place] + words[place + 1 :], bare(option["name"])
        if place + 1 == len(words):
            raise UnknownApp("--app needs the name of an app after it.")
        return words[:place] + words[place + 2 :], words[place + 1].text
    return words, None


def _is_bullet(word: Word) -> bool:
    return not word.is_quoted and not word.text.strip(DASHES)


def _one_word(typed: str) -> Command:
    if (alone := WORDS.get(typed)) is not None:
        return alone()
    if typed in VERBS:
        return Refused(f"“{typed}” needs the room id and the task id after it: /rectask {typed} ROOM TASK.")
    if near := _command_like(typed, (*WORDS, *VERBS)):
        return Refused(f"There is no command “{typed}”. Did you mean “{near}”?")
    return Refused("You typed one word; a look-up needs two: the room id and the task id.")


def _refused_after_list(others: list[Word]) -> Refused:
    problem = "Nothing comes after “list”. Did you mean /rectask list, which shows all your subscriptions?"
    return Refused(problem + (_IF_A_ROOM.format(room="list", task=others[0].text) if len(others) == 1 else ""))


_IF_A_ROOM = ' To look up task {task} in the room {room}, type quotes: /rectask "{room}" "{task}".'


def _refused_with_one_id(verb: Word, only: Word) -> Refused:
    """For a verb and one word: the task is missing, or it is a room that is called like a verb."""
    typed, said = verb.text.lower(), only.text
    if VERBS[typed] is Unwatch and said.lower() in ("all", "everything", "*"):
        meant = "Did you mean /rectask list? It shows your subscriptions, and a button ends each of them."
    else:
        meant = f"Did you mean /rectask {typed} {said} TASK?"
    problem = f"“{typed}” needs two ids after it, the room id and the task id. {meant}"
    return Refused(problem + _IF_A_ROOM.format(room=verb.text, task=said))


def _too_many_words(words: list[Word], apps: Sequence[RtcApp]) -> Refused:
    first, last = words[0].text, words[-1].text
    problem = f"You typed {len(words)} words; a look-up needs two: the room id and the task id."
    if len(words) != 3:  # noqa: PLR2004
        return Refused(problem)
    if near := _command_like(first.lower(), VERBS):
        return Refused(f"There is no command “{first}”. Did you mean “{near}”?")
    is_app = last.casefold() in {app.name.casefold() for app in apps}
    return Refused(f"{problem} Did you mean --app {last}?" if is_app else problem)


def _command_like(typed: str, known: Sequence[str] | dict[str, type[LookUp | Watch | Unwatch]]) -> str | None:
    if len(typed) > _MISSPELT_AT_MOST:
        return None
    return next(iter(difflib.get_close_matches(typed, known, n=1)), None)
