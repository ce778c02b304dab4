"""What can be arranged to go wrong with Slack, by name."""

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.socket_faults import BREAKS, HANDSHAKE
from bot.playground.slack.world import Json

FAULTS = {
    "429": "every call is answered with HTTP 429, and to wait 5 s",
    "down": "every call is answered with HTTP 503, and all sockets are dropped",
    "reset": "the next message is posted, and the connection reset instead of an answer",
    "sockets": "all sockets are reset, and so is every handshake",
}
_RETRY_AFTER = 5
_KEPT = 50


class SlackStage:
    """One fault at a time; the one that was arranged last is in force."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._fault: str | None = None

    def state(self) -> Json:
        """The fault in force, how the bot is connected, and what it did that Slack would not take, or never right."""
        return {
            "fault": self._fault if self._slack.is_faulty else None,
            "sockets": self._slack.sockets,
            "request_url": self._slack.request_url,
            "complaints": self._slack.complaints[-_KEPT:],
            "refusals": self._slack.refusals[-_KEPT:],
        }

    async def arrange(self, said: Json) -> str:
        """{fault: one of FAULTS, or null}, or what FakeSlack.fault takes: {method, kind, times, retry_after, seconds}.

        Or {request_url}: where the bot is reached over HTTP; or {sockets}: what becomes of those that are open, one of
        slack_socket_faults.BREAKS. Raises LookupError for an unknown fault.
        """
        if "request_url" in said:
            self._slack.request_url = said["request_url"]
            return f"the bot is at {said['request_url']}"
        if "sockets" in said:
            await self._slack.break_sockets(said["sockets"])
            return f"sockets: {BREAKS[said['sockets']]}"
        if "method" in said:
            self._slack.fault(**said)
            self._fault = f"{said['method']}: {said['kind']}"
            return self._fault
        fault = said["fault"]
        if fault is not None and fault not in FAULTS:
            raise LookupError(f"There is no fault {fault!r} of Slack's.")
        self._slack.heal()
        self._fault = fault
        if fault == "429":
            self._slack.fault("*", "ratelimited", times=None, retry_after=_RETRY_AFTER)
        elif fault == "down":
            self._slack.fault("*", "503_before", times=None)
            await self._slack.drop_sockets()
        elif fault == "reset":
            self._slack.fault("chat.postMessage", "reset_after")
        elif fault == "sockets":
            self._slack.fault(HANDSHAKE, "reset", times=None)
            await self._slack.break_sockets("reset")
        return FAULTS[fault] if fault else "Slack is well again"
