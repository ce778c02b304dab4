"""The recipes of CONTRIBUTING.md name files and words that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:bot|tests|testing|docs|benchmarks|soak|deploy)/[\w./-]*)`", TEXT)))
# "`FAULTS` of `bot/…`": the word stands in that file.
WORDS = sorted(set(re.findall(r"`(\w+)`(?: \([^)]*\))? (?:of|in)\s+`(bot/[\w./]+\.(?:py|js))`", TEXT)))


def test_there_are_recipes() -> None:
    assert len(PATHS) > 30
    assert len(WORDS) > 5


@pytest.mark.parametrize("path", PATHS)
def test_each_file_of_a_recipe_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("word", "path"), WORDS, ids=[f"{word} in {path}" for word, path in WORDS])
def test_each_word_of_a_recipe_stands_where_it_says(word: str, path: str) -> None:
    assert re.search(rf"\b{word}\b", (ROOT / path).read_text(encoding="utf-8"))
