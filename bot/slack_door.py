"""Slack's door, of the kind that the settings ask for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.process import Process
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.http_endpoint import http_door
from bot.slack.connection.socket_endpoint import SocketDoor
from bot.slack.listeners.context import Desk
from bot.slack.listeners.register import register
from bot.web import Door

log = structlog.get_logger()


@asynccontextmanager
async def open_slack_door(process: Process, desk: Desk, door: Door) -> AsyncIterator[None]:
    """The door that the settings ask for; leaving the block lets nothing new in and waits for what is inside."""
    settings, readiness = process.settings, process.readiness
    bolt = make_bolt(desk.slack, desk.workspace)
    register(bolt, desk)
    if settings.slack_app_token is None:
        assert settings.slack_signing_secret is not None
        secret = settings.slack_signing_secret.get_secret_value()
        door.handler = http_door(bolt, signing_secret=secret, meter=desk.meter)
        readiness.is_serving, readiness.needs_clock = True, True
        log.info("door.opened", kind="http")
        try:
            yield
        finally:
            await door.close()
        return
    token = settings.slack_app_token.get_secret_value()
    socket = SocketDoor(
        bolt, app_token=token, slack=desk.slack, work=desk.work, supervisor=process.supervisor, meter=desk.meter
    )
    async with socket:
        readiness.socket = socket
        await socket.prove()
        readiness.is_serving = True
        log.info("door.opened", kind="socket")
        yield
