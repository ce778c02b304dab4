"""Whatever reads text from outside takes time in proportion to its length, however that text is made.

Each pattern and scanner of the packages that read what people, Slack and RTC write is in the table below, and is fed
25 KB, and in the slow run 100 KB, of what makes patterns slow. `test_no_pattern_is_left_out` fails if a new one is not
in the table.
"""

import ast
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import bot
from bot.app.cli import audit, purge
from bot.app.cli.terminal import Terminal
from bot.recording.file_link import Link, LinkUnavailable
from bot.recording.task import RecordingFile
from bot.recording.task_ref import InvalidId, RtcApp, TaskRef, choose_app
from bot.slack.answers import AnswerIncomplete, SocketAddress
from bot.slack.cards import mrkdwn as text
from bot.slack.cards.messages import usage_card
from bot.slack.connection import http_endpoint as guard
from bot.slack.request import typed
from bot.slack.request.button_value import InvalidButtonValue, read_value
from bot.slack.request.command import parse_command
from bot.volcengine.api.headers import retry_after
from bot.volcengine.api.signing import Credentials, Signer
from bot.volcengine.api.wire import InvalidResponse, parse_envelope
from bot.volcengine.files import check as store_proof
from bot.volcengine.files import template
from bot.volcengine.files.file_name import disposition, download_name
from bot.volcengine.files.vod_wire import parse_play_addresses

APP = RtcApp("prod", "661e0000000000000000543c")
NOW = datetime(2026, 11, 27, tzinfo=UTC)
SIGNER = Signer(Credentials("AKLTexample", "secret"), region="cn-north-1", service="rtc", clock=lambda: NOW)
MUCH = (25_000, pytest.param(100_000, marks=pytest.mark.slow))
# All in seconds of CPU time. What is quicker than this needs no comparison: what is quadratic takes longer at 25 KB.
SECONDS_AT_ONCE = 0.1
GIVEN_UP_AFTER = 1.0
# Linear is ten times, on a busy machine somewhat more; quadratic is a hundred times.
AT_MOST_TIMES = 30

WORST = (
    *("<", "<@", "<a|", "<a>", "&", "&lt;@", '"', "'\"", "“‘`", "a\" '", "*`~", "a", "a ", " ", "-", "—app=", "--app "),
    *("\u200b", "\u202e", "Ａ", "=", "0.", "9,", "1e", "http://", "https://a:1/?", "<Code>", '"Code":', '"Code"  '),
    *("f", "%41", "%5E=a&", "{", "{a}", "[{", "/", "../", "\\", "\\u0041", "U", "v0=", "Mon, ", "Thu, 1 Jan 1970 "),
)


def _refusing(call: Callable[[str], object], *expected: type[Exception]) -> Callable[[str], object]:
    def called(given: str) -> object:
        try:
            return call(given)
        except expected:
            return None

    return called


def _link(given: str) -> Link | None:
    store = template.TemplateStore("cdn", "https://cdn.example", "https://cdn.example/{object_key}?t={task}#{room}")
    coroutine = store.link(TaskRef(APP, "Room1", "Task1"), RecordingFile(object_key=given))
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    return None


# What a terminal would get.
class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


# The patterns by the file and what they are called there, with what they are fed through.
READERS: dict[str, tuple[tuple[str, ...], Callable[[str], object]]] = {
    "what follows /rectask": ((), lambda given: parse_command(given, apps=(APP,))),
    "the words of what was typed": (
        ("slack/request/typed.py _CLOSING", "slack/request/typed.py _WORD", "slack/request/typed.py _BLANK"),
        typed.words_of,
    ),
    "what was on the screen": (("slack/request/typed.py _WRAPPED",), typed.on_screen),
    "a mention": (("slack/request/typed.py _MENTION",), typed.mention_in),
    "the card that shows what was typed": ((), lambda given: usage_card("No.", typed=typed.on_screen(given))),
    "the option of an app": (
        ("slack/request/command.py _APP_OPTION", "slack/request/command.py _HELP_OPTION"),
        lambda given: parse_command(f"Room1 Task1 --app={given}"[: typed.TYPED_AT_MOST], apps=(APP,)),
    ),
    "an id": (
        ("recording/task_ref.py _FORBIDDEN_IN_ID",),
        _refusing(lambda given: TaskRef(APP, given, given), InvalidId),
    ),
    "an app's name": ((), _refusing(lambda given: choose_app((APP,), given), ValueError)),
    "what a button carries": (
        ("slack/request/button_value.py i", "slack/request/button_value.py s"),
        _refusing(
            lambda given: read_value(json.dumps(dict.fromkeys("aisrtf", given)), apps=(APP,)), InvalidButtonValue
        ),
    ),
    "a timestamp and a signature": (
        ("slack/connection/http_endpoint.py _TIMESTAMP", "slack/connection/http_endpoint.py _SIGNATURE"),
        lambda given: (guard._TIMESTAMP.fullmatch(given), guard._SIGNATURE.fullmatch(given)),  # noqa: SLF001
    ),
    "the address of a socket": (
        ("slack/answers.py url",),
        _refusing(lambda given: SocketAddress.read({"ok": True, "url": f"wss://{given}"}), AnswerIncomplete),
    ),
    "text in a card": (("slack/cards/mrkdwn.py _FILLERS",), lambda given: (text.code(given), text.mrkdwn(given))),
    "a pause": (
        ("volcengine/api/headers.py _DECIMAL",),
        lambda given: retry_after(_answer(given), now=NOW, too_many=False),
    ),
    "what the gateway quotes": (
        ("volcengine/api/signing.py self._telltale", "volcengine/api/signing.py telltale"),
        lambda given: (SIGNER.redact(given), SIGNER.redact_in(given, authorization="Signature=" + "f" * 64)),
    ),
    "a query": (
        ("volcengine/api/signing.py _UNRESERVED", "volcengine/api/signing.py _CANONICAL"),
        lambda given: SIGNER.sign(method="GET", path="/", query=given, host="rtc.volcengineapi.com"),
    ),
    "a store's answer": (
        ("volcengine/files/check.py _CODE",),
        lambda given: store_proof._CODE.search(given.encode(errors="replace")),  # noqa: SLF001
    ),
    "an address that VOD gives": (
        ("volcengine/files/vod_wire.py _WEB_ADDRESS",),
        lambda given: parse_play_addresses({"PlayInfoList": [{"MainPlayUrl": f"https://{given}"}]}),
    ),
    "an answer": (
        ("volcengine/api/wire.py _EXPONENT",),
        _refusing(lambda given: parse_envelope(given.encode(errors="replace")), InvalidResponse),
    ),
    "an object key in an address": (
        ("volcengine/files/template.py _PLACEHOLDER", "volcengine/files/template.py (path, mark, rest)"),
        _refusing(_link, LinkUnavailable),
    ),
    "the name of a download": ((), lambda given: disposition(download_name(given))),
    "prose on a terminal": ((), lambda given: list(Terminal.on(_Screen(), no_color=True).prose(given))),
    "options of rectask audit and purge": (
        ("app/cli/audit.py _AGO", "app/cli/purge.py _USER_ID", "app/cli/purge.py _TEAM_ID"),
        lambda given: [each.fullmatch(given) for each in (audit._AGO, purge._USER_ID, purge._TEAM_ID)],  # noqa: SLF001
    ),
}  # fmt: skip

# Bolt matches these with the ids of buttons and events, which this bot or Slack has chosen, from the beginning.
OF_BOLT = {"slack/listeners/register.py register", "slack/listeners/events.py register_events"}


def _answer(given: str) -> httpx.Response:
    """As over the wire, where a header has no line breaks and 8 bits a sign."""
    header = given.encode("latin-1", errors="replace")
    return httpx.Response(429, headers=[(b"retry-after", header), (b"date", header)])


def _seconds(read: Callable[[str], object], given: str) -> float:
    before = time.process_time()
    read(given)
    return time.process_time() - before


@pytest.mark.parametrize("size", MUCH)
@pytest.mark.parametrize("reader", READERS)
def test_ten_times_the_text_takes_about_ten_times_as_long(reader: str, size: int) -> None:
    _, read = READERS[reader]
    for worst in WORST:
        little, much = ((worst * length)[:length] + "!" for length in (size // 10, size))
        on_little = _seconds(read, little)
        assert on_little < GIVEN_UP_AFTER, f"{worst!r} x {size // 10:,}: {on_little:.2f} s"
        on_much = _seconds(read, much)
        if on_much > SECONDS_AT_ONCE:
            # Once more, for something else may have been in the way.
            on_little, on_much = max(on_little, _seconds(read, little)), min(on_much, _seconds(read, much))
        assert on_much < max(SECONDS_AT_ONCE, AT_MOST_TIMES * on_little), f"{worst!r}: {on_little:.3f}, {on_much:.2f} s"


def test_no_pattern_is_left_out() -> None:
    assert set(_patterns()) == OF_BOLT.union(*(names for names, _ in READERS.values()))


def _patterns() -> Iterator[str]:
    """Each regular expression of these floors, by its file and what it is assigned to, or the function it stands in."""
    root = Path(bot.__file__).parent
    for floor in ("slack", "app/cli", "volcengine", "recording"):
        for path in sorted((root / floor).rglob("*.py")):
            for owner in _owners(ast.parse(path.read_text())):
                yield f"{path.relative_to(root).as_posix()} {owner}"


def _owners(tree: ast.AST, owner: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        inner = owner
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = node.name
        elif isinstance(node, ast.Assign):
            inner = ast.unparse(node.targets[0])
        elif isinstance(node, ast.AnnAssign):
            inner = ast.unparse(node.target)
        if isinstance(node, ast.Call) and _is_pattern(node):
            yield inner
        yield from _owners(node, inner)


def _is_pattern(call: ast.Call) -> bool:
    is_re = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re" and call.func.attr != "escape"
    return is_re or any(keyword.arg == "pattern" for keyword in call.keywords)
