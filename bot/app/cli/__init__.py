"""The console script: parses what was typed, and imports what a command needs when that command runs."""

import argparse
import contextlib
import gc
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from bot import __version__
from bot.access.audit.record import AuditedAction, Outcome

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no other name

USAGE = 2
SETTINGS = 78
# What a shell reports for a program that Ctrl-C ended (128 + SIGINT).
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _make_streams_safe()
    try:
        arguments = _parser().parse_args(argv)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _empty_streams()


def _empty_streams() -> None:
    """Write what is left, as the interpreter would, but without its exit code 120: a closed pipe is no failure."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as failure:
            # As the Python documentation advises, so that the flush at exit does not fail too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if not isinstance(failure, BrokenPipeError):
                raise SystemExit(f"rectask: the output cannot be written: {failure.strerror}.") from failure


def _make_streams_safe() -> None:
    """A stream that is closed becomes one that nobody reads; what a stream's encoding lacks is written as its code."""
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rectask", description="What became of a cloud recording in Volcengine RTC.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"rectask {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    # In the order in which somebody needs them.
    _add_playground(commands)
    _add_manifest(commands)
    _add_check(commands)
    _add_serve(commands)
    _add_show(commands)
    _add_audit(commands)
    _add_purge(commands)
    return parser


def _add_show(commands: Commands) -> None:
    show = commands.add_parser(
        "show",
        help="look a recording up",
        description="Look a recording up by its room and task.",
        epilog="exit codes: 0 found, 2 usage, 3 not found, 4 refused (bad credentials too), 5 unavailable, "
        "78 settings; with --check also 6 recorded, but something is wrong, 7 nothing recorded",
    )
    show.add_argument("room", metavar="ROOM", help="the room id")
    show.add_argument("task", metavar="TASK", help="the id that the recording was started with")
    show.add_argument("--app", metavar="NAME", help="the RTC app, where RECTASK_APPS names several; default: the first")
    show.add_argument("--json", action="store_true", help="print JSON (docs/show.schema.json), errors too")
    show.add_argument(
        "--check", action="store_true", help="end with 6 where something is wrong, with 7 where nothing was recorded"
    )
    show.set_defaults(run=_show)


def _add_audit(commands: Commands) -> None:
    audit = commands.add_parser(
        "audit",
        help="search the record of who did what",
        description="Search the record of who did what, the newest first.",
        epilog="exit codes: 0, 2 usage, 69 the database is not there, does not answer or is too new, 78 settings",
    )
    audit.add_argument("--json", action="store_true", help="print one record a line as JSON (docs/audit.md)")
    audit.add_argument("--person", metavar="U…", help="of this person, by the id that Slack has for them")
    audit.add_argument("--room", metavar="R", help="about this room")
    audit.add_argument("--task", metavar="T", help="about this task")
    audit.add_argument("--app", metavar="A", help="about this RTC app")
    audit.add_argument(
        "--what", choices=[deed.value for deed in AuditedAction], help="what was done: %(choices)s", metavar="DEED"
    )
    audit.add_argument(
        "--outcome",
        choices=[outcome.value for outcome in Outcome],
        help="what came of it: %(choices)s",
        metavar="OUTCOME",
    )
    audit.add_argument("--since", metavar="WHEN", help="from then on: 30m, 24h or 7d ago, or 2026-11-22T12:00")
    audit.add_argument("--until", metavar="WHEN", help="before then")
    audit.add_argument("--limit", type=int, default=100, metavar="N", help="so many (default: %(default)s); 0 for all")
    audit.set_defaults(run=_audit)


def _add_purge(commands: Commands) -> None:
    purge = commands.add_parser(
        "purge",
        help="delete what is stored about a person",
        description="Delete every row about a person, but for the record of what they did.",
        epilog="exit codes: 0, 2 usage, 69 the database is not there, does not answer or is too new, 78 settings",
    )
    purge.add_argument("user_id", metavar="USER_ID", help="the id that Slack has for them: U024BE7LH")
    purge.add_argument("--team", metavar="TEAM_ID", help="in this workspace only: T024BE7LH; default: in all")
    purge.set_defaults(run=_purge)


def _add_playground(commands: Commands) -> None:
    playground = commands.add_parser(
        "playground",
        help="try the bot on this machine, without any account",
        description="Run the whole bot between stand-ins for Slack and RTC, and a page to use it, until Ctrl-C.",
    )
    playground.add_argument(
        "--port", type=int, metavar="N", help="the page's port (default: 8321 or the next free one)"
    )
    playground.add_argument("--headless", action="store_true", help="without the page")
    playground.set_defaults(run=_playground)


def _add_manifest(commands: Commands) -> None:
    manifest = commands.add_parser(
        "manifest", help="print the Slack app manifest", description="Print the Slack app manifest, for Socket Mode."
    )
    manifest.add_argument("--http", metavar="URL", help="for requests over HTTP to this address, such as https://host")
    manifest.set_defaults(run=_manifest)


def _add_check(commands: Commands) -> None:
    check = commands.add_parser(
        "check",
        help="prove settings, credentials and connections",
        description="Prove settings, credentials and connections, a line each, and say how to mend what fails.",
        epilog="exit codes: 0 all is well, 1 something fails, 2 usage, 78 settings",
    )
    check.set_defaults(run=_check)


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser(
        "serve",
        help="run the Slack bot",
        description="Run the Slack bot: over a socket when SLACK_APP_TOKEN is set, over HTTP otherwise.",
        epilog="exit codes: 0 after SIGTERM or Ctrl-C, 2 usage, 69 Slack refuses the token or the database is too new, "
        "78 settings",
    )
    serve.set_defaults(run=_serve)


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Modules are no garbage, and looking for some while they are imported took a fifth of the start (measured)."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _show(arguments: argparse.Namespace) -> int:
    with _importing():
        from bot.app.cli.show import show

    return show(
        arguments.room,
        arguments.task,
        app_name=arguments.app,
        as_json=arguments.json,
        is_check=arguments.check,
    )


def _audit(arguments: argparse.Namespace) -> int:
    from bot.app.cli.audit import audit

    return audit(arguments)


def _purge(arguments: argparse.Namespace) -> int:
    from bot.app.cli.purge import purge

    return purge(arguments)


def _check(_arguments: argparse.Namespace) -> int:
    with _importing():
        from bot.app.cli.check import check

    return check(sys.stdout)


def _serve(_arguments: argparse.Namespace) -> int:
    with _importing():
        from bot.app.cli.serve import run

    return run()


def _manifest(arguments: argparse.Namespace) -> int:
    from bot.app.cli.manifest import run

    return run(arguments.http)


def _playground(arguments: argparse.Namespace) -> int:
    with _importing():
        from bot.app.cli.playground import run

    return run(port=arguments.port, is_headless=arguments.headless)
