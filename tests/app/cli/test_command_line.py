"""The console script itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.app.cli import main

HEAVY = {"aiohttp", "httpx", "slack_bolt", "slack_sdk", "sqlalchemy", "pydantic", "structlog"}
# Where Python does not buffer its output there is nothing left to fail at the end.
BUFFERED = os.environ | {"PYTHONUNBUFFERED": ""}


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["show", "--help"], ["check", "--help"], ["audit", "--help"], ["purge", "--help"], ["--version"]],
)
def test_help_and_version_import_next_to_nothing(argv: list[str]) -> None:
    program = (
        "import sys\nfrom bot.app.cli import main\n"
        f"try: main({argv!r})\nexcept SystemExit as end: assert end.code == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert not HEAVY & set(ran.stderr.split())
    assert ran.stdout


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"rectask {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["look"], ["show"], ["show", "Room1"], ["show", "a", "b", "c"], ["check", "x"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: rectask" in capsys.readouterr().err


def test_the_commands_are_listed_in_the_order_in_which_they_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    expected = ["playground", "manifest", "check", "serve", "show", "audit", "purge"]
    assert [word for word in listed if word in expected] == expected


@pytest.mark.parametrize("option", ["--what", "--outcome"])
def test_a_word_that_is_not_understood_is_answered_in_words(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", option, "no-such-thing"])
    said = capsys.readouterr().err
    assert "no-such-thing" in said
    assert "<" not in said


@pytest.mark.parametrize("argv", [["--help"], ["manifest"], ["show", "--help"], ["--version"]])
def test_a_reader_that_has_gone_is_no_failure(argv: list[str]) -> None:
    """As in `rectask --help | head -1`."""
    reads, writes = os.pipe()
    os.close(reads)
    with subprocess.Popen(  # noqa: S603  # what is run is written here
        [sys.executable, "-m", "bot", *argv], stdout=writes, stderr=subprocess.PIPE, env=BUFFERED
    ) as command:
        os.close(writes)
        _, err = command.communicate()
    assert (command.returncode, err) == (0, b"")


def test_an_output_that_can_not_be_written_is_a_failure() -> None:
    argv = [sys.executable, "-m", "bot", "--help"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False, env=BUFFERED)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (1, b"rectask: the output cannot be written: No space left on device.\n")
