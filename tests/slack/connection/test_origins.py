"""Where an answer may be sent: to Slack, whatever the payload says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.webhook.async_client import AsyncWebhookClient
from structlog.typing import EventDict

from bot.playground.slack.world import C_ONCALL, T_HOME, U_ANA
from bot.slack.connection.client import open_session
from bot.slack.connection.origins import RedirectRefused, leads_to_slack
from testing.conversation import until_ready
from testing.harness import open_office

SLACK = "https://slack.com/api/"
STAND_IN = "http://127.0.0.1:8080/api/"


@pytest.mark.parametrize(
    ("url", "api_url", "may"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", SLACK, True),
        ("https://hooks.slack.com:443/commands/T1/2/x", SLACK, True),
        ("https://HOOKS.slack.com/commands/T1/2/x", SLACK, True),
        ("https://slack.com/x", SLACK, True),
        ("http://127.0.0.1:8080/hooks/x", STAND_IN, True),
        ("http://127.0.0.1:8081/hooks/x", STAND_IN, False),
        ("https://127.0.0.1:8080/hooks/x", STAND_IN, False),
        ("http://hooks.slack.com/commands/T1/2/x", SLACK, False),
        ("https://hooks.slack.com:8443/x", SLACK, False),
        ("https://hooks.slack.com.example.com/x", SLACK, False),
        ("https://example.com/hooks.slack.com", SLACK, False),
        ("https://hooks.slack.com@example.com/x", SLACK, False),
        ("https://example.com\\@hooks.slack.com/x", SLACK, False),
        ("https://hooks.slack.com\n.example.com/x", SLACK, False),
        ("https://hooks.slаck.com/x", SLACK, False),  # its a is Cyrillic
        ("http://169.254.169.254/latest/meta-data", SLACK, False),
        ("file:///etc/passwd", SLACK, False),
        ("//hooks.slack.com/x", SLACK, False),
        ("https://[::1", SLACK, False),
        ("", SLACK, False),
    ],
)
def test_an_answer_goes_to_slack_alone(url: str, api_url: str, may: bool) -> None:
    assert leads_to_slack(url, api_url=api_url) is may


@asynccontextmanager
async def listening(status: int, **headers: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server, and what was sent to it."""
    received: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        received.append(await request.text())
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/hook", receive)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook")), received


def pressed(response_url: str) -> bytes:
    """Somebody's list, refreshed: the answer goes through the response_url in any case."""
    payload = {
        "type": "block_actions",
        "team": {"id": T_HOME},
        "user": {"id": U_ANA, "team_id": T_HOME},
        "channel": {"id": C_ONCALL},
        "container": {"type": "message", "is_ephemeral": True},
        "actions": [{"type": "button", "action_id": "rectask.list", "block_id": "x", "value": "x"}],
        "response_url": response_url,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def test_a_foreign_response_url_gets_no_card(logged: list[EventDict]) -> None:
    async with listening(200) as (url, received), open_office(door="http") as office:
        await until_ready(office)
        body = pressed(url)
        assert (await office.slack.post_to_bot(body, office.slack.sign(body))).acked
        await office.end()
    assert received == []
    assert "response_url.refused" in [each["event"] for each in logged]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    async with (
        listening(200) as (thief, received),
        listening(status, Location=thief) as (url, asked),
        open_session() as session,
    ):
        with pytest.raises(RedirectRefused):
            await AsyncWebhookClient(url, session=session, retry_handlers=[]).send(text="a card")
    assert (len(asked), received) == (1, [])
