"""A benchmark that fails costs its own rows alone."""

from collections.abc import Iterator

import pytest

from benchmarks.table import Claim, Part, PartFailed, print_table

FAST, SMALL = Claim("how fast", "<= 1 s"), Claim("how small", "< 9 MB")
WELL = Part((Claim("another", "reported"),), lambda: ["7"])


def rows(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()[2:]


def failing(error: Exception, *figures: str) -> Part:
    def measure() -> Iterator[str]:
        yield from figures
        raise error

    return Part((FAST, SMALL), measure)


def test_all_rows_are_printed_under_their_head(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table([Part((FAST, SMALL), lambda: ["0.5 s", "3 MB"]), WELL], measured="measured, roughly")
    assert capsys.readouterr().out.splitlines() == [
        "| what | must reach | measured, roughly |",
        "|---|---|---|",
        "| how fast | <= 1 s | 0.5 s |",
        "| how small | < 9 MB | 3 MB |",
        "| another | reported | 7 |",
    ]


def test_a_part_that_fails_costs_its_own_rows_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_table([WELL, failing(PartFailed("No module named 'psutil'")), WELL])
    assert rows(capsys) == [
        "| another | reported | 7 |",
        "| how fast | <= 1 s | FAILED: No module named 'psutil' |",
        "| how small | < 9 MB | FAILED: No module named 'psutil' |",
        "| another | reported | 7 |",
    ]


def test_what_was_measured_before_the_failure_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_table([failing(OSError("the disk is full"), "0.5 s")])
    assert rows(capsys) == [
        "| how fast | <= 1 s | 0.5 s |",
        "| how small | < 9 MB | FAILED: OSError in measure: the disk is full |",
    ]


def test_a_failure_after_the_last_figure_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_table([failing(PartFailed("it did not end"), "0.5 s", "3 MB")])
    assert rows(capsys)[-1] == "| how small | < 9 MB | FAILED: it did not end |"


def test_too_few_figures_are_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_table([Part((FAST, SMALL), lambda: ["0.5 s"])])
    assert rows(capsys)[-1].startswith("| how small | < 9 MB | FAILED: ValueError")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("\nthe first line\nthe second"), "RuntimeError in measure: the first line"),
        (AssertionError(), "AssertionError in measure"),
        (PartFailed("a | b"), "a \\| b"),
    ],
)
def test_the_reason_is_one_line_of_one_cell(error: Exception, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([failing(error)])
    assert rows(capsys)[0] == f"| how fast | <= 1 s | FAILED: {reason} |"


def test_a_long_reason_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([failing(RuntimeError("word " * 1_000))])
    assert all(len(row) < 300 for row in rows(capsys))


def test_the_whole_error_comes_after_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([failing(RuntimeError("the first line\nthe second")), WELL])
    assert "the second" in capsys.readouterr().err


def test_rows_are_printed_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def measure() -> Iterator[str]:
        seen.append(rows(capsys))
        yield "0.5 s"
        seen.append(capsys.readouterr().out.splitlines())
        yield "3 MB"

    print_table([WELL, Part((FAST, SMALL), measure)])
    assert seen == [["| another | reported | 7 |"], ["| how fast | <= 1 s | 0.5 s |"]]
