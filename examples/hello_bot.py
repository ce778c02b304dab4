"""The bot that Bolt's own guide begins with: it answers hello with a button, and says who pressed that.

Against the stand-in: in one terminal `.venv/bin/rectask-fake-slack`, in another what that prints, and
`.venv/bin/python examples/hello_bot.py`; then say hello on its page. Against Slack itself, the same
without SLACK_API_URL.
"""

import os
from typing import Any

from slack_bolt import Ack, App, Say
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

SLACK = "https://slack.com/api/"

# The one line that differs from the guide: the client knows where Slack is.
client = WebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ.get("SLACK_API_URL", SLACK))
app = App(client=client, signing_secret=os.environ.get("SLACK_SIGNING_SECRET"))


@app.message("hello")
def message_hello(message: dict[str, Any], say: Say) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Click me"}, "action_id": "button_click"}
    words = f"Hey there <@{message['user']}>!"
    say(text=words, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": words}, "accessory": button}])


@app.action("button_click")
def action_button_click(body: dict[str, Any], ack: Ack, say: Say) -> None:
    ack()
    say(f"<@{body['user']['id']}> clicked the button")


@app.command("/echo")
def repeat_text(ack: Ack, command: dict[str, Any]) -> None:
    ack(command["text"])


if __name__ == "__main__":
    if app_token := os.environ.get("SLACK_APP_TOKEN"):
        SocketModeHandler(app, app_token).start()  # type: ignore[no-untyped-call]  # Bolt's
    else:
        app.start(port=int(os.environ.get("PORT", "3000")))
