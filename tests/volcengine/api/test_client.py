"""What RTC's answers and failures come to, over HTTP against the stand-in, and how often it was asked."""

import asyncio
import gzip
import re
import sys
import time
import zlib
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.typing import EventDict

from bot.app.wiring.lookup import Bot, open_bot
from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.gateway import ERRORS, Account
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.recording.reading import TaskNotFound, TaskReadError, TaskRefused, TaskUnavailable
from bot.recording.task import ENDED
from bot.recording.task_ref import InvalidId
from bot.volcengine.api.error_codes import ERROR_CODES
from bot.volcengine.api.transport import Timeouts
from testing.factories import SetClock, ask, environ_for, no_time, open_brief_bot, settings_from
from tests.volcengine.api.test_transport import raw_server, read_head

ATTEMPTS = 3
# From the vendor's table: the codes that are worth asking again after. The words of each are looked at below.
ASKED_AGAIN = {
    *("UndefinedError", "InternalError", "FailToConnect", "InternalServiceTimeout", "FlowLimitExceeded"),
    *("AccountFlowLimitExceeded", "RequestLimitExceeded", "ServiceUnavailableTemp", "InternalServiceError"),
    *("FlowLimitExceeded.QPSOverLimit", "InternalError.Unknown"),
}


async def fail(bot: Bot, room: str) -> TaskReadError:
    with pytest.raises(TaskReadError) as failed:
        await ask(bot, room)
    return failed.value


@pytest.mark.parametrize("code", [code for code in ERRORS if code != "InvalidParameter.ErrorActiveTaskNotFound"])
async def test_each_error_code(bot: Bot, fake_rtc: FakeRtc, code: str) -> None:
    failure = await fail(bot, f"error-{code}")
    assert isinstance(failure, TaskUnavailable if code in ASKED_AGAIN else TaskRefused)
    assert not isinstance(failure, TaskNotFound)
    assert len(fake_rtc.received) == (ATTEMPTS if code in ASKED_AGAIN else 1)
    assert (failure.code, failure.request_id is None, failure.log_id is None) == (code, False, False)
    assert failure.meaning
    assert failure.advice
    assert "{" not in failure.meaning + failure.advice


def test_every_code_of_the_table_is_tried_above() -> None:
    named = {name for row in ERROR_CODES for name in row.names}
    assert named - set(ERRORS) == {"InvalidParameter"}


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InvalidAccessKey", "VOLC_ACCESSKEY"),
        ("SignatureDoesNotMatch", "VOLC_SECRETKEY"),
        ("LackPolicy", "IAM policy that allows GetRecordTask"),
        ("LackProjectPolicy", "project that the RTC app default belongs to"),
        ("InvalidParameter.NotExistAppId", "RECTASK_APP_ID"),
        ("AccessDenied.RecordNotEnabled", "Switch cloud recording on"),
        ("FlowLimitExceeded", "RECTASK_QPS"),
        ("InvalidSecretToken", "VOLCENGINE_SESSION_TOKEN"),
        ("ServiceNotFound", "RECTASK_RTC_ENDPOINT"),
    ],
)
async def test_the_advice_names_what_to_mend(bot: Bot, code: str, advice: str) -> None:
    assert advice in (await fail(bot, f"error-{code}")).advice


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidParameter.SomethingNew", TaskRefused),
        ("AccessDenied.SomethingNew", TaskRefused),
        ("SomethingNew", TaskRefused),
    ],
)
async def test_a_code_that_is_not_documented(bot: Bot, code: str, kind: type[TaskReadError]) -> None:
    failure = await fail(bot, f"error-{code}")
    assert type(failure) is kind
    assert code in failure.happened


@pytest.mark.parametrize("room", ["result-ok", "result-null", "result-empty", "too-old", "nosuch"])
async def test_each_way_of_saying_not_found(bot: Bot, fake_rtc: FakeRtc, room: str) -> None:
    failure = await fail(bot, room)
    assert isinstance(failure, TaskNotFound)
    assert failure.request_id
    assert "72 hours" in failure.meaning
    assert len(fake_rtc.received) == 1


@pytest.mark.parametrize(
    ("fault", "happened", "attempts"),
    [
        ("slow", "did not answer in time", 3),
        ("html", "it is not JSON", 1),
        ("bad-gateway", "HTTP 502", 3),
        ("retry-after", "HTTP 503", 3),
        ("truncated-json", "it is not JSON", 1),
        ("truncated", "broke off", 3),
        ("malformed", "not valid HTTP", 3),
        ("bad-chunks", "not valid HTTP", 3),
        ("bad-gzip", "not valid HTTP", 3),
        ("huge", "larger than 10 MiB", 1),
        ("empty-objects", "more than 40,000 objects", 1),
        ("reset", "reset the connection", 3),
        ("closed", "closed the connection", 3),
    ],
)
async def test_each_fault_on_the_way(bot: Bot, fake_rtc: FakeRtc, fault: str, happened: str, attempts: int) -> None:
    failure = await fail(bot, fault)
    assert isinstance(failure, TaskUnavailable)
    assert happened in failure.happened
    assert len(fake_rtc.received) == attempts


async def test_a_redirect_is_refused(bot: Bot, fake_rtc: FakeRtc) -> None:
    assert isinstance(await fail(bot, "redirect"), TaskRefused)
    assert len(fake_rtc.received) == 1


def test_every_fault_of_the_stand_in_is_tried_above() -> None:
    assert len(FAULTS) == 19


START, END = datetime(2021, 6, 28, 9, 49, 33, tzinfo=UTC), datetime(2021, 6, 28, 9, 57, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("room", "ended_at"),
    [("gzip-in-capitals", END), ("unknown-encoding", END), ("utf-16", END), ("in-seconds", END), ("rounded", None)],
)
async def test_what_is_whole_is_read_however_it_comes(
    bot: Bot, fake_rtc: FakeRtc, room: str, ended_at: datetime | None
) -> None:
    """And no number is guessed: 1.62487e+12 may be any time within three hours."""
    read = await ask(bot, room)
    assert (read.task.status, read.task.started_at, read.task.ended_at) == (ENDED, START, ended_at)
    assert len(fake_rtc.received) == 1


async def test_a_task_that_is_no_object_makes_no_sense_and_keeps_its_request_id(bot: Bot) -> None:
    failure = await fail(bot, "task-is-text")
    assert isinstance(failure, TaskUnavailable)
    assert failure.request_id


async def test_an_error_in_a_200_is_an_error(bot: Bot) -> None:
    failure = await fail(bot, "error-in-200")
    assert isinstance(failure, TaskRefused)
    assert failure.code == "LackPolicy"


async def test_a_dropped_connection_is_asked_again_paced_and_signed(bot: Bot, fake_rtc: FakeRtc) -> None:
    await ask(bot, "dropped", "one")
    await ask(bot, "dropped", "two")
    assert len(fake_rtc.received) == 3
    assert all("authorization" in request.headers for request in fake_rtc.received)


async def test_a_clock_that_is_off_is_told_by_how_much(bot: Bot) -> None:
    assert re.search(r"1,(199|200) s behind", (await fail(bot, "skewed")).meaning)


@pytest.mark.parametrize(("ahead", "words"), [(1000, "1,000 s ahead of"), (-1000, "1,000 s behind")])
async def test_our_own_clock_off(fake_rtc: FakeRtc, set_clock: SetClock, ahead: int, words: str) -> None:
    del fake_rtc
    async with open_fake_rtc(FakeRtc(clock=set_clock)) as fake:
        ours = SetClock(set_clock.now + timedelta(seconds=ahead))
        async with open_bot(settings_from(environ_for(fake)), clock=ours, patience=Timeouts()) as bot:
            failure = await fail(bot, "Room1")
    assert isinstance(failure, TaskRefused)
    assert failure.code == "InvalidTimestamp"
    assert words in failure.meaning


async def test_temporary_credentials(fake_rtc: FakeRtc) -> None:
    del fake_rtc
    async with open_fake_rtc(FakeRtc(Account(session_token="STSx+/=="))) as fake:
        async with open_brief_bot(fake) as bot:
            assert (await ask(bot, "Room1")).task.is_over
        async with open_brief_bot(fake, VOLCENGINE_SESSION_TOKEN="old") as bot:
            assert (await fail(bot, "Room1")).code == "InvalidSecretToken"


async def test_the_newer_family_of_names(fake_rtc: FakeRtc) -> None:
    account = fake_rtc.account
    newer = {"VOLCENGINE_ACCESS_KEY": account.access_key, "VOLCENGINE_SECRET_KEY": account.secret_key}
    async with open_brief_bot(fake_rtc, VOLC_ACCESSKEY="other", VOLC_SECRETKEY="other", **newer) as bot:
        assert (await ask(bot, "Room1")).task.is_over
    async with open_brief_bot(fake_rtc, **(newer | {"VOLCENGINE_SECRET_KEY": "wrong"})) as bot:
        failure = await fail(bot, "Room1")
    assert failure.code == "SignatureDoesNotMatch"
    assert "VOLCENGINE_SECRET_KEY" in failure.advice


@pytest.mark.parametrize(
    ("endpoint", "happened"),
    [("http://127.0.0.1:1", "was refused"), ("https://rtc.invalid", "cannot be resolved")],
)
async def test_nobody_there(fake_rtc: FakeRtc, endpoint: str, happened: str) -> None:
    async with open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=endpoint) as bot:
        failure = await fail(bot, "Room1")
    assert isinstance(failure, TaskUnavailable)
    assert happened in failure.happened


async def test_https_at_a_server_that_has_none(fake_rtc: FakeRtc) -> None:
    async with open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=fake_rtc.url.replace("http:", "https:")) as bot:
        failure = await fail(bot, "Room1")
    assert "No secure connection" in failure.happened


async def test_pauses_grow_follow_retry_after_and_stay_within_patience(fake_rtc: FakeRtc) -> None:
    pauses: list[float] = []

    async def keep(seconds: float) -> None:
        pauses.append(seconds)

    settings = settings_from(environ_for(fake_rtc))
    async with open_bot(settings, patience=Timeouts(total=20), sleep=keep) as bot:
        await fail(bot, "bad-gateway")
        assert 0.1 <= pauses[0] <= 0.2 <= pauses[1] <= 0.4
        await fail(bot, "retry-after")
        assert all(1.0 <= pause <= 1.2 for pause in pauses[2:])
        await fail(bot, "error-FlowLimitExceeded")
        assert all(1.0 <= pause <= 1.2 for pause in pauses[4:])
    assert len(pauses) == 6


async def test_a_pause_longer_than_the_patience_left_is_not_begun(fake_rtc: FakeRtc) -> None:
    settings = settings_from(environ_for(fake_rtc))
    async with open_bot(settings, patience=Timeouts(total=0.9), sleep=no_time) as bot:
        failure = await fail(bot, "retry-after")
    assert "HTTP 503" in failure.happened
    assert len(fake_rtc.received) == 1


@pytest.mark.parametrize(
    ("patience", "attempts"), [(Timeouts(attempt=5, total=0.3), 1), (Timeouts(attempt=0.2, total=0.5), 3)]
)
async def test_everything_ends_with_the_patience(fake_rtc: FakeRtc, patience: Timeouts, attempts: int) -> None:
    async with open_bot(settings_from(environ_for(fake_rtc)), patience=patience, sleep=no_time) as bot:
        begun = time.monotonic()
        failure = await fail(bot, "slow")
    assert time.monotonic() - begun < patience.total + 1
    assert "did not answer in time" in failure.happened
    assert 1 <= len(fake_rtc.received) <= attempts


async def test_a_turn_that_never_comes(fake_rtc: FakeRtc) -> None:
    settings = settings_from(environ_for(fake_rtc, RECTASK_QPS="1"))
    async with open_bot(settings, patience=Timeouts(total=0.3)) as bot:
        await ask(bot, "Room1", "one")
        with pytest.raises(TaskUnavailable) as failed:
            await ask(bot, "Room1", "two")
    assert "could not be asked within 0.3 s" in failed.value.happened
    assert len(fake_rtc.received) == 1


async def test_going_and_coming_back_are_logged_once_each(bot: Bot, logged: list[EventDict]) -> None:
    for task in ("one", "two"):
        with pytest.raises(TaskUnavailable):
            await ask(bot, "bad-gateway", task)
    for task in ("one", "two"):
        await ask(bot, "Room1", task)
    with pytest.raises(TaskNotFound):
        await ask(bot, "nosuch")
    events = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert events == ["rtc.lost", "rtc.recovered"]


async def test_forbidden_ids_never_reach_rtc(bot: Bot, fake_rtc: FakeRtc) -> None:
    for room in ("", "a b", "r" * 129):
        with pytest.raises(InvalidId):
            await ask(bot, room)
    assert not fake_rtc.received


async def test_a_proxy_of_the_environment_is_used(fake_rtc: FakeRtc, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in plays the proxy, which is asked with the whole address of RTC in the request line."""
    monkeypatch.setenv("http_proxy", fake_rtc.url)
    monkeypatch.delenv("no_proxy", raising=False)
    async with open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT="http://127.0.0.1:1") as bot:
        assert (await ask(bot, "Room1")).task.is_over
        assert fake_rtc.received[0].target.startswith("http://127.0.0.1:1/?Action=")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT="http://127.0.0.1:1") as bot:
        assert "was refused" in (await fail(bot, "Room1")).happened
    assert len(fake_rtc.received) == 1


OK_BODY = b'{"ResponseMetadata": {"RequestId": "r1"}, "Result": {"RecordTask": {"Status": 2}}}'


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def server_of(*answers: bytes) -> AbstractAsyncContextManager[str]:
    """A server that gives these answers, one for each connection, the last one for all that follow."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_head(reader):
            writer.write(left.pop(0) if len(left) > 1 else left[0])
        writer.close()

    return raw_server(serve)


@pytest.mark.parametrize(
    "date",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Sun, 22 Nov 2026 00:00:00 +99999999999999", "soon", ""],
)
async def test_a_date_that_is_none_is_passed_over(fake_rtc: FakeRtc, date: str) -> None:
    async with (
        server_of(answer(OK_BODY, f"Date: {date}")) as url,
        open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=url) as bot,
    ):
        assert (await ask(bot, "Room1")).request_id == "r1"
        assert bot.rtc.clock_ahead is None


@pytest.mark.parametrize(
    ("packed", "encoding", "happened"),
    [
        (gzip.compress(OK_BODY, mtime=0), "gzip", None),
        (gzip.compress(OK_BODY, mtime=0), "GZIP", None),
        (gzip.compress(OK_BODY, mtime=0), "x-gzip", None),
        (gzip.compress(OK_BODY, mtime=0), "gzip, identity", None),
        (gzip.compress(OK_BODY, mtime=0), " identity ,gzip", None),
        (zlib.compress(OK_BODY), "deflate", None),
        (zlib.compress(OK_BODY)[2:-4], "Deflate", None),
        (OK_BODY, "", None),
        (OK_BODY, "IDENTITY", None),
        (OK_BODY, "utf-8", None),
        (OK_BODY, "none, whatever", None),
        (OK_BODY, "br", None),
        (b"\xef\xbb\xbf" + OK_BODY, "identity", None),
        (OK_BODY.decode().encode("utf-16"), "identity", None),
        (OK_BODY.decode().encode("utf-16-be"), "identity", None),
        (gzip.compress(OK_BODY.decode().encode("utf-16-le"), mtime=0), "gzip", None),
        (OK_BODY.decode().encode("utf-32"), "identity", None),
        (b"\x1b\x00\x80 packed by brotli", "br", "it is not JSON"),
        (zlib.compress(b"x" * 11_000_000), "deflate", "larger than 10 MiB"),
        (zlib.compress(OK_BODY)[:-9], "deflate", "not valid HTTP"),
        (b"no deflate", "deflate", "not valid HTTP"),
        (gzip.compress(OK_BODY, mtime=0) + b"x" * 11_000_000, "gzip", "larger than 10 MiB"),
        (gzip.compress(b"x" * 11_000_000, mtime=0), "gzip", "larger than 10 MiB"),
        (gzip.compress(gzip.compress(b"x" * 11_000_000, mtime=0), mtime=0), "gzip, gzip", "not valid HTTP"),
        (gzip.compress(OK_BODY, mtime=0)[:-9], "gzip", "not valid HTTP"),
    ],
)
async def test_packed_answers(fake_rtc: FakeRtc, packed: bytes, encoding: str, happened: str | None) -> None:
    async with (
        server_of(answer(packed, f"Content-Encoding: {encoding}")) as url,
        open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=url) as bot,
    ):
        if happened is None:
            assert (await ask(bot, "Room1")).request_id == "r1"
        else:
            assert happened in (await fail(bot, "Room1")).happened


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("1.5", 1.5, 1.7), ("Sun, 22 Nov 2026 12:00:03 GMT", 3, 3.2), ("Sun, 22 Nov 2026 11:00:00 GMT", 0, 0.2)],
)
async def test_retry_after_in_each_form(
    fake_rtc: FakeRtc, set_clock: SetClock, header: str, least: float, most: float
) -> None:
    pauses: list[float] = []

    async def keep(seconds: float) -> None:
        pauses.append(seconds)

    async with server_of(answer(b"", f"Retry-After: {header}", status="503 Busy"), answer(OK_BODY)) as url:
        settings = settings_from(environ_for(fake_rtc, RECTASK_RTC_ENDPOINT=url))
        async with open_bot(settings, clock=set_clock, sleep=keep) as bot:
            assert (await ask(bot, "Room1")).request_id == "r1"
    assert least <= pauses[0] <= most


async def test_ids_that_quote_a_key_are_concealed(fake_rtc: FakeRtc) -> None:
    key = fake_rtc.account.access_key
    body = f'{{"ResponseMetadata": {{"RequestId": "{key}", "Error": {{"Code": "X{key}"}}}}}}'.encode()
    async with (
        server_of(answer(body, f"X-Tt-Logid: {key}", status="403 No")) as url,
        open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=url) as bot,
    ):
        failure = await fail(bot, "Room1")
    assert (failure.request_id, failure.log_id, failure.code) == ("[secret]", "[secret]", "X[secret]")


@pytest.mark.parametrize("files", [1, 600])
async def test_a_large_answer_that_quotes_its_signature_is_not_read_on_the_loop(fake_rtc: FakeRtc, files: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        quoted = re.search(rb"Signature=([0-9a-f]+)", await read_head(reader))
        assert quoted is not None
        listed = b", ".join([b'{"Vid": "v"}'] * files)
        task = b'{"Status": 3, "RecordFileList": [%s]}' % listed
        writer.write(answer(b'{"Result": {"RecordTask": %s, "Quoted": "\\u0020%s"}}' % (task, quoted[1])))
        writer.close()

    called = set[str]()
    async with raw_server(serve) as url, open_brief_bot(fake_rtc, RECTASK_RTC_ENDPOINT=url) as bot:
        # Of this thread only, which is the loop's.
        sys.setprofile(lambda frame, _event, _arg: called.add(frame.f_code.co_name))
        try:
            reading = await ask(bot, "Room1")
        finally:
            sys.setprofile(None)
    assert len(reading.task.files) == files
    assert '"Quoted": " [secret]"' in reading.raw
    assert called & {"redact_in", "parse_envelope"} == (set() if files > 500 else {"redact_in", "parse_envelope"})


async def test_a_turn_that_never_comes_again_tells_what_came_before(fake_rtc: FakeRtc) -> None:
    settings = settings_from(environ_for(fake_rtc, RECTASK_QPS="1"))
    async with open_bot(settings, patience=Timeouts(total=0.8), sleep=no_time) as bot:
        failure = await fail(bot, "bad-gateway")
    assert "HTTP 502" in failure.happened
    assert len(fake_rtc.received) == 1
