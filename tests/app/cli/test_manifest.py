"""`rectask manifest`: the file in the repository is what it prints, and what matters is in it."""

from pathlib import Path

import pytest
import yaml

from bot.app.cli import main
from bot.slack.manifest import EVENTS, SCOPES

ROOT = Path(__file__).parents[3]


def test_the_file_is_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest"]) == 0
    assert capsys.readouterr().out == (ROOT / "manifest.yml").read_text()


def test_over_http(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--http", "https://rectask.example.com/"]) == 0
    manifest = yaml.safe_load(capsys.readouterr().out)
    url = "https://rectask.example.com/slack/events"
    assert manifest["settings"]["interactivity"] == {"is_enabled": True, "request_url": url}
    assert manifest["features"]["slash_commands"][0]["url"] == url
    assert manifest["settings"]["event_subscriptions"]["request_url"] == url
    assert manifest["settings"]["socket_mode_enabled"] is False


def test_what_matters_in_it() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert manifest["features"]["slash_commands"][0]["should_escape"] is False
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert manifest["settings"]["event_subscriptions"] == {"bot_events": list(EVENTS)}


def test_people_can_be_written_to_and_see_the_home_tab() -> None:
    """A messages tab that is switched off refuses every notice."""
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }


def test_the_readme_gives_the_reason_for_each_scope() -> None:
    readme = (ROOT / "README.md").read_text().replace("`", "")
    assert not [scope for scope, reason in SCOPES.items() if f"| {scope} | {reason} |" not in readme]


@pytest.mark.parametrize("url", ["rectask.example.com", "http://example.com", "https://", "https://a/b", "https://a b"])
def test_an_address_that_slack_can_not_reach(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--http", url]) == 2
    assert "Example: --http https://rectask.example.com" in capsys.readouterr().err
