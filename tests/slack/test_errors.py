"""What Slack's answers mean for a notice: a row for each."""

from datetime import timedelta

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from bot.notices.messenger import (
    AppNotAuthorized,
    DeliveryError,
    OutcomeUnknown,
    RecipientGone,
    Retryable,
    SlackUnavailable,
    Undeliverable,
    Unexpected,
)
from bot.slack.errors import (
    PUT_OFF_AT_MOST,
    TABLE,
    TOKEN_IS_DEAD,
    UNCERTAIN,
    CardRefused,
    ThreadGone,
    meaning_of,
    pause_of,
)


class Answer:
    """As much of slack_sdk's response as an error has."""

    def __init__(self, data: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.data, self.status_code, self.headers = data, status, headers or {}


def meaning(answer: Answer, *, is_post: bool = True) -> DeliveryError:
    return meaning_of(SlackApiError("The request failed.", answer), is_post=is_post)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("code", sorted(TOKEN_IS_DEAD))
def test_a_dead_token_is_nobodys_fault(code: str) -> None:
    assert type(meaning(Answer({"ok": False, "error": code}))) is AppNotAuthorized


@pytest.mark.parametrize("code", sorted(TABLE))
@pytest.mark.parametrize("is_post", [True, False])
def test_every_row_names_its_code_for_whoever_searches_for_it(code: str, *, is_post: bool) -> None:
    kind, words = TABLE[code]
    meant = meaning(Answer({"ok": False, "error": code}), is_post=is_post)
    assert type(meant) is kind
    assert meant.reason == f"{words} ({code})"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("user_not_found", RecipientGone),
        ("user_disabled", RecipientGone),
        ("channel_not_found", RecipientGone),
        ("cannot_dm_bot", RecipientGone),
        ("messages_tab_disabled", AppNotAuthorized),
        ("missing_scope", AppNotAuthorized),
        ("restricted_action", Undeliverable),
        ("is_archived", Undeliverable),
        ("invalid_blocks", CardRefused),
        ("msg_blocks_too_long", CardRefused),
        ("metadata_too_large", CardRefused),
        ("thread_not_found", ThreadGone),
        ("team_added_to_org", SlackUnavailable),
        ("rate_limited", Retryable),
        ("some_new_error", Unexpected),
    ],
)
def test_what_a_code_means(code: str, kind: type[DeliveryError]) -> None:
    meant = meaning(Answer({"ok": False, "error": code}))
    assert type(meant) is kind
    assert code in meant.reason


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer({"ok": False, "error": code}) for code in sorted(UNCERTAIN)),
        Answer({"ok": False, "error": "channel_not_found"}, 500),
        Answer("<html>", 502),
        Answer({}, 503),
        Answer({}, 200),
        Answer(None, 200),
        Answer(b"", 404),
    ],
)
def test_what_may_have_been_done_is_doubtful_for_a_post_and_harmless_for_reading(answer: Answer) -> None:
    assert type(meaning(answer)) is OutcomeUnknown
    assert type(meaning(answer, is_post=False)) is SlackUnavailable


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (aiohttp.ConnectionTimeoutError(), SlackUnavailable),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown),
        (aiohttp.ClientPayloadError(), OutcomeUnknown),
        (aiohttp.ClientOSError(104, "reset"), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
        (AttributeError("a text has no attribute get"), OutcomeUnknown),
    ],
)
def test_what_breaks_on_the_way(failure: Exception, kind: type[DeliveryError]) -> None:
    assert type(meaning_of(failure, is_post=True)) is kind
    assert type(meaning_of(failure, is_post=False)) is SlackUnavailable


def test_a_pause_is_as_long_as_slack_says() -> None:
    meant = meaning(Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "30"}))
    assert (type(meant), meant.after) == (Retryable, timedelta(seconds=30))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0", 0), ("30", 30), ("1.5", 1.5), ("999999999999", 3_600), ("", None), ("soon", None), ("-1", None)],
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert pause_of({"retry-after": said}) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.dictionaries(st.sampled_from(["Retry-After", "RETRY-AFTER", "x"]), st.text() | st.floats().map(str)))
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    pause = pause_of(headers)
    assert pause is None or timedelta() <= pause <= PUT_OFF_AT_MOST


CODES = st.sampled_from([*TABLE, *UNCERTAIN, "new"])
BODIES = st.none() | st.text() | st.binary() | st.dictionaries(st.sampled_from(["ok", "error"]), CODES)


@given(BODIES, st.integers(100, 599), st.booleans())
def test_whatever_is_answered_means_something(body: object, status: int, is_post: bool) -> None:
    meant = meaning(Answer(body, status), is_post=is_post)
    assert isinstance(meant, DeliveryError)
    assert is_post or not isinstance(meant, OutcomeUnknown)
    assert meant.reason
