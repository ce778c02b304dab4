"""The console script: parses what was typed, and imports what a command needs when that command runs."""

import argparse
import sys
from collections.abc import Callable, Sequence

from bot import __version__

USAGE = 2
SETTINGS = 78
# What a shell reports for a program that Ctrl-C ended (128 + SIGINT).
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rectask", description="What became of a cloud recording in Volcengine RTC.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"rectask {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    show = commands.add_parser(
        "show",
        help="look a recording up",
        description="Look a recording up by its room and task.",
        epilog="exit codes: 0 found, 2 usage, 3 not found, 4 refused (bad credentials too), 5 unavailable, 78 settings",
    )
    show.add_argument("room", metavar="ROOM", help="the room id")
    show.add_argument("task", metavar="TASK", help="the id that the recording was started with")
    show.add_argument("--app", metavar="NAME", help="the RTC app, where RECTASK_APPS names several; default: the first")
    show.add_argument("--json", action="store_true", help="print JSON (docs/show.schema.json), errors too")
    show.set_defaults(run=_show)

    check = commands.add_parser(
        "check",
        help="prove settings, credentials and connections",
        description="Prove settings, credentials and connections, a line each, and say how to mend what fails.",
        epilog="exit codes: 0 all is well, 1 something fails, 2 usage, 78 settings",
    )
    check.set_defaults(run=_check)
    return parser


def _show(arguments: argparse.Namespace) -> int:
    from bot.cli.show import show

    return show(arguments.room, arguments.task, app_name=arguments.app, as_json=arguments.json)


def _check(_arguments: argparse.Namespace) -> int:
    from bot.cli.check import check

    return check(sys.stdout)
