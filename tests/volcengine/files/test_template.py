"""Patterns of addresses: each part is escaped for its place."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.file_link import LinkUnavailable
from bot.recording.task import RecordingFile
from bot.recording.task_ref import ID_RULE, RtcApp, TaskRef
from bot.volcengine.files.template import TemplateStore

REF = TaskRef(RtcApp("prod", "661e0000000000000000543c"), "room@1", "task.1")
FILE = RecordingFile(object_key="a b/c?d#e%f&g=h+i.mp4", vid="v0*")


def store_of(url: str) -> TemplateStore:
    return TemplateStore(name="template", origin="https://files.example.com", url=url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("/{object_key}", "/a%20b/c%3Fd%23e%25f%26g%3Dh%2Bi.mp4"),
        ("/x?key={object_key}&y=1", "/x?key=a%20b%2Fc%3Fd%23e%25f%26g%3Dh%2Bi.mp4&y=1"),
        ("/x#/{object_key}", "/x#/a%20b%2Fc%3Fd%23e%25f%26g%3Dh%2Bi.mp4"),
        ("/{app}/{room}/{task}/{vid}", "/prod/room%401/task.1/v0%2A"),
        ("/{app}?room={room}&task={task}#{vid}", "/prod?room=room%401&task=task.1#v0%2A"),
        ("?v={vid}", "?v=v0%2A"),
        ("/{room}{room}", "/room%401room%401"),
    ],
)
async def test_each_part_is_escaped_for_its_place(pattern: str, url: str) -> None:
    link = await store_of("https://files.example.com" + pattern).link(REF, FILE)
    assert link.url == "https://files.example.com" + url
    assert (link.expires_at, link.note) == (None, None)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
async def test_any_key_is_read_back_from_its_place(key: str) -> None:
    store = store_of("https://files.example.com/x?key={object_key}&y=1")
    parts = urlsplit((await store.link(REF, RecordingFile(object_key=key))).url)
    assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {"key": [key], "y": ["1"]}
    assert (parts.netloc, parts.path, parts.fragment) == ("files.example.com", "/x", "")
    if {".", ".."}.isdisjoint(key.split("/")):
        url = (await store_of("https://files.example.com/f/{object_key}").link(REF, RecordingFile(object_key=key))).url
        assert unquote(url) == f"https://files.example.com/f/{key}"


@pytest.mark.parametrize("key", ["..", "../../admin", "a/./b", "a/.."])
async def test_a_name_that_a_browser_would_make_something_else_of(key: str) -> None:
    with pytest.raises(LinkUnavailable) as refused:
        await store_of("https://files.example.com/rec/{object_key}").link(REF, RecordingFile(object_key=key))
    assert "open something else" in refused.value.meaning
    assert (await store_of("https://files.example.com/?k={object_key}").link(REF, RecordingFile(object_key=key))).url


async def test_a_room_may_be_called_so_too() -> None:
    assert "." in ID_RULE
    with pytest.raises(LinkUnavailable):
        await store_of("https://files.example.com/{room}/x").link(TaskRef(REF.app, "..", "t"), FILE)


@pytest.mark.parametrize(
    ("pattern", "file", "holds"),
    [
        ("{object_key}", RecordingFile(vid="v0"), False),
        ("{object_key}", RecordingFile(object_key="a"), True),
        ("{vid}", RecordingFile(object_key="a"), False),
        ("{vid}", RecordingFile(vid="v0"), True),
        ("{vid}{object_key}", RecordingFile(vid="v0"), False),
        ("{task}", RecordingFile(), True),
    ],
)
def test_which_files_it_is_for(pattern: str, file: RecordingFile, holds: bool) -> None:
    assert store_of(f"https://files.example.com/{pattern}").holds(file) is holds
