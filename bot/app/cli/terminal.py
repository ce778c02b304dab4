"""Words on a terminal: colour only there, and nothing from outside that could steer it."""

import os
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from bot.slack.cards.mrkdwn import cut
from bot.slack.cards.mrkdwn import visible as inert

__all__ = ["Terminal", "inert"]

_WIDTH_OF_PROSE = 100
# What was said elsewhere may be of any length, and textwrap copies the rest of a long word for each line of it.
_PROSE_AT_MOST = 5_000
_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command prints."""

    stream: TextIO
    colours: bool

    @classmethod
    def on(cls, stream: TextIO, *, no_color: bool) -> "Terminal":
        """Colours only where somebody looks at it, and did not ask for none."""
        return cls(stream, colours=stream.isatty() and not no_color)

    def paint(self, text: str, *styles: str) -> str:
        """The text in these styles, where colours are wanted."""
        if not self.colours or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def print(self, *lines: str) -> None:
        """Print lines. Where nobody reads them any more (a closed pipe) that is no failure; a full disk is."""
        try:
            self.stream.write("".join(f"{line}\n" for line in lines))
            self.stream.flush()
        except OSError as failure:
            # As the Python documentation advises, so that the flush at exit does not fail too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if not isinstance(failure, BrokenPipeError):
                raise SystemExit(f"rectask: the output cannot be written: {failure.strerror}.") from failure

    def prose(self, text: str, *, indent: str = "") -> Iterable[str]:
        """A sentence, wrapped to the terminal's width; left whole where the output is not a terminal."""
        if not self.stream.isatty():
            return [indent + text]
        width = min(shutil.get_terminal_size().columns, _WIDTH_OF_PROSE)
        text, width = cut(text, _PROSE_AT_MOST), max(width, 40)
        return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
