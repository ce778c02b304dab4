"""The grammar of `/rectask`: what is understood, and what is refused with the part that is wrong."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.request.command import Command, Help, List, LookUp, Refused, Unwatch, Watch, parse_command

PROD, STAGING = RtcApp("prod", "661e0000000000000000543c"), RtcApp("staging", "661f0000000000000000543c")
APPS = (PROD, STAGING)


def parse(text: str) -> Command:
    return parse_command(text, apps=APPS)


@pytest.mark.parametrize(
    ("text", "room", "task"),
    [
        ("Room1 Task1", "Room1", "Task1"),
        ("  Room1 \t Task1  ", "Room1", "Task1"),
        ('"help" help', "help", "help"),
        ("“list” “all”", "list", "all"),
        ('"watch" Room1', "watch", "Room1"),
        ("`unwatch` watch", "unwatch", "watch"),
        ("Room1 watch", "Room1", "watch"),
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


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "   ",
            "help",
            "HELP",
            "“help”",
            "--app staging",
            "--help",
            "-h",
            "—help",
            "?",
            "？",
            "-?",
            "/?",
            "/help",
        ),
        *("help watch", "help me please", "watch --help", "Room1 Task1 -h", "list ?", "*", "/rectask", "/rectask help"),
    ],
)
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
        ("subscribe Room1 Task1", Watch(TaskRef(PROD, "Room1", "Task1"))),
        ("Unsubscribe Room1 Task1", Unwatch(TaskRef(PROD, "Room1", "Task1"))),
        ("show Room1 Task1", LookUp(TaskRef(PROD, "Room1", "Task1"))),
        ("status Room1 Task1 --app staging", LookUp(TaskRef(STAGING, "Room1", "Task1"))),
        ("/rectask watch Room1 Task1", Watch(TaskRef(PROD, "Room1", "Task1"))),
    ],
)
def test_three_words_that_begin_with_a_verb(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lits", "Did you mean “list”?"),
        ("wach", "Did you mean “watch”?"),
        ("watch", "“watch” needs the room id and the task id after it: /rectask watch ROOM TASK."),
        ("Unwatch", "“unwatch” needs the room id and the task id after it: /rectask unwatch ROOM TASK."),
        ("watch Room1", "Did you mean /rectask watch Room1 TASK? To look up task Room1 in the room watch, type quotes"),
        ("Subscribe Room1", "Did you mean /rectask subscribe Room1 TASK?"),
        ("show Room1", "Did you mean /rectask show Room1 TASK?"),
        ("status Room1", 'type quotes: /rectask "status" "Room1".'),
        ("list all", "Did you mean /rectask list, which shows all your subscriptions? To look up task all in the room"),
        ("list all please", "Did you mean /rectask list, which shows all your subscriptions?"),
        ("unwatch all", "Did you mean /rectask list? It shows your subscriptions, and a button ends each of them."),
        ("unwatch watch", "Did you mean /rectask unwatch watch TASK?"),
        ("wach Room1 Task1", "Did you mean “watch”?"),
        ("unwach Room1 Task1", "Did you mean “unwatch”?"),
        ("watch Room/1 Task1", "'/' at position 5"),
        ("watch Room1 Task1 more", "You typed 4 words"),
        ("watch Room1 <@U0123|ana>", "is a mention"),
        ("watch Room1 Task1 --app live", "Configured are: prod, staging"),
        ("a/b c/d e/f", "You typed 3 words"),
        ("Room1", "You typed one word"),
        ("hepl", "Did you mean “help”?"),
        ("Room1 Task1 more", "You typed 3 words"),
        ("Room1 Task1 Staging", "Did you mean --app Staging?"),
        ("“Room 1” Task1", "' ' at position 5"),
        ('Room"1 Task1', "'\"' at position 5"),
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
        ("Room1 Task1 --app", "--app needs the name"),
        ("a&amp;b Task1", "'&' at position 2"),
        ("a&lt;b Task1", "'<' at position 2"),
        ("&lt;@U0123&gt;x Task1", "<@U0123> is a mention"),
        ("<" * 40_000, "That is 40,000 characters long"),
        (f"Room1 Task1 --app {'a' * 1_000}", "aaa…' here"),
    ],
)
def test_what_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    refused = parse(text)
    assert isinstance(refused, Refused)
    assert problem in refused.problem


TYPED = (
    # Dashes that keyboards and autocorrection make, and app names in any case.
    ("Room1 Task@1 ——app staging", STAGING),
    ("Room1 Task@1 −−app staging", STAGING),
    ("Room1 Task@1 －－app staging", STAGING),
    ("Room1 Task@1 －－ａｐｐ＝ｓｔａｇｉｎｇ", STAGING),
    ("Room1 Task@1 --App staging", STAGING),
    ("Room1 Task@1 -app staging", STAGING),
    ("Room1 Task@1 ‑‑APP Staging", STAGING),
    ("Room1 Task@1 ―app:staging", STAGING),
    ("Room1 Task@1 --app=“STAGING”", STAGING),
    ("--app “staging” “Room1” “Task@1”", STAGING),
    # Quotes.
    ("『Room1』 『Task@1』", PROD),
    ("『Room1』『Task@1』", PROD),
    ("＂Room1＂ ＂Task@1＂", PROD),
    ("＇Room1＇ ＇Task@1＇", PROD),
    ("”Room1” ”Task@1”", PROD),
    ("'\"Room1” “Task@1\"'", PROD),
    ('"Room1” “Task@1"', PROD),
    ("‚Room1‘ ‚Task@1‘", PROD),
    ("′Room1′ ′Task@1′", PROD),
    ("‹Room1› ›Task@1‹", PROD),
    ("«\u00a0Room1\u00a0» «\u202fTask@1\u202f»", PROD),
    ('"Room1\u00a0" "Task@1 "', PROD),
    ('"Room1 Task@1"', PROD),
    ("“Room1 Task@1” --app staging", STAGING),
    ("“Room1 Task@1 --app staging”", STAGING),
    ("「Room1\u3000Task@1」", PROD),
    ('"Room1 Task@1', PROD),
    ("Room1 “Task@1", PROD),
    # Blanks that are letters, and signs without width.
    ("Room1\u2800Task@1", PROD),
    ("\u3164Room1\u3164 Task@1\u3164", PROD),
    ("\u200bRoom1\u200b Task\u2060@1\ufeff", PROD),
    ("\u2068Room1\u2069 \u200eTask@1", PROD),
    # Copied from a card, a message or a list, with the formatting.
    ("`Room1` `Task@1`", PROD),
    ("`Room1 Task@1`", PROD),
    ("*Room1* *Task@1*", PROD),
    ("~Room1~ *`Task@1`*", PROD),
    ("• Room1 Task@1", PROD),
    ("- Room1 Task@1", PROD),
    ("&gt; Room1 Task@1", PROD),
    ("Room1, Task@1", PROD),
    ("Ｒｏｏｍ１　Ｔａｓｋ＠１", PROD),
    ("Room `Room1` · task `Task@1` · app `staging`", STAGING),
    ("Room: Room1 Task: Task@1", PROD),
    ("/rectask Room1 Task@1", PROD),
)


@pytest.mark.parametrize(("text", "app"), TYPED, ids=[ascii(text) for text, _ in TYPED])
def test_what_keyboards_and_copying_make_of_two_ids(text: str, app: RtcApp) -> None:
    escaped = text if "&gt;" in text else html.escape(text, quote=False)
    assert parse(escaped) == LookUp(TaskRef(app, "Room1", "Task@1"))


@pytest.mark.parametrize("room", ["_Room1_", "__", "-Room1-", ".Room1.", "_"])
def test_signs_that_are_legal_in_ids_stay(room: str) -> None:
    assert parse(f"{room} Task1") == LookUp(TaskRef(PROD, room, "Task1"))


@pytest.mark.parametrize("name", ["-app", "--app", "-h", "--help"])
def test_quotes_reach_a_room_that_is_called_like_an_option(name: str) -> None:
    assert parse(f'"{name}" Task1') == LookUp(TaskRef(PROD, name, "Task1"))


def test_case_matters_where_apps_differ_in_nothing_else() -> None:
    both = (PROD, RtcApp("Prod", "661f0000000000000000543c"))
    assert parse_command("Room1 Task1 --app Prod", apps=both) == LookUp(TaskRef(both[1], "Room1", "Task1"))
    assert isinstance(parse_command("Room1 Task1 --app PROD", apps=both), Refused)


SIGNS = st.sampled_from(
    [*"\"'“”‘’„«»「」『』`*~>•-–—−_.@ab1 <>&;|=:?/", "&lt;", "&amp;", "&#", "<@", "--app", "watch ", "\u2800"]
)


@given(st.text() | st.lists(SIGNS).map("".join))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    for sent in (text, html.escape(text, quote=False)):
        command = parse(sent)
        assert isinstance(command, Command)
        if isinstance(command, Refused):
            assert command.problem


IDS = st.text("abcXYZ019@-_.", min_size=1, max_size=128)
# What a word means where no quotes say that it is an id.
SPECIAL = re.compile(r"-+(app|help|h)", re.IGNORECASE)


@given(IDS, IDS, st.sampled_from(['"', "'", "`", ""]))
def test_every_legal_pair_is_understood_quoted_or_not(room: str, task: str, quote: str) -> None:
    if not quote and (SPECIAL.fullmatch(room) or SPECIAL.fullmatch(task)):
        return
    assert parse(f"{quote}{room}{quote} {quote}{task}{quote}") == LookUp(TaskRef(PROD, room, task))


@given(IDS, IDS, st.sampled_from(["watch", "Unwatch", "show", "subscribe", "help", "list"]))
def test_two_words_are_a_look_up_unless_the_first_is_a_command(room: str, task: str, word: str) -> None:
    if SPECIAL.fullmatch(room) or SPECIAL.fullmatch(task):
        return
    assert not isinstance(parse(f"{word} {task}"), LookUp)
    assert parse(f'"{word}" {task}') == LookUp(TaskRef(PROD, word, task))
    kind = {"watch": Watch, "unwatch": Unwatch, "show": LookUp, "subscribe": Watch}.get(word.lower())
    three = parse(f"{word} {room} {task}")
    assert three == kind(TaskRef(PROD, room, task)) if kind else isinstance(three, Refused | Help)
