"""Signed addresses, byte for byte as the vendor's package and AWS's make them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.volcengine.api.signing import Credentials
from bot.volcengine.files.dialects import S3, TOS, Style, domain_address, s3_address, tos_address
from bot.volcengine.files.presigning import Dialect, ObjectAddress, presign

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS: list[dict[str, Any]] = [
    vector
    for name in ("tos_presigned_urls.json", "tos_presigned_urls_odd_keys.json")
    for vector in json.loads((FOLDER / name).read_text(encoding="utf-8"))["vectors"]
]
ODD_KEYS = (
    *("rec//2026///a.mp4", "a/../b", "..", ".", "/a.mp4", "///", "a+b", "a b", "a%2Fb", "100%", "a#b", "a?b=c&d"),
    *("录制/ü.mp4", "e\u0301\u202e", "a\nb\x7f", "!*'();:@&=+$,/[]{}|\\^`\"<>~", "rec/", "x" * 1024),
)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)
BUCKET, ENDPOINT, REGION = "rec-bucket", "https://s3.example.com", "eu-central-1"


def moment_of(x_date: str) -> datetime:
    return datetime.strptime(x_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def address_of(vector: dict[str, Any]) -> ObjectAddress:
    endpoint = vector["endpoint"] if "://" in vector["endpoint"] else f"https://{vector['endpoint']}"
    if vector.get("custom_domain"):
        return domain_address(vector["key"], domain=endpoint)
    return tos_address(vector["key"], bucket=vector["bucket"], endpoint=endpoint)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_tos_addresses_are_the_vendors(vector: dict[str, Any]) -> None:
    url = presign(
        address_of(vector),
        TOS,
        credentials=Credentials(vector["access_key"], vector["secret_key"], vector.get("session_token")),
        region=vector["region"],
        at=moment_of(vector["x_date"]),
        expires=timedelta(seconds=vector["expires"]),
        query=list(vector.get("query", {}).items()),
        method=vector["method"],
    )
    assert url == vector["expect"]["url"]


def test_there_is_a_vector_for_every_odd_sign() -> None:
    written = {vector["key"] for vector in VECTORS}
    for sign in ("//", "..", "+", "#", "?", "%", " ", "~", "=", "录"):
        assert any(sign in key for key in written)
    assert any(key.startswith("/") for key in written)


class Botocore:
    """AWS's own signer, for one way of writing addresses."""

    def __init__(self, style: Style, token: str | None) -> None:
        session = botocore.session.Session()
        session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
        self.style: Style = style
        self.credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
        addressing = {"addressing_style": "virtual" if style == "host" else "path"}
        self.client: BaseClient = session.create_client(
            "s3", region_name=REGION, endpoint_url=ENDPOINT, config=Config(signature_version="s3v4", s3=addressing)
        )

    def presigned(self, key: str, disposition: str | None) -> str:
        more = {} if disposition is None else {"ResponseContentDisposition": disposition}
        parameters = {"Bucket": BUCKET, "Key": key, **more}
        return str(self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=3600))


@pytest.fixture(scope="module")
def peers() -> Iterator[list[Botocore]]:
    made = [Botocore(style, token) for style in ("path", "host") for token in (None, "FwoG/+==&%token")]
    yield made
    for peer in made:
        peer.client.close()


def assert_same(peer: Botocore, key: str, disposition: str | None) -> None:
    theirs = peer.presigned(key, disposition)
    # Their clock is theirs, so ours is set by what they signed.
    (x_date,) = parse_qs(urlsplit(theirs).query)["X-Amz-Date"]
    ours = presign(
        s3_address(key, bucket=BUCKET, endpoint=ENDPOINT, style=peer.style),
        S3,
        credentials=peer.credentials,
        region=REGION,
        at=moment_of(x_date),
        expires=timedelta(seconds=3600),
        query=[] if disposition is None else [("response-content-disposition", disposition)],
    )
    assert ours == theirs


anything = given(
    key=keys, which=st.integers(0, 3), disposition=st.none() | st.text(st.characters(codec="utf-8"), min_size=1)
)


@anything
def test_s3_addresses_are_botocores(peers: list[Botocore], key: str, which: int, disposition: str | None) -> None:
    assert_same(peers[which], key, disposition)


@pytest.mark.slow
@settings(max_examples=1000)
@anything
def test_many_s3_addresses_are_botocores(peers: list[Botocore], key: str, which: int, disposition: str | None) -> None:
    assert_same(peers[which], key, disposition)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_s3_addresses_of_odd_keys_are_botocores(peers: list[Botocore], key: str) -> None:
    for peer in peers:
        assert_same(peer, key, 'inline; filename="a b.mp4"')


@given(keys, st.sampled_from([TOS, S3]))
@example("a/../b//c", TOS)
def test_a_key_stands_in_the_address_as_it_is(key: str, dialect: Dialect) -> None:
    url = presign(
        domain_address(key, domain="https://media.example.com"),
        dialect,
        credentials=Credentials("AK", "SK"),
        region="r",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        expires=timedelta(hours=1),
    )
    assert url.isascii()
    assert " " not in url
    target, _, query = url.removeprefix("https://media.example.com/").partition("?")
    assert unquote(target, errors="strict") == key
    assert query.startswith(f"{dialect.prefix}Algorithm=")
    assert "#" not in url
