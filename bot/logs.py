"""The log: one line an event on standard error, as text or as JSON, never with a secret in it."""

import logging
import sys
from collections.abc import Iterable
from typing import Protocol

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
    handler: logging.StreamHandler[Stream] = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if as_json else []),
                # Plain tracebacks: the renderer's own choice would print the local variables, secrets among them.
                structlog.processors.JSONRenderer(ensure_ascii=False)
                if as_json
                else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
                _mask(frozenset(secret for secret in secrets if secret)),
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


def _mask(secrets: frozenset[str]) -> Processor:
    """The last processor, which sees the finished line: whatever way a secret took, it does not get out."""

    def mask(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        text = str(line)
        for secret in secrets:
            text = text.replace(secret, "[secret]")
        return text  # type: ignore[return-value]  # a renderer's result is a str, which structlog's types do not know

    return mask
