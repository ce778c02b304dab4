from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.format import format_count, format_duration, format_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (30_388_433, "30.4 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2**31 + 1, "2.1 GB"),
        (10**15, "1.0 PB"),
        (10**19, "10000.0 PB"),
    ],
)
def test_sizes_are_decimal(size: int, words: str) -> None:
    assert format_size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0.1 s"),
        (0.46, "0.4 s"),
        (0.999, "0.9 s"),
        (1.999, "1 s"),
        (462, "7 min 42 s"),
        (457.28, "7 min 37 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (10_920, "3 h 2 min"),
        (86_400 * 3 + 3600, "3 d 1 h"),
    ],
)
def test_lengths_have_two_units_at_most(seconds: float, words: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(("count", "words"), [(0, "no files"), (1, "1 file"), (2, "2 files"), (1500, "1,500 files")])
def test_counts_agree_with_their_noun(count: int, words: str) -> None:
    assert format_count(count, "file") == words


@given(st.integers(min_value=0, max_value=10**18))
def test_a_size_in_words_is_within_half_a_digit_of_it(size: int) -> None:
    number, unit = format_size(size).split()
    factor = 1000 ** ("B", "kB", "MB", "GB", "TB", "PB").index(unit)
    assert abs(float(number) * factor - size) <= factor * 0.0501
