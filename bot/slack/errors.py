"""What Slack's answers mean for a notice: one table, by which every failure of a call becomes a DeliveryError.

Sources: the error lists of chat.postMessage, chat.update, users.info and conversations.open at docs.slack.dev (read
November 2026). `internal_error` and `fatal_error` may come after the effect ("some aspect of the operation succeeded").
"""

import math
from collections.abc import Mapping
from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

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
from bot.slack.answers import AnswerIncomplete

# Slack names no upper bound for Retry-After, and nothing is put off for longer than this in one go. A due time that is
# further away is taken for the work of a clock that was wrong, and pulled in (``LoopConfig.farthest``).
PUT_OFF_AT_MOST = timedelta(hours=1)
_RATE_LIMITED = 429
_SERVER_FAILED = 500
# Before the first byte of the request was sent.
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


class CardRefused(Undeliverable):
    """Slack does not take the message as it is; the words alone may do."""


class ThreadGone(Undeliverable):
    """The message that is to be changed or answered cannot be, any more."""


_TOKEN = "Slack refuses the bot's token"  # noqa: S105 words
_FORBIDDEN = "Slack does not let the app do this until an admin mends it"
_CARD = "Slack refuses the message"
_THREAD = "The message that this belongs to is gone"
_ROWS: dict[type[DeliveryError], dict[str, str]] = {
    AppNotAuthorized: {
        "invalid_auth": _TOKEN,
        "not_authed": _TOKEN,
        "account_inactive": _TOKEN,
        "token_revoked": _TOKEN,
        "token_expired": _TOKEN,
        "org_login_required": _TOKEN,
        "not_allowed_token_type": _TOKEN,
        "two_factor_setup_required": _TOKEN,
        "missing_scope": _FORBIDDEN,
        "no_permission": _FORBIDDEN,
        "access_denied": _FORBIDDEN,
        "accesslimited": _FORBIDDEN,
        "ekm_access_denied": _FORBIDDEN,
        "enterprise_is_restricted": _FORBIDDEN,
        "team_access_not_granted": _FORBIDDEN,
        # A setting of the app and not of the person: all wait until it is mended, and none is lost.
        "messages_tab_disabled": "The app's messages tab is switched off, so that nobody can be written to",
    },
    SlackUnavailable: {"team_added_to_org": "The workspace is being moved into an organization"},
    Retryable: {
        "ratelimited": "Slack asks for a pause",
        "rate_limited": "Slack asks for a pause",
        "message_limit_exceeded": "The workspace sends too many messages",
    },
    RecipientGone: {
        "user_not_found": "Slack knows this person no longer",
        "users_not_found": "Slack knows this person no longer",
        "user_disabled": "This person's account is deactivated",
        "user_not_visible": "The app may not see this person",
        "channel_not_found": "Slack finds no conversation with this person",
        "invalid_user_combination": "Slack allows no conversation with this person",
        "cannot_dm_bot": "This is a bot, which cannot be written to",
    },
    Undeliverable: {
        "not_in_channel": "The app is not in this conversation",
        "is_archived": "The conversation is archived",
        "restricted_action": "A setting of the workspace forbids the app to write here",
        "restricted_action_read_only_channel": "Nobody may write in this conversation",
        "restricted_action_thread_only_channel": "Nobody may write in this conversation but in threads",
        "method_not_supported_for_channel_type": "This conversation cannot be written to",
    },
    CardRefused: dict.fromkeys(
        (
            *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"),
            *("too_many_attachments", "too_many_blocks", "invalid_attachments", "invalid_arguments"),
            *("metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema"),
            *("metadata_must_be_sent_from_app", "block_mismatch"),
        ),
        _CARD,
    ),
    ThreadGone: dict.fromkeys(
        (
            *("message_not_found", "thread_not_found", "cannot_reply_to_message", "cant_update_message"),
            *("edit_window_closed", "is_inactive", "restricted_action_non_threadable_channel"),
        ),
        _THREAD,
    ),
}
TABLE = {code: (kind, words) for kind, rows in _ROWS.items() for code, words in rows.items()}
# Slack may have done what was asked, or not.
UNCERTAIN = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})


def meaning_of(failure: Exception, *, is_post: bool) -> DeliveryError:
    """What the failure of a call means; reading has no effect, so that only a post can be doubtful."""
    if isinstance(failure, SlackApiError):
        return _meaning_of_answer(failure, is_post=is_post)
    if isinstance(failure, AnswerIncomplete | ProfileOvertaken):
        return OutcomeUnknown(str(failure)) if is_post else Retryable(str(failure))
    kind = type(failure).__name__
    if isinstance(failure, NOT_SENT):
        return SlackUnavailable(f"Slack cannot be reached ({kind})")
    return _lost(f"Slack's answer was lost ({kind})", is_post=is_post)


def _meaning_of_answer(failure: SlackApiError, *, is_post: bool) -> DeliveryError:
    status, headers, code = _status_of(failure), _headers_of(failure), error_of(failure)
    if status == _RATE_LIMITED:
        return Retryable("Slack asks for a pause", after=pause_of(headers))
    if status >= _SERVER_FAILED or code in UNCERTAIN:
        return _lost(f"Slack failed inside (HTTP {status}, {code})", is_post=is_post)
    if code == "unknown":
        return _lost(f"Slack's answer cannot be read (HTTP {status})", is_post=is_post)
    kind, words = TABLE.get(code, (Unexpected, "Slack refuses, for a reason that Rectask does not know"))
    return kind(f"{words} ({code})")


def _lost(reason: str, *, is_post: bool) -> DeliveryError:
    return OutcomeUnknown(reason) if is_post else SlackUnavailable(reason)


def _status_of(failure: SlackApiError) -> int:
    """As slack_sdk tells it: its own responses have status_code, aiohttp's have status."""
    response = failure.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    return status if isinstance(status, int) else 0


def _headers_of(failure: SlackApiError) -> Mapping[str, str]:
    headers = getattr(failure.response, "headers", {})
    return headers if isinstance(headers, Mapping) else {}


def pause_of(headers: Mapping[str, str]) -> timedelta | None:
    """What Retry-After asks for; None where it does not, or says what cannot be understood."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(given)
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(timedelta(seconds=min(seconds, PUT_OFF_AT_MOST.total_seconds())), PUT_OFF_AT_MOST)


class ProfileOvertaken(SlackClientError):
    """Somebody has changed while Slack was asked about them, so that its answer may be of before."""

    def __init__(self) -> None:
        super().__init__("The person's profile changed while Slack was asked about it")


# Slack's words for a token that no longer works (docs.slack.dev, common errors, read November 2026).
TOKEN_IS_DEAD = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"}
)


def error_of(failure: SlackApiError) -> str:
    """Slack's error code, such as "channel_not_found"; "unknown" where its answer has none."""
    data = failure.response.data if hasattr(failure.response, "data") else failure.response
    return str(data.get("error", "unknown")) if isinstance(data, Mapping) else "unknown"
