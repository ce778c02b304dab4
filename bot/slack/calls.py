"""One call of Slack's Web API for a person who waits: its time limit, and what its failure means.

What its failures mean stands in one table, in `delivery`. A call that changes nothing when it is made twice is made
twice; a post is not, for its answer may have been lost after Slack had carried it out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from slack_sdk.errors import SlackApiError

from bot.notices.messenger import DeliveryError, OutcomeUnknown, Retryable, SlackUnavailable
from bot.slack.errors import error_of, meaning_of

T = TypeVar("T")

_PAUSE = 0.2


class SlackFailed(Exception):
    """Slack did not do what it was asked to, or did not say so. `effect` tells the person how things stand now."""

    def __init__(self, method: str, failure: Exception, *, meaning: DeliveryError, effect: str) -> None:
        super().__init__(f"{method}: {meaning.reason}")
        self.method = method
        self.meaning = meaning
        self.effect = effect
        self.code = error_of(failure) if isinstance(failure, SlackApiError) else None

    @property
    def is_unconfirmed(self) -> bool:
        """Whether Slack may have done it."""
        return isinstance(self.meaning, OutcomeUnknown)

    @property
    def is_out_of_reach(self) -> bool:
        return isinstance(self.meaning, SlackUnavailable)

    @property
    def is_unusable(self) -> bool:
        """Whether Slack answered, and left out what it was asked for."""
        return type(self.meaning) is Retryable

    @property
    def pause(self) -> float | None:
        """For how many seconds Slack wants to be left alone; None where that is not what is wrong."""
        after = self.meaning.after
        return None if after is None else after.total_seconds()


def slack_failed(method: str, failure: Exception, *, effect: str, once: bool = False) -> SlackFailed:
    """What the failure of a call is to a person."""
    return SlackFailed(method, failure, meaning=meaning_of(failure, is_post=once), effect=effect)


async def called(method: str, call: Callable[[], Awaitable[T]], *, within: float, effect: str, once: bool = False) -> T:
    """Slack's answer; raises SlackFailed, with `effect`. `once` is for what must not happen twice, such as a post."""
    try:
        async with asyncio.timeout(within):
            return await (call() if once else _call_twice(call))
    except Exception as failure:  # slack_sdk lets AttributeError and the like escape over odd answers
        raise slack_failed(method, failure, effect=effect, once=once) from failure


async def _call_twice(call: Callable[[], Awaitable[T]]) -> T:
    try:
        return await call()
    except Exception as failure:
        if not _may_pass_at_once(meaning_of(failure, is_post=False)):
            raise
    await asyncio.sleep(_PAUSE)
    return await call()


def _may_pass_at_once(meaning: DeliveryError) -> bool:
    """Also for an answer that leaves out what was asked for."""
    return isinstance(meaning, SlackUnavailable) or (type(meaning) is Retryable and meaning.after is None)
