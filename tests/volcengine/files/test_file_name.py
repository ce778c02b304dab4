"""The name under which a file is kept, and the header that carries it."""

import email.message
import email.policy
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.volcengine.files.file_name import disposition, download_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rec/2026/Task1_Room1_user@1_C.mp4", "Task1_Room1_user@1_C.mp4"),
        ("a.mp4", "a.mp4"),
        ("rec/录制 1.mp4", "录制 1.mp4"),
        ("rec/", "recording"),
        ("rec/..", "recording"),
        (". .", "recording"),
        ("rec/.bashrc", "bashrc"),
        ('a";filename="b.exe', "a__filename=_b.exe"),
        ("a\r\nSet-Cookie: x.mp4", "a__Set-Cookie_ x.mp4"),
        ("a\u202egpj.mp4", "a_gpj.mp4"),
        ("a\\b:c*d?e<f>g|h%2Fi.mp4", "a_b_c_d_e_f_g_h_2Fi.mp4"),
        ("x" * 200 + ".mp4", "x" * 96 + ".mp4"),
        ("录" * 100 + ".m3u8", "录" * 31 + ".m3u8"),
        ("x" * 200, "x" * 100),
        ("a." + "x" * 200, "a." + "x" * 98),
    ],
)
def test_a_name_in_which_nothing_is_live(key: str, name: str) -> None:
    assert download_name(key) == name


def test_the_header_has_the_name_for_old_and_new_readers() -> None:
    assert disposition("录制 1+.mp4") == (
        "inline; filename=\"__ 1+.mp4\"; filename*=UTF-8''%E5%BD%95%E5%88%B6%201%2B.mp4"
    )


@given(st.text(st.characters(codec="utf-8")))
def test_any_name_is_read_back_by_a_reader_of_headers(key: str) -> None:
    name = download_name(key)
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    read = email.message.EmailMessage(policy=email.policy.HTTP)
    read["Content-Disposition"] = header
    assert unquote(header.partition("UTF-8''")[2]) == name
    assert read["Content-Disposition"].content_disposition == "inline"
    assert 0 < len(name.encode()) <= 100
    assert not name.startswith(".")
