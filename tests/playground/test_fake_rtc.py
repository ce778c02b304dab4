"""The stand-in is as strict as the real gateway: what it must refuse, sent by a plain HTTP client."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import httpx
import pytest
from yarl import URL

from bot.playground.fake_rtc import FakeRtc, open_fake_rtc, worst_second
from bot.playground.gateway import Account
from bot.volcengine.signing import Credentials, SignatureAuth, Signer, canonical_query
from tests.world import SetClock

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


async def test_a_task_ages_through_its_states(set_clock: SetClock) -> None:
    async with open_fake_rtc(FakeRtc(clock=set_clock)) as fake:
        seen = []
        for seconds in (0, 10, 30, 10):
            set_clock.move(timedelta(seconds=seconds))
            async with httpx.AsyncClient() as http:
                request = signed(fake, QUERY | {"RoomId": "ageing"}, off=set_clock.now - datetime.now(UTC))
                task = (await http.send(request)).json()["Result"]["RecordTask"]
            seen.append((task["Status"], len(task["RecordFileList"])))
    assert seen == [(1, 0), (2, 0), (3, 0), (3, 1)]


async def test_a_newer_task_takes_the_ids(set_clock: SetClock) -> None:
    async with open_fake_rtc(FakeRtc(clock=set_clock)) as fake:
        starts = []
        for seconds in (0, 21):
            set_clock.move(timedelta(seconds=seconds))
            async with httpx.AsyncClient() as http:
                request = signed(fake, QUERY | {"RoomId": "replaced"}, off=set_clock.now - datetime.now(UTC))
                starts.append((await http.send(request)).json()["Result"]["RecordTask"]["StartTime"])
    assert starts[0] < starts[1]


def test_the_stand_in_does_not_know_what_it_tests() -> None:
    sources = Path(__file__).parents[2].joinpath("bot", "playground").glob("*.py")
    imports = [line for source in sources for line in source.read_text().splitlines() if "import" in line]
    assert not [line for line in imports if re.search(r"\bbot\.(?!playground)", line)]
