"""`rectask-fake-slack`: the stand-in for Slack alone, for any app that is made with Bolt."""

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path

from bot.playground.clock import PlayClock
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.stage import SlackStage
from bot.playground.stage import Stage
from bot.playground.trace import Trace

_PORT = 8323
# What apps of other people's subscribe to besides; what somebody says is not sent to an app that did not ask for it.
_EVENTS = {"message", "app_mention"}


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="rectask-fake-slack", description=__doc__)
    parser.add_argument("--port", type=int, default=_PORT, help=f"the port on 127.0.0.1 (default {_PORT})")
    parser.add_argument("--headless", action="store_true", help="without the page, for programs only")
    parser.add_argument("--request-url", help="where the app is reached over HTTP, when it has no socket")
    parser.add_argument("--name", default="App", help="what the app is called on the page (default App)")
    said = parser.parse_args()
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(said.port, is_headless=said.headless, request_url=said.request_url, name=said.name))
    except (OSError, OverflowError):
        parser.exit(1, f"{parser.prog}: port {said.port} is taken or cannot be used; name another with --port\n")


async def _serve(port: int, *, is_headless: bool, request_url: str | None, name: str) -> None:
    clock = PlayClock()
    trace = Trace(clock)
    page = None if is_headless else Path(__file__).with_name("page")
    slack = FakeSlack(clock=clock, page=page, trace=trace, commands=None, app_name=name)
    slack.events |= _EVENTS
    slack.request_url = request_url
    slack.add_routes(Stage(trace, clock, slack=SlackStage(slack)).routes())
    async with open_fake_slack(slack, port=port):
        print(_how_to_use(slack, is_headless=is_headless), flush=True)
        await asyncio.Event().wait()


def _how_to_use(slack: FakeSlack, *, is_headless: bool) -> str:
    page = "" if is_headless else " That is also the address of its page."
    return f"""A stand-in for Slack is at {slack.url}.{page} Start the app with

  export SLACK_API_URL={slack.api_url}
  export SLACK_BOT_TOKEN={slack.bot_token}
  export SLACK_APP_TOKEN={slack.app_token}
  export SLACK_SIGNING_SECRET={slack.signing_secret}

and give its WebClient the address: WebClient(token=…, base_url=os.environ["SLACK_API_URL"]). Ctrl-C ends it."""


if __name__ == "__main__":
    main()
