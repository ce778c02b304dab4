"""The stand-in is as strict as the real gateway: what it must refuse, sent by a plain HTTP client."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from yarl import URL

from bot.playground.volcengine.arrivals import worst_second
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.volcengine.api.signing import Credentials, SignatureAuth, Signer, canonical_query
from testing.factories import SetClock

Json = dict[str, Any]
ACCOUNT = Account()
QUERY = {
    "Action": "GetRecordTask",
    "Version": "2023-11-01",
    "AppId": ACCOUNT.app_ids[0],
    "RoomId": "Room1",
    "TaskId": "Task1",
}


def signed(fake: FakeRtc, query: dict[str, str], *, off: timedelta = timedelta(), **parts: str) -> httpx.Request:
    """A well signed request; its parts may be replaced."""
    request = httpx.Request(
        parts.get("method", "GET"), f"{fake.url}{parts.get('path', '/')}?{canonical_query(query.items())}"
    )
    signer = Signer(
        Credentials(
            parts.get("access_key", ACCOUNT.access_key), parts.get("secret_key", ACCOUNT.secret_key), parts.get("token")
        ),
        region=parts.get("region", "cn-north-1"),
        service="rtc",
        clock=lambda: datetime.now(UTC) + off,
    )
    return next(SignatureAuth(signer).sync_auth_flow(request))


async def send(request: httpx.Request) -> tuple[int, str | None]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=dict(request.headers),
            allow_redirects=False,
        ) as response,
    ):
        payload = await response.json()
        return response.status, payload["ResponseMetadata"].get("Error", {}).get("Code")


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in QUERY.items() if key != name}


async def test_what_is_right_is_answered(fake_rtc: FakeRtc) -> None:
    assert await send(signed(fake_rtc, QUERY)) == (200, None)


@pytest.mark.parametrize(
    ("make", "status_code", "code"),
    [
        (lambda f: signed(f, QUERY, secret_key="wrong"), 401, "SignatureDoesNotMatch"),
        (lambda f: signed(f, QUERY, access_key="AKother"), 401, "InvalidAccessKey"),
        (lambda f: signed(f, QUERY, region="cn-south-1"), 400, "InvalidCredential"),
        (lambda f: signed(f, QUERY, token="STSx"), 401, "InvalidSecretToken"),
        (lambda f: signed(f, QUERY, off=timedelta(minutes=16)), 403, "InvalidTimestamp"),
        (lambda f: signed(f, QUERY, off=-timedelta(minutes=16)), 403, "InvalidTimestamp"),
        (lambda f: signed(f, QUERY, method="POST"), 404, "InvalidActionOrVersion"),
        (lambda f: signed(f, QUERY, path="/other"), 404, "InvalidActionOrVersion"),
        (lambda f: signed(f, QUERY | {"Version": "2022-06-01"}), 404, "InvalidActionOrVersion"),
        (lambda f: signed(f, without("Action")), 404, "InvalidActionOrVersion"),
        (lambda f: signed(f, without("AppId")), 400, "MissingParameter"),
        (lambda f: signed(f, without("RoomId")), 400, "MissingParameter"),
        (lambda f: signed(f, QUERY | {"TaskId": ""}), 400, "MissingParameter"),
        (lambda f: signed(f, QUERY | {"AppId": "6" * 24}), 400, "InvalidParameter.NotExistAppId"),
        (lambda f: signed(f, QUERY | {"RoomId": "a b"}), 400, "InvalidParameter.IllegalRoomID"),
        (lambda f: signed(f, QUERY | {"TaskId": "t" * 129}), 400, "InvalidParameter.IllegalRoomID"),
        (lambda f: signed(f, QUERY | {"RoomId": "too-old"}), 400, "InvalidParameter.ErrorActiveTaskNotFound"),
        (lambda f: signed(f, QUERY | {"RoomId": "nosuch"}), 400, "InvalidParameter.ErrorActiveTaskNotFound"),
    ],
)
async def test_what_is_wrong_is_refused(
    fake_rtc: FakeRtc, make: Callable[[FakeRtc], httpx.Request], status_code: int, code: str
) -> None:
    assert await send(make(fake_rtc)) == (status_code, code)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("authorization", None, "MissingAuthenticationToken"),
        ("authorization", "HMAC-SHA256 nonsense", "InvalidAuthorization"),
        ("x-date", None, "InvalidTimestamp"),
        ("x-date", "yesterday", "InvalidTimestamp"),
        ("x-content-sha256", "0" * 64, "SignatureDoesNotMatch"),
        ("host", "elsewhere.example.com", "SignatureDoesNotMatch"),
    ],
)
async def test_a_header_that_was_changed_is_noticed(
    fake_rtc: FakeRtc, header: str, value: str | None, code: str
) -> None:
    request = signed(fake_rtc, QUERY)
    del request.headers[header]
    if value is not None:
        request.headers[header] = value
    assert (await send(request))[1] == code


async def test_a_query_that_was_changed_is_noticed(fake_rtc: FakeRtc) -> None:
    request = signed(fake_rtc, QUERY)
    request.url = request.url.copy_with(query=canonical_query((QUERY | {"TaskId": "Task2"}).items()).encode())
    assert (await send(request))[1] == "SignatureDoesNotMatch"


async def test_a_parameter_twice_is_refused(fake_rtc: FakeRtc) -> None:
    request = signed(fake_rtc, QUERY)
    request.url = request.url.copy_with(query=request.url.query + b"&TaskId=Task1")
    assert (await send(request))[1] == "InvalidParameter"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("host", "MissingSignature"),
        ("x-date;host;x-content-sha256", "InvalidAuthorization"),
        ("host;host;x-content-sha256;x-date", "InvalidAuthorization"),
        ("host;x-content-sha256;x-date;x-nothere", "InvalidAuthorization"),
    ],
)
async def test_headers_that_must_be_signed(fake_rtc: FakeRtc, names: str, code: str) -> None:
    request = signed(fake_rtc, QUERY)
    whole = request.headers["authorization"]
    request.headers["authorization"] = re.sub("SignedHeaders=[^,]*", f"SignedHeaders={names}", whole)
    assert (await send(request))[1] == code


async def test_the_61st_request_within_a_second_is_refused(fake_rtc: FakeRtc) -> None:
    answers = [await send(signed(fake_rtc, QUERY)) for _ in range(61)]
    assert worst_second([request.at for request in fake_rtc.received]) == fake_rtc.worst_second()
    if fake_rtc.worst_second() == 61:  # unless this machine took more than a second to send them
        assert answers.count((429, "FlowLimitExceeded")) == 1


@pytest.mark.parametrize(
    ("arrivals", "worst"), [([], 0), ([0.0], 1), ([0.0, 0.999], 2), ([0.0, 1.0], 1), ([0.0, 0.5, 1.2, 1.4, 1.49], 4)]
)
def test_the_worst_second(arrivals: list[float], worst: int) -> None:
    assert worst_second(arrivals) == worst


async def task_in(fake: FakeRtc, clock: SetClock, room: str) -> Json:
    """The RecordTask that it tells of now; empty where there is none."""
    request = signed(fake, QUERY | {"RoomId": room}, off=clock.now - datetime.now(UTC))
    async with httpx.AsyncClient() as http:
        found: Json = (await http.send(request)).json().get("Result", {}).get("RecordTask", {})
        return found


@pytest.fixture
async def timed(set_clock: SetClock) -> AsyncIterator[FakeRtc]:
    async with open_fake_rtc(FakeRtc(clock=set_clock)) as fake:
        yield fake


@pytest.mark.parametrize(
    ("room", "pauses", "states"),
    [
        ("ageing", (0, 10, 30, 10), [(1, 0), (2, 0), (3, 0), (3, 1)]),
        ("soon", (0, 19, 1, 9, 1), [(2, 0), (2, 0), (3, 0), (3, 0), (3, 1)]),
        ("late-file", (0, 20, 239, 1), [(2, 0), (3, 0), (3, 0), (3, 1)]),
        ("run-60", (0, 59, 1), [(2, 0), (2, 0), (3, 1)]),
        ("run-7", (0, 6, 1), [(2, 0), (2, 0), (3, 1)]),
    ],
)
async def test_a_task_ages_through_its_states(
    timed: FakeRtc, set_clock: SetClock, room: str, pauses: tuple[int, ...], states: list[tuple[int, int]]
) -> None:
    seen = []
    for seconds in pauses:
        set_clock.move(timedelta(seconds=seconds))
        task = await task_in(timed, set_clock, room)
        seen.append((task["Status"], len(task["RecordFileList"])))
    assert seen == states


async def test_a_newer_task_takes_the_ids(timed: FakeRtc, set_clock: SetClock) -> None:
    first = await task_in(timed, set_clock, "replaced")
    set_clock.move(timedelta(seconds=21))
    assert first["StartTime"] < (await task_in(timed, set_clock, "replaced"))["StartTime"]


async def test_a_task_is_ended_at_will(timed: FakeRtc, set_clock: SetClock) -> None:
    before = await task_in(timed, set_clock, "running")
    set_clock.move(timedelta(minutes=1))
    timed.end("running", files=0)
    timed.end("running", "Task2")
    timed.end("never-asked", reason="IdleTimeOut", status=4, files=2)
    after = await task_in(timed, set_clock, "running")
    assert (after["StartTime"], after["Status"], after["RecordFileList"]) == (before["StartTime"], 3, [])
    assert after["EndTime"] == set_clock.now.timestamp() * 1000
    set_clock.move(timedelta(minutes=1))
    timed.leave_files("running", count=3)
    late = await task_in(timed, set_clock, "running")
    assert (late["EndTime"], len(late["RecordFileList"])) == (after["EndTime"], 3)
    other = await task_in(timed, set_clock, "never-asked")
    assert (other["Status"], other["StopReason"], other["EndTime"] - other["StartTime"]) == (4, "IdleTimeOut", 600_000)


async def test_a_task_is_replaced_forgotten_and_too_old_at_will(timed: FakeRtc, set_clock: SetClock) -> None:
    timed.answers["mine"] = {"RecordTask": {"Status": 3, "StartTime": 1}}
    assert (await task_in(timed, set_clock, "mine"))["StartTime"] == 1
    timed.end("mine")
    assert await task_in(timed, set_clock, "mine") == {}
    timed.replace("mine")
    assert (await task_in(timed, set_clock, "mine"))["Status"] == 2
    set_clock.move(timedelta(hours=72, seconds=1))
    assert await task_in(timed, set_clock, "mine") == {}
    timed.forget("Room1")
    assert await task_in(timed, set_clock, "Room1") == {}


@pytest.mark.parametrize(
    ("kind", "status_code"), [("ServiceUnavailableTemp", 503), ("FailToConnect", 502), ("retry-after", 503)]
)
async def test_all_fails_until_it_is_healed(fake_rtc: FakeRtc, kind: str, status_code: int) -> None:
    fake_rtc.fail_with(kind)
    async with httpx.AsyncClient() as http:
        for room in ("Room1", "nosuch"):
            assert (await http.send(signed(fake_rtc, QUERY | {"RoomId": room}))).status_code == status_code
    fake_rtc.fail_with("reset")
    with pytest.raises(aiohttp.ClientError):
        await send(signed(fake_rtc, QUERY))
    fake_rtc.heal()
    assert await send(signed(fake_rtc, QUERY)) == (200, None)
    with pytest.raises(LookupError):
        fake_rtc.fail_with("bad mood")


async def test_its_door_closes_and_opens_at_the_same_address(fake_rtc: FakeRtc) -> None:
    address = fake_rtc.url
    await fake_rtc.close_door()
    with pytest.raises(aiohttp.ClientConnectorError):
        await send(signed(fake_rtc, QUERY))
    await fake_rtc.open_door()
    assert (fake_rtc.url, await send(signed(fake_rtc, QUERY))) == (address, (200, None))


def test_the_stand_in_does_not_know_what_it_tests() -> None:
    sources = Path(__file__).parents[3].joinpath("bot", "playground").rglob("*.py")
    imports = [line for source in sources for line in source.read_text().splitlines() if "import" in line]
    assert not [line for line in imports if re.search(r"\bbot\.(?!playground)", line)]
