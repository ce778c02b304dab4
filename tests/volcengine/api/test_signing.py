"""The signature, held against what the vendor's own signers computed, and against what a server really receives."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.volcengine.api.signing import Credentials, SignatureAuth, Signer, canonical_query
from bot.volcengine.api.transport import PATIENCE, open_http
from testing.factories import SetClock

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "volcengine_v4_signatures.json").read_text(encoding="utf-8")
)["vectors"]
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])


def signer_for(vector: Vector) -> Signer:
    return Signer(
        Credentials(vector["access_key"], vector["secret_key"], vector["session_token"] or None),
        region=vector["region"],
        service=vector["service"],
        clock=SetClock(datetime.strptime(vector["x_date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)),
    )


def request_for(vector: Vector, *, origin: str = "") -> httpx.Request:
    query = canonical_query((name, value) for name, value in vector["query"])
    return httpx.Request(
        vector["method"],
        f"{origin or vector['scheme'] + '://' + vector['host']}{vector['path']}?{query}",
        headers=vector["extra_headers"],
        content=vector["body"].encode() or None,
    )


def sign(request: httpx.Request, signer: Signer) -> None:
    """What httpx does with an Auth before it sends."""
    for _ in SignatureAuth(signer).sync_auth_flow(request):
        break


@each_vector
def test_the_signature_is_the_vendors(vector: Vector) -> None:
    request = request_for(vector)
    sign(request, signer_for(vector))
    assert request.headers["authorization"] == vector["expect"]["authorization"]
    assert str(request.url) == vector["expect"]["url"].replace(":443", "")


@asynccontextmanager
async def recording_server(received: list[web.BaseRequest]) -> AsyncIterator[str]:
    async def keep(request: web.BaseRequest) -> web.Response:
        received.append(request)
        return web.Response(text="{}")

    runner = web.ServerRunner(web.Server(keep))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@each_vector
async def test_a_server_receives_the_canonical_query_and_a_fitting_signature(vector: Vector) -> None:
    received: list[web.BaseRequest] = []
    async with recording_server(received) as origin, open_http(patience=PATIENCE) as http:
        sent = request_for(vector, origin=origin)
        # The host is signed as the vector has it, though the request goes to this machine.
        sent.headers["host"] = vector["host"]
        await http.send(sent, auth=SignatureAuth(signer_for(vector)))
    (request,) = received
    canonical = vector["expect"]["canonical_request"].split("\n")
    assert request.raw_path.partition("?")[2] == canonical[2]
    assert request.headers["Host"] == vector["host"]
    if ":" not in vector["host"]:
        assert request.headers["Authorization"] == vector["expect"]["authorization"]


def test_a_query_that_was_encoded_otherwise_is_signed_in_its_canonical_form() -> None:
    vector = next(vector for vector in VECTORS if vector["id"] == "07-slash-equals-amp")
    request = httpx.Request(
        "GET",
        "https://rtc.volcengineapi.com/?Version=2023-11-01&TaskId=Task1&RoomId=a/b%3dc%26d?e%23f"
        "&AppId=661e0000000000000000543c&Action=GetRecordTask",
    )
    sign(request, signer_for(vector))
    assert request.headers["authorization"] == vector["expect"]["authorization"]


def test_the_key_changes_with_the_day() -> None:
    clock = SetClock(datetime(2024, 3, 15, 23, 59, 59, tzinfo=UTC))
    signer = Signer(Credentials("AK", "secret"), region="cn-north-1", service="rtc", clock=clock)

    def signed_at(moment: datetime, signer: Signer) -> str:
        clock.now = moment
        return signer.sign(method="GET", path="/", query="Action=A", host="rtc.volcengineapi.com")["authorization"]

    days = [datetime(2024, 3, 15, 23, 59, 59, tzinfo=UTC), datetime(2024, 3, 16, 0, 0, 0, tzinfo=UTC)]
    kept = [signed_at(day, signer) for day in days]
    anew = [
        signed_at(day, Signer(Credentials("AK", "secret"), region="cn-north-1", service="rtc", clock=clock))
        for day in days
    ]
    assert kept == anew
    assert kept[0] != kept[1]


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_what_is_signed_is_what_an_url_carries(query: dict[str, str]) -> None:
    canonical = canonical_query(query.items())
    url = httpx.URL(f"https://rtc.volcengineapi.com/?{canonical}")
    assert url.query.decode() == canonical
    assert dict(httpx.QueryParams(urlsplit(str(url)).query)) == query


def test_no_credential_shows_in_a_repr() -> None:
    assert repr(Credentials("AK-x", "SK-x", "ST-x")) == "Credentials()"


def test_what_the_gateway_quotes_of_a_request_is_concealed() -> None:
    signer = Signer(Credentials("AK-x", "SK-x", "ST-x"), region="r", service="s", clock=lambda: datetime.now(UTC))
    said = signer.redact(f"AK-x SK-x ST-x {'0a' * 32} stays")
    assert said == "[secret] [secret] [secret] [signature] stays"
