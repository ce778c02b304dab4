"""What `rectask check` says of the socket to Slack, in every way in which it can fail."""

import aiohttp
import pytest

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.socket_faults import HELLO
from bot.runtime.checks import CheckResult
from bot.slack.check import diagnose_slack
from bot.slack.connection.client import make_slack
from testing.socket_scene import now, play

OPEN = "apps.connections.open"
ENDS_WITHIN = 15.0


@pytest.mark.parametrize(
    ("method", "kind", "said", "advice"),
    [
        (OPEN, "reset_before", "could not be reached", "network and firewall"),
        (OPEN, "timeout_before", "took too long", "network and firewall"),
        (OPEN, "500_before", "could not be reached", "network and firewall"),
        (OPEN, "lacking:url", "cannot be used: url", "SLACK_API_URL"),
        (OPEN, "invalid_auth", "SLACK_APP_TOKEN: invalid_auth", "connections:write"),
        ("socket.address", "unreachable", "could not be reached", "network and firewall"),
        ("socket.address", "tls", "No secure connection", None),
        ("socket.handshake", "408", "could not be reached", "network and firewall"),
        ("socket.handshake", "silent", "took too long", "network and firewall"),
        (HELLO, "missing", "took too long", "network and firewall"),
        (HELLO, "half_open", None, None),
        (HELLO, "link_disabled", None, None),
    ],
)
def test_what_fails_is_said_in_time(method: str, kind: str, said: str | None, advice: str | None) -> None:
    """After hello all is well."""

    async def script(slack: FakeSlack) -> None:
        slack.fault(method, kind, times=None)
        began = now()
        finding = await proof_of(slack)
        assert now() - began <= ENDS_WITHIN
        assert finding.is_well == (said is None)
        assert (said or "hello") in finding.said
        assert (advice or "") in (finding.advice or "")

    play(script)


@pytest.mark.parametrize(
    ("reason", "advice"), [("link_disabled", "Switch Socket Mode on"), ("too_many_websockets", "More than ten")]
)
def test_a_socket_that_slack_ends_at_once_is_not_well(reason: str, advice: str) -> None:
    async def script(slack: FakeSlack) -> None:
        slack.fault(HELLO, f"{reason}_instead", times=None)
        finding = await proof_of(slack)
        assert not finding.is_well
        assert f"at once: {reason}" in finding.said
        assert advice in str(finding.advice)

    play(script)


async def proof_of(fake: FakeSlack) -> CheckResult:
    async with aiohttp.ClientSession() as session:
        slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session)
        findings = [each async for each in diagnose_slack(slack, app_token=fake.app_token, scopes=())]
    (found,) = [each for each in findings if each.step == "slack socket"]
    return found
