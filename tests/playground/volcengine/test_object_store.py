"""The stand-in for object stores: as strict as the real ones, and a video that is one."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from bot.playground.volcengine.object_store import FakeStore, open_fake_store, video
from bot.playground.volcengine.vod import FakeVod, open_fake_vod
from bot.volcengine.api.signing import Credentials
from bot.volcengine.files.dialects import S3, TOS, domain_address, s3_address
from bot.volcengine.files.presigning import Dialect, presign
from testing.factories import SetClock
from testing.file_links import fetch


@pytest.fixture
async def store(set_clock: SetClock) -> AsyncIterator[FakeStore]:
    async with open_fake_store(FakeStore(clock=set_clock)) as fake:
        yield fake


def signed(
    store: FakeStore,
    set_clock: SetClock,
    key: str = "a.mp4",
    *,
    dialect: Dialect = TOS,
    expires: timedelta = timedelta(hours=1),
    begins_in: timedelta = timedelta(),
    token: str | None = None,
    region: str = "cn-beijing",
) -> str:
    address = domain_address(key, domain=store.url)
    if dialect is S3:
        address = s3_address(key, bucket="rec-bucket", endpoint=store.url, style="path")
    return presign(
        address,
        dialect,
        credentials=Credentials(store.account.access_key, store.account.secret_key, token),
        region=region,
        at=set_clock.now + begins_in,
        expires=expires,
    )


@pytest.mark.parametrize("dialect", [TOS, S3], ids=["tos", "s3"])
async def test_errors_are_in_the_stores_own_form(store: FakeStore, set_clock: SetClock, dialect: Dialect) -> None:
    answer = await fetch(signed(store, set_clock, "no-such-file", dialect=dialect))
    assert answer.status == 404
    if dialect is TOS:
        assert json.loads(answer.body)["Code"] == "NoSuchKey"
        assert answer.headers["X-Tos-Request-Id"]
    else:
        assert re.fullmatch(rb'<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchKey</Code>.*', answer.body)


@pytest.mark.parametrize("dialect", [TOS, S3], ids=["tos", "s3"])
async def test_what_is_signed_wrongly(store: FakeStore, set_clock: SetClock, dialect: Dialect) -> None:
    well = signed(store, set_clock, dialect=dialect)
    region = signed(store, set_clock, dialect=dialect, region="eu-central-1")
    cases = {
        well.replace(store.account.access_key, "AKother"): "InvalidAccessKeyId",
        region: "AuthorizationQueryParametersError",
        signed(store, set_clock, dialect=dialect, token="STS"): "InvalidToken",
        signed(store, set_clock, dialect=dialect, expires=timedelta(days=8)): "AuthorizationQueryParametersError",
        signed(store, set_clock, dialect=dialect, begins_in=timedelta(hours=1)): "AccessDenied",
        well.replace("SignedHeaders=host", "SignedHeaders=date"): "AuthorizationQueryParametersError",
        well.replace("Expires=3600", "Expires=soon"): "AuthorizationQueryParametersError",
        well + f"&{dialect.prefix}Expires=3600": "AuthorizationQueryParametersError",
        re.sub(r"&[^&]*Signature=[^&]*", "", well): "AuthorizationQueryParametersError",
        well.replace("4-HMAC-SHA256", "4-HMAC-SHA1"): "AuthorizationQueryParametersError",
    }
    for url, code in cases.items():
        assert code.encode() in (await fetch(url)).body
    assert not store.received
    assert (await fetch(well)).status == 200


async def test_other_methods_and_buckets(store: FakeStore, set_clock: SetClock) -> None:
    assert (await fetch(signed(store, set_clock), method="PUT")).status == 405
    address = s3_address("a.mp4", bucket="other", endpoint=store.url, style="path")
    credentials = Credentials(store.account.access_key, store.account.secret_key)
    url = presign(
        address, S3, credentials=credentials, region="cn-beijing", at=set_clock.now, expires=timedelta(hours=1)
    )
    assert b"NoSuchBucket" in (await fetch(url)).body


async def test_an_address_may_be_escaped_otherwise_as_long_as_it_means_the_same(
    store: FakeStore, set_clock: SetClock
) -> None:
    url = signed(store, set_clock, "rec/a.mp4").replace("/rec/a.mp4?", f"/rec/{quote('a')}%2Emp4?")
    assert (await fetch(url)).status == 200


async def test_players_ask_for_parts(store: FakeStore, set_clock: SetClock) -> None:
    url = signed(store, set_clock)
    part = await fetch(url, Range="bytes=10-19")
    assert (part.status, part.body) == (206, video()[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(video())}"
    assert (await fetch(url, Range="bytes=0-")).body == video()
    assert (await fetch(url, Range="bytes=999999-")).body == video()
    assert (await fetch(url, Range="lines=1-2")).status == 200


def test_the_video_is_webm_with_a_picture_in_vp8() -> None:
    content = video()
    assert content.startswith(b"\x1aE\xdf\xa3")
    assert b"webm" in content[:64]
    assert b"V_VP8" in content
    assert len(content) < 10_000


async def test_addresses_of_vod_end_and_can_not_be_altered(set_clock: SetClock) -> None:
    async with open_fake_vod(FakeVod(clock=set_clock)) as vod:
        url = vod.address("v0a", expires=int(set_clock.now.timestamp()) + 60)
        assert (await fetch(url)).body == video()
        assert (await fetch(url.replace("v0a", "v0b"))).status == 403
        assert (await fetch(url.replace("expires=", "expires=9"))).status == 403
        assert (await fetch(url.partition("?")[0])).status == 403
        set_clock.move(timedelta(seconds=61))
        assert (await fetch(url)).status == 403
