"""What `check` finds of each store: the key taken, refused and why, nobody there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.config.settings import Settings
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.object_store import FakeStore, open_fake_store
from bot.playground.volcengine.vod import FakeVod, open_fake_vod
from bot.runtime.checks import CheckResult
from bot.volcengine.files.router import diagnose_stores
from testing.factories import SetClock
from testing.file_links import links_of, settings_with
from tests.volcengine.api.test_client import answer, server_of
from tests.volcengine.files.test_router import text_for

ACCOUNT = Account()


@pytest.fixture
async def store(set_clock: SetClock) -> AsyncIterator[FakeStore]:
    async with open_fake_store(FakeStore(clock=set_clock)) as fake:
        yield fake


async def findings(settings: Settings, clock: SetClock) -> list[CheckResult]:
    async with links_of(settings, clock) as links:
        return [finding async for finding in diagnose_stores(links.rules, proxy_for=lambda _: None)]


@pytest.mark.parametrize("kind", ["tos-domain", "s3-path"])
async def test_a_key_that_is_taken(tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str) -> None:
    text = text_for(kind, store) + 'prefix = "rec/ä //"\napp = "prod"\n'
    (found,) = await findings(settings_with(tmp_path, text, store.account), set_clock)
    name = f"store {kind.partition('-')[0]} rec-bucket of prod"
    assert found == CheckResult(name, is_well=True, said="The key and its signature are accepted.")
    assert store.received[0].key == "rec/ä //rectask-check/no-such-file"


@pytest.mark.parametrize("kind", ["tos-domain", "s3-path"])
@pytest.mark.parametrize(
    ("more", "said", "advice"),
    [
        ({"SECRET": "wrong"}, "does not belong to the access key. It answered SignatureDoesNotMatch.", "SECRET"),
        ({"ACCESS": "AKwrong"}, "wrong or disabled. It answered InvalidAccessKeyId.", "ACCESS"),
    ],
)
async def test_a_key_that_is_refused(
    tmp_path: Path,
    store: FakeStore,
    set_clock: SetClock,
    kind: str,
    more: dict[str, str],
    said: str,
    advice: str,
) -> None:
    own = {"ACCESS": "VOLC_ACCESSKEY", "SECRET": "VOLC_SECRETKEY"}
    names = own if kind == "tos-domain" else {"ACCESS": "READ_KEY", "SECRET": "READ_SECRET"}
    settings = settings_with(
        tmp_path, text_for(kind, store), store.account, **{names[name]: value for name, value in more.items()}
    )
    (found,) = await findings(settings, set_clock)
    assert not found.is_well
    assert said in found.said
    assert names[advice] in (found.advice or "")
    assert "AKwrong" not in f"{found}"
    assert store.account.access_key not in f"{found}"


async def test_a_region_that_is_another(tmp_path: Path, store: FakeStore, set_clock: SetClock) -> None:
    text = text_for("s3-path", store).replace("cn-beijing", "eu-central-1")
    (found,) = await findings(settings_with(tmp_path, text, store.account), set_clock)
    assert "another region" in found.said
    assert found.advice == "Check region and endpoint."


async def test_a_bucket_that_is_not_there(tmp_path: Path, store: FakeStore, set_clock: SetClock) -> None:
    text = text_for("s3-path", store).replace("rec-bucket", "other-bucket")
    (found,) = await findings(settings_with(tmp_path, text, store.account), set_clock)
    assert (found.is_well, "no such bucket" in found.said) == (False, True)


XML = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>AKx</Message></Error>"


@pytest.mark.parametrize(
    ("status", "body", "is_well", "said"),
    [
        ("403 Forbidden", XML % b"AccessDenied", True, "Whether the key may read is not proven"),
        ("403 Forbidden", b'{"Code": "AccessDenied","Message":"no"}', True, "Whether the key may read is not proven"),
        ("404 Not Found", b'{"Code":"NoSuchKey"}', True, "accepted"),
        ("404 Not Found", XML % b"NoSuchKey", True, "accepted"),
        ("400 Bad Request", XML % b"ExpiredToken", False, "session token is wrong or has expired"),
        ("403 Forbidden", XML % b"RequestTimeTooSkewed", False, "clock"),
        ("301 Moved", XML % b"PermanentRedirect", False, "another region"),
        ("403 Forbidden", XML % b"MoonPhase", False, "not known here. It answered MoonPhase."),
        ("200 OK", b"<html>Please log in</html>", False, "This is not how a store answers. It answered HTTP 200."),
        ("502 Bad Gateway", b"", False, "This is not how a store answers. It answered HTTP 502."),
        ("200 OK", b"x" * 1_000_000, False, "This is not how a store answers."),
    ],
)
async def test_each_answer_is_told_apart(
    tmp_path: Path, set_clock: SetClock, status: str, body: bytes, is_well: bool, said: str
) -> None:
    async with server_of(answer(body, status=status)) as url:
        text = f'[[storage]]\nkind = "tos"\nbucket = "rec-bucket"\nregion = "cn-beijing"\ndomain = "{url}"\n'
        (found,) = await findings(settings_with(tmp_path, text, ACCOUNT), set_clock)
    assert found.is_well is is_well
    assert said in found.said
    assert (found.advice is None) is (said == "accepted")
    assert "{" not in f"{found.said}{found.advice}"
    assert "AKx" not in f"{found}"


@pytest.mark.parametrize("kind", ["tos-domain", "s3-path"])
async def test_nobody_there(tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str) -> None:
    text = text_for(kind, store).replace(store.url, "http://127.0.0.1:1").replace("localhost", "127.0.0.2")
    (found,) = await findings(settings_with(tmp_path, text, ACCOUNT), set_clock)
    assert (found.is_well, "was refused" in found.said) == (False, True)
    assert "Signature" not in f"{found}"


async def test_nobody_there_for_vod(tmp_path: Path, set_clock: SetClock) -> None:
    text = '[[storage]]\nkind = "vod"\nendpoint = "http://127.0.0.1:1"\n'
    (found,) = await findings(settings_with(tmp_path, text, ACCOUNT), set_clock)
    assert (found.is_well, "was refused" in found.said, bool(found.advice)) == (False, True, True)


async def test_every_store_is_looked_at_in_its_order(tmp_path: Path, set_clock: SetClock) -> None:
    async with open_fake_vod(FakeVod(clock=set_clock)) as vod:
        text = (
            f'[[storage]]\nkind = "vod"\nendpoint = "{vod.url}"\n'
            '[[storage]]\nkind = "template"\nurl = "https://files.example.com/{object_key}"\n'
        )
        found = await findings(settings_with(tmp_path, text, vod.account), set_clock)
        assert [(f.step, f.is_well) for f in found] == [
            ("store vod cn-north-1", True),
            ("store template files.example.com", True),
        ]
        assert vod.received[0] == "rectask-check"
        wrong = await findings(settings_with(tmp_path, text, vod.account, VOLC_SECRETKEY="wrong"), set_clock)
        assert (wrong[0].is_well, "VOLC_SECRETKEY" in (wrong[0].advice or "")) == (False, True)


@pytest.mark.parametrize(
    ("code", "is_well"),
    [
        *((code, False) for code in ("LackPolicy", "AccessDenied", "InvalidSecretToken", "InternalError")),
        *((code, True) for code in ("InvalidParameter", "InvalidParameter.Vid", "ResourceNotFound.Vid")),
    ],
)
async def test_what_vod_says_of_a_made_up_media(tmp_path: Path, set_clock: SetClock, code: str, is_well: bool) -> None:
    body = f'{{"ResponseMetadata": {{"Error": {{"Code": "{code}"}}}}}}'.encode()
    async with server_of(answer(body, status="400 Bad Request")) as url:
        text = f'[[storage]]\nkind = "vod"\nendpoint = "{url}"\n'
        (found,) = await findings(settings_with(tmp_path, text, ACCOUNT), set_clock)
    assert found.is_well is is_well
    assert (found.advice is None) is is_well


async def test_a_number_in_the_place_of_a_code(tmp_path: Path, set_clock: SetClock) -> None:
    body = b'{"ResponseMetadata": {"Error": {"CodeN": 100010}}}'
    async with server_of(answer(body, status="401 Unauthorized")) as url:
        text = f'[[storage]]\nkind = "vod"\nendpoint = "{url}"\n'
        (found,) = await findings(settings_with(tmp_path, text, ACCOUNT), set_clock)
    assert not found.is_well
