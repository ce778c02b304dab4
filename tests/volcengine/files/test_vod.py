"""Links into VOD, over HTTP against the stand-in: whose address, for how long, and why there is none."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.volcengine.gateway import ERRORS, Account
from bot.playground.volcengine.object_store import video
from bot.playground.volcengine.vod import UNPUBLISHED, WITHOUT_DOMAIN, FakeVod, open_fake_vod
from bot.recording.file_link import LinkUnavailable
from bot.recording.task import RecordingFile
from bot.volcengine.files.router import RuleLinkMaker
from bot.volcengine.files.vod_wire import PlayAddress, parse_play_addresses
from testing.factories import SetClock
from testing.file_links import REF, fetch, key_file, links_of, settings_with

VID = "v02b69g10000"


def text_for(vod: FakeVod) -> str:
    return f'[[storage]]\nkind = "vod"\nendpoint = "{vod.url}"\n'


@pytest.fixture
async def vod(set_clock: SetClock) -> AsyncIterator[FakeVod]:
    async with open_fake_vod(FakeVod(clock=set_clock)) as fake:
        yield fake


@pytest.fixture
async def links(vod: FakeVod, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[RuleLinkMaker]:
    async with links_of(settings_with(tmp_path, text_for(vod), vod.account), set_clock) as opened:
        yield opened


async def fail(links: RuleLinkMaker, vid: str = VID) -> LinkUnavailable:
    with pytest.raises(LinkUnavailable) as failed:
        await links.link(REF, RecordingFile(vid=vid))
    assert failed.value.happened
    assert failed.value.meaning
    assert failed.value.advice
    return failed.value


async def test_a_published_media_opens(links: RuleLinkMaker, vod: FakeVod, set_clock: SetClock) -> None:
    assert links.can_link(REF, RecordingFile(vid=VID))
    assert not links.can_link(REF, key_file("a.mp4"))
    link = await links.link(REF, RecordingFile(vid=VID))
    assert link.expires_at == set_clock.now + timedelta(hours=1)
    assert "/od/" in link.url
    assert (await fetch(link.url)).body == video()
    assert list(vod.received) == [VID]
    set_clock.move(timedelta(hours=1, seconds=1))
    assert (await fetch(link.url)).status == 403


async def test_an_address_is_remembered_until_shortly_before_its_end(
    links: RuleLinkMaker, vod: FakeVod, set_clock: SetClock
) -> None:
    first = await links.link(REF, RecordingFile(vid=VID))
    set_clock.move(timedelta(minutes=49))
    assert await links.link(REF, RecordingFile(vid=VID)) == first
    await links.link(REF, RecordingFile(vid="v0other"))
    set_clock.move(timedelta(minutes=2))
    second = await links.link(REF, RecordingFile(vid=VID))
    assert second.expires_at == set_clock.now + timedelta(hours=1)
    assert list(vod.received) == [VID, "v0other", VID]


async def test_an_address_without_an_end_is_not_remembered(links: RuleLinkMaker, vod: FakeVod) -> None:
    vod.answers[VID] = {"PlayInfoList": [{"MainPlayUrl": "https://vod.example.com/a.mp4"}]}
    for _ in range(2):
        assert (await links.link(REF, RecordingFile(vid=VID))).expires_at is None
    assert len(vod.received) == 2


@pytest.mark.parametrize("vid", [UNPUBLISHED, WITHOUT_DOMAIN])
async def test_an_empty_answer_is_explained(links: RuleLinkMaker, vid: str) -> None:
    failure = await fail(links, vid)
    assert "not published" in failure.meaning
    assert "no accelerated domain" in failure.meaning
    assert failure.request_id
    assert failure.log_id


@pytest.mark.parametrize(
    "result", [None, "ok", [], {}, {"PlayInfoList": None}, {"PlayInfoList": "x"}, {"PlayInfoList": [None, {}, 7]}]
)
async def test_every_other_answer_without_an_address_is_explained_too(
    links: RuleLinkMaker, vod: FakeVod, result: object
) -> None:
    vod.answers[VID] = result
    assert "not published" in (await fail(links)).meaning


@pytest.mark.parametrize("code", [code for code in ERRORS if "." not in code])
async def test_each_error_of_the_gateway_speaks_of_vod(links: RuleLinkMaker, code: str) -> None:
    failure = await fail(links, f"error-{code}")
    said = f"{failure.happened} {failure.meaning} {failure.advice}"
    assert code in said
    assert "RTC" not in said
    assert "RECTASK" not in said
    assert "{" not in said
    assert failure.request_id


async def test_a_media_that_is_not_there(links: RuleLinkMaker) -> None:
    failure = await fail(links, "gone")
    assert failure.meaning == "VOD does not accept one of the ids."


async def test_keys_that_vod_does_not_take(vod: FakeVod, set_clock: SetClock, tmp_path: Path) -> None:
    settings = settings_with(tmp_path, text_for(vod), vod.account, VOLC_SECRETKEY="wrong")
    async with links_of(settings, set_clock) as links:
        failure = await fail(links)
    assert "SignatureDoesNotMatch" in failure.happened
    assert "VOLC_SECRETKEY" in failure.advice
    assert "GetPlayInfo" not in failure.advice


async def test_a_key_of_its_own(vod: FakeVod, set_clock: SetClock, tmp_path: Path) -> None:
    text = text_for(vod) + 'access_key_env = "READ_KEY"\nsecret_key_env = "READ_SECRET"\n'
    settings = settings_with(tmp_path, text, vod.account, VOLC_ACCESSKEY="AKother", VOLC_SECRETKEY="other")
    async with links_of(settings, set_clock) as links:
        assert (await links.link(REF, RecordingFile(vid=VID))).url


async def test_nobody_there(set_clock: SetClock, tmp_path: Path) -> None:
    text = '[[storage]]\nkind = "vod"\nendpoint = "http://127.0.0.1:1"\n'
    async with links_of(settings_with(tmp_path, text, Account()), set_clock) as links:
        failure = await fail(links)
    assert failure.happened == "The connection to 127.0.0.1:1 was refused."
    assert failure.meaning == "VOD was not asked, so there is no link."


def info(**more: Any) -> dict[str, Any]:
    return {"MainPlayUrl": "https://v.example.com/a.mp4?x=1&y=%20", "Size": 10, "Definition": "360p", **more}


END = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expires_at"),
    [
        (str(int(END.timestamp())), END),
        (int(END.timestamp()), END),
        ("2026-11-22T13:00:00Z", END),
        ("2026-11-22T21:00:00+08:00", END),
        ("2026-11-22 13:00:00", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("0", None),
        ("9" * 5000, None),
        ([], None),
        (True, None),
    ],
)
def test_the_forms_in_which_an_end_may_come(given: object, expires_at: datetime | None) -> None:
    (address,) = parse_play_addresses({"PlayInfoList": [info(MainUrlExpire=given)]})
    assert address.expires_at == expires_at


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.mp4", "//v.example.com/a", "javascript:alert(1)", "https://v.example.com/a b", "https://u@v/a"),
        *("https://v/a|b", "https://v/<b>", "https://v/\n", "https://v/ü", "ftp://v/a", 'https://v/"'),
    ],
)
def test_what_is_no_address_that_a_browser_may_be_sent_to_is_passed_over(url: str) -> None:
    backup = "http://backup.example.com:8080"
    assert parse_play_addresses({"PlayInfoList": [info(MainPlayUrl=url)]}) == []
    (address,) = parse_play_addresses(
        {"PlayInfoList": [info(MainPlayUrl=url, BackupPlayUrl=backup, BackupUrlExpire=str(int(END.timestamp())))]}
    )
    assert address == PlayAddress(backup, END, "360p", 10)


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        ([("360p", 10), ("od", 5), ("720p", 20)], "od"),
        ([("360p", 10), ("720p", 20)], "720p"),
        ([("360p", None), (None, None)], "360p"),
    ],
)
async def test_the_original_is_chosen_or_else_the_largest(
    links: RuleLinkMaker, vod: FakeVod, versions: list[tuple[str, int | None]], chosen: str
) -> None:
    vod.answers[VID] = {
        "PlayInfoList": [
            {"MainPlayUrl": f"https://v.example.com/{name}", "Definition": name, "Size": size}
            for name, size in versions
        ]
    }
    assert (await links.link(REF, RecordingFile(vid=VID))).url.endswith(chosen)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*info(), "MainUrlExpire"]), inner),
    max_leaves=10,
)


@given(anything | st.fixed_dictionaries({"PlayInfoList": anything | st.lists(anything)}))
def test_whatever_comes_is_read(result: object) -> None:
    assert all(address.url.startswith("http") for address in parse_play_addresses(result))
