"""The README as a newcomer reads it: from top to bottom, on a narrow screen."""

from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_every_line_fits_120_characters() -> None:
    assert not [line for line in README.splitlines() if len(line) > 120]


def test_rectask_is_installed_before_it_is_called() -> None:
    calls = [line for line in README.splitlines() if line.lstrip().startswith(".venv/bin/rectask")]
    assert calls
    assert README.index(".venv/bin/pip install --constraint constraints.txt .\n") < README.index(calls[0])


def test_sections_stand_in_the_order_of_use() -> None:
    headings = [line.removeprefix("## ") for line in README.splitlines() if line.startswith("## ")]
    assert headings == [
        "Try it without an account",
        "Set it up in a workspace",
        "In Slack",
        "In a terminal",
        "Settings",
        "Scopes",
        "Work on it",
    ]
