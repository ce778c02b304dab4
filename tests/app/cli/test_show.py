"""`rectask show` as it is typed: what it prints, and the exit code."""

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from bot.app.cli import main
from bot.app.cli.show_json import SHOWN
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import SCENES
from testing.factories import environ_for

UseEnviron = Callable[[Mapping[str, str]], None]
SCHEMA = Path(__file__).parents[3] / "docs" / "show.schema.json"


# "返回示例" of the vendor's page of GetRecordTask.
VENDORS_EXAMPLE = {
    "StartTime": 1624873773000,
    "EndTime": 1624874235000,
    "Status": 3,
    "StopReason": "StopByAPI",
    "RecordFileList": [
        {
            "Vid": "v02b69g10000***eldb8vjafvmg",
            "Duration": 457280,
            "Size": 30388433,
            "StartTime": 1624873773354,
            "StreamList": [{"UserId": "user1", "StreamType": 0}],
        }
    ],
}


@pytest.fixture
def rectask(fake_rtc: FakeRtc, use_environ: UseEnviron) -> Callable[..., object]:
    """Run the command line in a thread, against the stand-in; more of the environment may be given."""

    async def run(*argv: str, **environ: str) -> int:
        use_environ({"TZ": "UTC"} | environ_for(fake_rtc, **environ))
        return await asyncio.to_thread(main, argv)

    return run


Rectask = Callable[..., "asyncio.Future[int]"]


async def test_the_example_of_the_vendors_page(
    rectask: Rectask, fake_rtc: FakeRtc, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_rtc.answers["Room1"] = {"RecordTask": VENDORS_EXAMPLE}
    assert await rectask("show", "Room1", "Task1") == 0
    # The figures of the page, checked by eye: 462,000 ms, 457,280 ms, 30,388,433 bytes.
    assert capsys.readouterr().out.splitlines()[:15] == [
        "Ended after 7 min 42 s: stopped through the API. 1 file, 30.4 MB.",
        "",
        "  Room         Room1",
        "  Task         Task1",
        "  App          default (661e0000000000000000543c)",
        "  Status       3, ended",
        "  Stop reason  StopByAPI, your application stopped the recording with an API call",
        "  Started      2021-06-28 09:49:33 UTC",
        "  Ended        2021-06-28 09:57:15 UTC",
        "  Length       7 min 42 s",
        "",
        "    1. VOD v02b69g10000***eldb8vjafvmg",
        "       7 min 37 s · 30.4 MB · created 2021-06-28 09:49:33 UTC",
        "       user1 (camera)",
        "",
    ]


@pytest.mark.parametrize(
    ("argv", "exit_code", "said"),
    [
        (("nosuch", "Task1"), 3, "No recording found: room nosuch, task Task1"),
        (("error-LackPolicy", "Task1"), 4, "IAM policy"),
        (("error-in-200", "Task1"), 4, "IAM policy"),
        (("redirect", "Task1"), 4, "HTTP 302"),
        (("html", "Task1"), 5, "it is not JSON"),
        (("bad-gateway", "Task1"), 5, "HTTP 502"),
        (("error-FlowLimitExceeded", "Task1"), 5, "FlowLimitExceeded"),
        (("huge", "Task1"), 5, "larger than 10 MiB"),
        (("malformed", "Task1"), 5, "not valid HTTP"),
        (("a b", "Task1"), 2, "' ' at position 2"),
        (("Room1", ""), 2, "The task id is empty"),
        (("Room1", "t" * 129), 2, "129 characters"),
        (("Room1", "Task1", "--app", "live"), 2, "Configured are: default"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
async def test_exit_codes(
    rectask: Rectask,
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
    exit_code: int,
    said: str,
    as_json: bool,
) -> None:
    assert await rectask("show", *argv, *(["--json"] if as_json else [])) == exit_code
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    if as_json:
        payload = json.loads(printed.out)
        jsonschema.validate(payload, json.loads(SCHEMA.read_text()))
        assert payload["found"] is False
        assert said in " ".join(str(value) for value in payload.values())
    else:
        assert not printed.out
    assert said in printed.err


@pytest.mark.parametrize(
    ("environ", "exit_code"),
    [
        ({"VOLC_ACCESSKEY": "AKother"}, 4),
        ({"VOLC_SECRETKEY": "wrong"}, 4),
        ({"RECTASK_RTC_ENDPOINT": "http://127.0.0.1:1"}, 5),
        ({"RECTASK_RTC_ENDPOINT": "https://rtc.invalid"}, 5),
        ({"RECTASK_APP_ID": "short"}, 78),
        ({"VOLC_SECRETKEY": ""}, 78),
    ],
)
async def test_exit_codes_by_settings(
    rectask: Rectask, capsys: pytest.CaptureFixture[str], environ: dict[str, str], exit_code: int
) -> None:
    assert await rectask("show", "Room1", "Task1", **environ) == exit_code
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err


@pytest.mark.parametrize("room", [room for room in SCENES if room not in {"too-old", "task-is-text"}])
async def test_every_scene_as_text_and_as_json(rectask: Rectask, capsys: pytest.CaptureFixture[str], room: str) -> None:
    exit_code = await rectask("show", room, "Task1")
    text = capsys.readouterr().out
    assert await rectask("show", room, "Task1", "--json") == exit_code
    payload = json.loads(capsys.readouterr().out)
    jsonschema.validate(payload, json.loads(SCHEMA.read_text()))
    assert payload["found"] == (exit_code == 0)
    if exit_code == 0:
        assert text.startswith(payload["verdict"].replace("\x1b", "\\x1b").replace("\x07", "\\x07"))
        assert text.count("created") == sum(1 for file in payload["files"] if file["created_at"])
    assert text.isprintable() or {c for c in text if not c.isprintable()} == {"\n"}


async def test_what_comes_from_outside_can_not_steer_a_terminal(
    rectask: Rectask, capsys: pytest.CaptureFixture[str]
) -> None:
    await rectask("show", "hostile", "Task1")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31m\\u202egpj" in out


async def test_another_app_by_name(rectask: Rectask, capsys: pytest.CaptureFixture[str], fake_rtc: FakeRtc) -> None:
    apps = ",".join(f"{n}={i}" for n, i in zip(("prod", "staging"), fake_rtc.account.app_ids, strict=True))
    argv = ("show", "Room1", "Task1", "--app", "staging", "--json")
    assert await rectask(*argv, RECTASK_APP_ID="", RECTASK_APPS=apps) == 0
    assert json.loads(capsys.readouterr().out)["app_id"] == fake_rtc.account.app_ids[1]


async def test_json_times_are_utc(rectask: Rectask, capsys: pytest.CaptureFixture[str]) -> None:
    await rectask("show", "Room1", "Task1", "--json", TZ="Asia/Shanghai")
    read_at = datetime.fromisoformat(json.loads(capsys.readouterr().out)["read_at"])
    assert abs((datetime.now(UTC) - read_at).total_seconds()) < 60


def test_the_documented_schema_is_the_one_in_force() -> None:
    assert json.loads(SCHEMA.read_text()) == SHOWN.json_schema()


def started(fake: FakeRtc, *argv: str, stdout: int) -> "asyncio.Future[asyncio.subprocess.Process]":
    environ = os.environ | {"PYTHONUNBUFFERED": "1"} | environ_for(fake)
    return asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *argv), env=environ, stdout=stdout, stderr=asyncio.subprocess.PIPE
        )
    )


@pytest.mark.slow
async def test_ctrl_c_is_quiet(fake_rtc: FakeRtc) -> None:
    process = await started(fake_rtc, "show", "slow", "Task1", stdout=asyncio.subprocess.PIPE)
    while not fake_rtc.received:  # noqa: ASYNC110  # another process sends it; there is no event to wait for
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.slow
async def test_colours_are_for_terminals_only(fake_rtc: FakeRtc) -> None:
    master, terminal = pty.openpty()
    process = await started(fake_rtc, "show", "Room1", "Task1", stdout=terminal)
    await process.wait()
    os.close(terminal)
    seen = os.read(master, 10_000).decode()
    os.close(master)
    assert "\x1b[1;32mEnded after 7 min 42 s" in seen


@pytest.mark.parametrize(
    ("shell", "exit_code", "err"),
    [
        pytest.param("exec {0} show Room1 Task1 >&-", 0, b"", marks=pytest.mark.slow),
        (
            "exec {0} show Room1 Task1 >/dev/full",
            1,
            b"rectask: the output cannot be written: No space left on device.\n",
        ),
        pytest.param("PYTHONIOENCODING=ascii exec {0} show Room1 Task1 >/dev/null", 0, b"", marks=pytest.mark.slow),
    ],
)
async def test_output_that_can_not_be_written_is_no_traceback(
    fake_rtc: FakeRtc, shell: str, exit_code: int, err: bytes
) -> None:
    process = await asyncio.create_subprocess_shell(
        shell.format(f"{sys.executable} -m bot"),
        env=os.environ | environ_for(fake_rtc),
        stderr=asyncio.subprocess.PIPE,
    )
    assert (await process.communicate())[1].startswith(err)
    assert process.returncode == exit_code


@pytest.mark.slow
async def test_a_closed_pipe_is_no_failure(fake_rtc: FakeRtc) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await started(fake_rtc, "show", "many-files", "Task1", stdout=writing)
    os.close(writing)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize(
    ("room", "exit_code"),
    [
        ("stopped-by-api", 0),
        ("running", 0),
        ("failed", 6),
        ("empty-file", 6),
        ("unknown-reason", 6),
        ("end-before-start", 7),
        ("start-failed", 7),
        ("nope", 3),
    ],
)
async def test_a_check_ends_by_what_was_found(rectask: Rectask, room: str, exit_code: int) -> None:
    assert await rectask("show", room, "Task1", "--check") == exit_code
    assert await rectask("show", room, "Task1") == (3 if exit_code == 3 else 0)


@pytest.mark.parametrize(("minutes", "exit_code"), [(5, 6), (90, 7)])
async def test_files_that_may_follow_are_not_taken_for_nothing_recorded(
    rectask: Rectask, fake_rtc: FakeRtc, minutes: int, exit_code: int
) -> None:
    ended = int(datetime.now(UTC).timestamp() - minutes * 60) * 1000
    task = {"Status": 3, "StopReason": "StopByAPI", "StartTime": ended - 60_000, "EndTime": ended}
    fake_rtc.answers["late"] = {"RecordTask": task}
    assert await rectask("show", "late", "Task1", "--check") == exit_code
