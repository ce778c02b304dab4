"""A TOML file, and the line on which each of its parts stands; the standard library's tomllib reads it.

No library was found that tells positions. So each statement is found by tomllib as well: a run of lines that is TOML by
itself is one, for a value that goes on in the next line is none before it ends.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The keys and places in lists that lead to a part: ("storage", 0, "bucket").
Path = tuple[str | int, ...]

_PLACE = re.compile(r" \((?:at line (?P<line>\d+), column \d+|at end of document)\)")
# What tomllib quotes is from the file, and may be a key that was pasted there.
_QUOTED = re.compile(r"""(['"(]).{4,}(['")])""")


class NotToml(ValueError):
    """The text is no TOML; `line` is where it ceases to be, and the message has nothing of what stands there."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What the file says, and where it says it."""

    values: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line_of(self, *path: str | int) -> int:
        """The line of this part, or of the nearest one around it that stands there; 1 for the whole file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_toml(text: str) -> TomlFile:
    """Raises NotToml."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        raise _not_toml(str(failure), text) from None
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for line, statement, is_head in _statements(text):
        if is_head:
            table = _place(statement, counts)
            here = [table[:end] for end in range(1, len(table) + 1)]
        else:
            here = [(*table, *path) for path in _paths(statement)]
        for path in here:
            lines.setdefault(path, line)
    return TomlFile(values, lines)


def _not_toml(message: str, text: str) -> NotToml:
    found = _PLACE.search(message)
    line = found["line"] if found else None
    what = _QUOTED.sub(r"\1…\2", _PLACE.sub("", message))
    return NotToml(int(line) if line else text.count("\n") + 1, what[:1].lower() + what[1:])


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """The first line of each statement, what it says by itself, and whether it is the head of a table."""
    lines = text.split("\n")
    first = 0
    for end in range(1, len(lines) + 1):
        run = "\n".join(lines[first:end])
        try:
            statement = tomllib.loads(run)
        except tomllib.TOMLDecodeError:
            continue
        if statement:
            yield first + 1, statement, run.lstrip().startswith("[")
        first = end


def _place(head: Any, counts: dict[Path, int]) -> Path:
    """Where the table of this head goes; a list's newest entry is the one that a name on the way means."""
    path: Path = ()
    while head:
        ((name, head),) = head.items()
        path = (*path, name)
        if isinstance(head, list):
            counts[path] = counts.get(path, -1) + 1
            head = head[0]
        if path in counts:
            path = (*path, counts[path])
    return path


def _paths(value: Any) -> Iterator[Path]:
    """The way to everything in a value, to what is outside first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (name,)
        yield from ((name, *rest) for rest in _paths(part))
