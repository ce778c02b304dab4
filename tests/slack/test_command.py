"""The grammar of `/rectask`: what is understood, and what is refused with the part that is wrong."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.task import RtcApp, TaskRef
from bot.slack.command import Command, Help, List, LookUp, Refused, Unwatch, Watch, parse_command

PROD, STAGING = RtcApp("prod", "661e0000000000000000543c"), RtcApp("staging", "661f0000000000000000543c")
APPS = (PROD, STAGING)


def parse(text: str) -> Command:
    return parse_command(text, apps=APPS)


@pytest.mark.parametrize(
    ("text", "room", "task"),
    [
        ("Room1 Task1", "Room1", "Task1"),
        ("  Room1 \t Task1  ", "Room1", "Task1"),
        ("help help", "help", "help"),
        ("list all", "list", "all"),
        ("watch Room1", "watch", "Room1"),
        ("unwatch watch", "unwatch", "watch"),
        ('"Room1" Task1', "Room1", "Task1"),
        ("“Room1” ‘Task1’", "Room1", "Task1"),
        ("„Room1“ «Task1»", "Room1", "Task1"),
        ("「Room1」 'Task1'", "Room1", "Task1"),
        ("<mailto:a@b.cn|a@b.cn> Task1", "a@b.cn", "Task1"),
        ("<http://room.one|room.one> <http://task.one|task.one>", "room.one", "task.one"),
        ("a@b Task1", "a@b", "Task1"),
        (f"{'r' * 128} {'t' * 128}", "r" * 128, "t" * 128),
    ],
)
def test_two_words_are_a_look_up(text: str, room: str, task: str) -> None:
    assert parse(text) == LookUp(TaskRef(PROD, room, task))


@pytest.mark.parametrize(
    "text",
    [
        "--app staging Room1 Task1",
        "Room1 --app staging Task1",
        "Room1 Task1 --app=staging",
        "Room1 Task1 —app staging",
        "Room1 Task1 –app=staging",
        'Room1 Task1 --app "staging"',
    ],
)
def test_another_app_anywhere(text: str) -> None:
    assert parse(text) == LookUp(TaskRef(STAGING, "Room1", "Task1"))


@pytest.mark.parametrize("text", ["", "   ", "help", "HELP", "“help”", "--app staging"])
def test_help(text: str) -> None:
    assert parse(text) == Help()


@pytest.mark.parametrize("text", ["list", "LIST", "“list”", "list --app staging"])
def test_list(text: str) -> None:
    assert parse(text) == List()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("watch Room1 Task1", Watch(TaskRef(PROD, "Room1", "Task1"))),
        ("Watch Room1 Task1", Watch(TaskRef(PROD, "Room1", "Task1"))),
        ("watch watch unwatch", Watch(TaskRef(PROD, "watch", "unwatch"))),
        ("watch “Room1” <mailto:a@b.cn|a@b.cn>", Watch(TaskRef(PROD, "Room1", "a@b.cn"))),
        ("watch Room1 Task1 --app staging", Watch(TaskRef(STAGING, "Room1", "Task1"))),
        ("--app=staging watch Room1 Task1", Watch(TaskRef(STAGING, "Room1", "Task1"))),
        ("watch --app staging Room1 Task1", Watch(TaskRef(STAGING, "Room1", "Task1"))),
        ("unwatch Room1 Task1", Unwatch(TaskRef(PROD, "Room1", "Task1"))),
        ("UNWATCH Room1 Task1 —app staging", Unwatch(TaskRef(STAGING, "Room1", "Task1"))),
    ],
)
def test_three_words_that_begin_with_a_verb(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lits", "Did you mean “list”?"),
        ("wach", "Did you mean “watch”?"),
        ("watch", "“watch” wants the room id and the task id after it"),
        ("Unwatch", "“unwatch” wants the room id and the task id after it"),
        ("wach Room1 Task1", "Did you mean “watch”?"),
        ("unwach Room1 Task1", "Did you mean “unwatch”?"),
        ("watch Room/1 Task1", "'/' at position 5"),
        ("watch Room1 Task1 more", "That is 4 words"),
        ("watch Room1 <@U0123|ana>", "is a mention"),
        ("watch Room1 Task1 --app live", "Configured are: prod, staging"),
        ("a/b c/d e/f", "That is 3 words"),
        ("Room1", "That is one word"),
        ("hepl", "Did you mean “help”?"),
        ("Room1 Task1 more", "That is 3 words"),
        ('"Room1 Task1', "A quote is opened and not closed"),
        ("“Room1 Task1", "A quote is opened and not closed"),
        ("Room/1 Task1", "'/' at position 5"),
        ("房间 Task1", "'房' at position 1"),
        ("Room1 Task\u00001", "'\\x00' at position 5"),
        ("Room1 Task\u202e1", "'\\u202e' at position 5"),
        (f"Room1 {'t' * 129}", "129 characters"),
        ("Room1 ''", "The task id is empty"),
        ("<@U0123|ana> Task1", "<@U0123|ana> is a mention"),
        ("Room1 <#C0123|general>", "<#C0123|general> is a mention"),
        ("<!channel> Task1", "<!channel> is a mention"),
        ("Room1 Task1 --app live", "Configured are: prod, staging"),
        ("Room1 Task1 --app", "--app wants the name"),
        ("a&amp;b Task1", "'&' at position 2"),
        ("a&lt;b Task1", "'<' at position 2"),
    ],
)
def test_what_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    refused = parse(text)
    assert isinstance(refused, Refused)
    assert problem in refused.problem


@given(st.text())
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    command = parse(html.escape(text, quote=False))
    assert isinstance(command, Command)
    if isinstance(command, Refused):
        assert command.problem


IDS = st.text("abcXYZ019@-_.", min_size=1, max_size=128)


@given(IDS, IDS, st.sampled_from(['"', "'", ""]))
def test_every_legal_pair_is_understood_quoted_or_not(room: str, task: str, quote: str) -> None:
    if "--app" in (room, task):
        return
    assert parse(f"{quote}{room}{quote} {quote}{task}{quote}") == LookUp(TaskRef(PROD, room, task))


@given(IDS, IDS, st.sampled_from(["watch", "Unwatch", "help", "list"]))
def test_two_words_are_a_look_up_and_three_are_what_the_first_says(room: str, task: str, word: str) -> None:
    if "--app" in (room, task):
        return
    assert parse(f"{word} {task}") == LookUp(TaskRef(PROD, word, task))
    kind = {"watch": Watch, "unwatch": Unwatch}.get(word.lower())
    three = parse(f"{word} {room} {task}")
    assert three == kind(TaskRef(PROD, room, task)) if kind else isinstance(three, Refused)
