"""From a file to a link that opens it, over HTTP against stand-ins that check signature and expiry by themselves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.object_store import PLAYLIST, FakeStore, open_fake_store, video
from bot.recording.file_link import LinkUnavailable
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.volcengine.files.object_store import DOTS_NOTE, HLS_NOTE, TEMPORARY_NOTE
from testing.factories import SetClock
from testing.file_links import PROD, REF, STAGING, fetch, key_file, links_of, settings_with
from tests.volcengine.files.test_presigning import ODD_KEYS

KINDS = {
    "tos": '[[storage]]\nkind = "tos"\nbucket = "rec-bucket"\nregion = "cn-beijing"\nendpoint = "{virtual}"\n',
    "tos-domain": '[[storage]]\nkind = "tos"\nbucket = "rec-bucket"\nregion = "cn-beijing"\ndomain = "{url}"\n',
    **{
        f"s3-{style}": f'[[storage]]\nkind = "s3"\nbucket = "rec-bucket"\nregion = "cn-beijing"\nstyle = "{style}"\n'
        'endpoint = "{virtual}"\naccess_key_env = "READ_KEY"\nsecret_key_env = "READ_SECRET"\n'
        for style in ("path", "host")
    },
}
CONTENT = bytes(range(256)) * 40


@pytest.fixture
async def store(set_clock: SetClock) -> AsyncIterator[FakeStore]:
    async with open_fake_store(FakeStore(clock=set_clock)) as fake:
        yield fake


def text_for(kind: str, store: FakeStore) -> str:
    return KINDS[kind].format(url=store.url, virtual=store.url.replace("127.0.0.1", "localhost"))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_is_downloaded_whole_through_its_link(
    tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str
) -> None:
    store.objects["rec/a.mp4"] = CONTENT
    async with links_of(settings_with(tmp_path, text_for(kind, store), store.account), set_clock) as links:
        assert links.can_link(REF, key_file("rec/a.mp4"))
        link = await links.link(REF, key_file("rec/a.mp4"))
    assert link.expires_at == set_clock.now + timedelta(hours=1)
    assert link.note is None
    answer = await fetch(link.url)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["Content-Disposition"] == "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_ends_when_it_says(tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str) -> None:
    text = text_for(kind, store) + "expires = 60\n"
    async with links_of(settings_with(tmp_path, text, store.account), set_clock) as links:
        link = await links.link(REF, key_file("a.mp4"))
    set_clock.move(timedelta(seconds=60))
    assert link.expires_at == set_clock.now
    assert (await fetch(link.url)).status == 200
    set_clock.move(timedelta(seconds=1))
    refused = await fetch(link.url)
    assert (refused.status, b"AccessDenied" in refused.body, b"expired" in refused.body) == (403, True, True)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_altered_link_is_refused(tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str) -> None:
    async with links_of(settings_with(tmp_path, text_for(kind, store), store.account), set_clock) as links:
        url = (await links.link(REF, key_file("rec/a.mp4"))).url
    altered = [
        url.replace("rec/a.mp4?", "rec/b.mp4?"),
        url.replace("Expires=3600", "Expires=3601"),
        url.replace("filename%3D%22a", "filename%3D%22b"),
        url + "&versionId=1",
        url[:-1] + ("0" if url[-1] != "0" else "1"),
    ]
    for other in altered:
        assert other != url
        refused = await fetch(other)
        assert (refused.status, b"SignatureDoesNotMatch" in refused.body) == (403, True)
    assert (await fetch(url, method="HEAD")).status == 403
    unsigned = await fetch(url.partition("?")[0])
    assert (unsigned.status, b"AccessDenied" in unsigned.body) == (403, True)
    assert not store.received


@pytest.mark.parametrize("kind", KINDS)
async def test_every_odd_key_arrives_unchanged(
    tmp_path: Path, store: FakeStore, set_clock: SetClock, kind: str
) -> None:
    store.objects.update({key: key.encode() for key in ODD_KEYS})
    async with links_of(settings_with(tmp_path, text_for(kind, store), store.account), set_clock) as links:
        for key in ODD_KEYS:
            answer = await fetch((await links.link(REF, key_file(key))).url)
            assert (answer.status, answer.body) == (200, key.encode())
    assert [fetched.key for fetched in store.received] == list(ODD_KEYS)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100), kind=st.sampled_from(sorted(KINDS)))
@example(key="\r\nSet-Cookie: a=b", kind="tos")
@example(key='a";x="\\', kind="s3-path")
async def test_any_key_arrives_unchanged(
    tmp_path: Path, store: FakeStore, set_clock: SetClock, key: str, kind: str
) -> None:
    store.objects[key] = key.encode()
    async with links_of(settings_with(tmp_path, text_for(kind, store), store.account), set_clock) as links:
        answer = await fetch((await links.link(REF, key_file(key))).url)
    assert (answer.status, answer.body) == (200, key.encode())
    assert "Set-Cookie" not in answer.headers
    assert store.received.pop().key == key


async def test_temporary_credentials_are_sent_with_the_link_which_says_so(tmp_path: Path, set_clock: SetClock) -> None:
    account = Account(session_token="STS+/==&%")
    async with open_fake_store(FakeStore(account, clock=set_clock)) as store:
        async with links_of(settings_with(tmp_path, text_for("tos", store), account), set_clock) as links:
            link = await links.link(REF, key_file("a.mp4"))
        assert link.note == TEMPORARY_NOTE
        assert (await fetch(link.url)).status == 200
        bare = settings_with(tmp_path, text_for("tos", store), account, VOLCENGINE_SESSION_TOKEN="old")
        async with links_of(bare, set_clock) as links:
            assert b"InvalidToken" in (await fetch((await links.link(REF, key_file("a.mp4"))).url)).body


async def test_a_store_with_a_key_of_its_own_leaves_the_bots_token_out(
    tmp_path: Path, store: FakeStore, set_clock: SetClock
) -> None:
    text = text_for("tos", store) + 'access_key_env = "READ_KEY"\nsecret_key_env = "READ_SECRET"\n'
    settings = settings_with(
        tmp_path, text, store.account, VOLC_ACCESSKEY="AKother", VOLC_SECRETKEY="x", VOLCENGINE_SESSION_TOKEN="STS"
    )
    async with links_of(settings, set_clock) as links:
        assert (await fetch((await links.link(REF, key_file("a.mp4"))).url)).status == 200


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("rec/a.m3u8", HLS_NOTE),
        ("rec/../a.mp4", DOTS_NOTE),
        ("./a.m3u8", f"{HLS_NOTE} {DOTS_NOTE}"),
        ("rec/a..b/.c.mp4", None),
        ("a.ts", None),
    ],
)
async def test_what_has_to_be_known_of_a_link(
    tmp_path: Path, store: FakeStore, set_clock: SetClock, key: str, note: str | None
) -> None:
    async with links_of(settings_with(tmp_path, text_for("tos", store), store.account), set_clock) as links:
        assert (await links.link(REF, key_file(key))).note == note


async def test_a_playlist_opens_and_its_segments_do_not(tmp_path: Path, store: FakeStore, set_clock: SetClock) -> None:
    async with links_of(settings_with(tmp_path, text_for("tos", store), store.account), set_clock) as links:
        link = await links.link(REF, key_file("rec/a.m3u8"))
    answer = await fetch(link.url)
    assert answer.body == PLAYLIST
    segment = link.url.partition("?")[0].replace("a.m3u8", "segment-000.ts")
    assert (await fetch(segment)).status == 403


async def test_the_first_rule_that_fits_is_followed(tmp_path: Path, set_clock: SetClock) -> None:
    text = """
        [[storage]]
        kind = "template"
        app = "prod"
        prefix = "rec/"
        url = "https://one.example.com/{object_key}"
        [[storage]]
        kind = "template"
        prefix = "rec/"
        url = "https://two.example.com/{object_key}"
        [[storage]]
        kind = "template"
        url = "https://three.example.com/{vid}"
    """
    files = {"rec/": key_file("rec/a.mp4"), "": key_file("a.mp4"), "vid": RecordingFile(vid="v0")}
    found = {}
    async with links_of(settings_with(tmp_path, text, Account()), set_clock) as links:
        for app in (PROD, STAGING):
            for name, file in files.items():
                ref = TaskRef(app, "r", "t")
                found[app.name, name] = links.can_link(ref, file) and (await links.link(ref, file)).url
    assert found == {
        ("prod", "rec/"): "https://one.example.com/rec/a.mp4",
        ("staging", "rec/"): "https://two.example.com/rec/a.mp4",
        ("prod", ""): False,
        ("staging", ""): False,
        ("prod", "vid"): "https://three.example.com/v0",
        ("staging", "vid"): "https://three.example.com/v0",
    }


async def test_without_a_store_there_is_no_link_and_why_is_said(tmp_path: Path, set_clock: SetClock) -> None:
    async with links_of(settings_with(tmp_path, "", Account()), set_clock) as links:
        assert not links.can_link(REF, key_file("a.mp4"))
        with pytest.raises(LinkUnavailable, match="no link to this file") as refused:
            await links.link(REF, key_file("a.mp4"))
    assert "[[storage]]" in refused.value.meaning
    assert refused.value.advice


async def test_no_print_of_a_link_shows_its_address(tmp_path: Path, store: FakeStore, set_clock: SetClock) -> None:
    async with links_of(settings_with(tmp_path, text_for("tos", store), store.account), set_clock) as links:
        link = await links.link(REF, key_file("a.mp4"))
        assert "Signature" not in repr(link)
        assert store.account.secret_key not in repr(links.rules)


async def test_a_video_is_there_whatever_a_recording_is_called(
    tmp_path: Path, store: FakeStore, set_clock: SetClock
) -> None:
    async with links_of(settings_with(tmp_path, text_for("tos-domain", store), store.account), set_clock) as links:
        answer = await fetch((await links.link(REF, key_file("rec/2026/11/any.mp4"))).url)
    assert (answer.body, answer.headers["Content-Type"]) == (video(), "video/webm")
