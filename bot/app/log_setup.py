"""The log: one line an event on standard error, as text or as JSON, never with a secret in it."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Libraries that log each request or statement, or what they received.
_TOO_TALKATIVE = ("httpx", "httpcore", "aiohttp.access", "asyncio", "aiosqlite", "sqlalchemy", "alembic", "psycopg")
# Slack's log bodies, addresses that anybody can post to (response_url) and more; the listeners say what matters.
_NOT_TO_BE_HEARD = ("slack_bolt", "slack_sdk")


class Stream(Protocol):
    """What lines are written to."""

    def write(self, line: str, /) -> object: ...

    def flush(self) -> object: ...


def configure_logs(*, level: str, as_json: bool, secrets: Iterable[str], stream: Stream | None = None) -> None:
    """Send what structlog and the standard library log to one handler; every occurrence of a secret is masked."""
    mask = Mask(secrets)
    handler: logging.StreamHandler[Stream] = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if as_json else []),
                mask.values,
                # Plain tracebacks: the renderer's own choice would print the local variables, secrets among them.
                structlog.processors.JSONRenderer(ensure_ascii=False)
                if as_json
                else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
                mask.line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _NOT_TO_BE_HEARD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        # Who logs is not told, and to find it out took as long as all else of a line that the level leaves out.
        logger_factory=lambda *_: root,
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=False,
    )


def _shared_processors() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


class Mask:
    """Secrets taken out twice: of each value before it is rendered, and of the finished line.

    A renderer escapes quotes and backslashes, and a secret that has some would not be found in the line as it is.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms_of(secret)}
        # The longest first, so that none is cut up by a shorter one.
        self._secret = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def text(self, text: str) -> str:
        """Without secrets."""
        return text if self._secret is None else self._secret.sub("[secret]", text)

    def values(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """A processor in front of the renderer."""
        return {name: value if name == "exc_info" else self._masked(value) for name, value in event.items()}

    def line(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        """The last processor, which sees the finished line: whatever way a secret took, it does not get out."""
        return self.text(str(line))  # type: ignore[return-value]  # a renderer's result is a str, which structlog's types do not know

    def _masked(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode(errors="backslashreplace"))
            case dict():
                return {self._masked(name): self._masked(part) for name, part in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._masked(part) for part in value]
            case None | bool() | int() | float():
                return value
        return self.text(str(value)) if isinstance(value, BaseException) else value


def _forms_of(secret: str) -> set[str]:
    """As it is, as JSON and Python would quote it, and as it stands in a URL."""
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    escaped = {secret.replace("\\", "\\\\"), json.dumps(repr(secret)[1:-1])[1:-1]}
    return {secret, quote(secret, safe=""), quote_plus(secret), *quoted, *escaped}
