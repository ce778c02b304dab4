"""What the bot tells at /metrics: the names that its series have, and the values that their labels can have."""

from bot.slack.meter import METHODS
from bot.volcengine.meter import CODES

LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "rectask_lookups_total": {
        "outcome": ("found", "not_found", "refused", "unavailable"),
        "asker": ("person", "watcher"),
    },
    "rectask_answers_total": {"source": ("memory", "flight", "shared", "rtc")},
    "rectask_pacer_waiting": {"priority": ("person", "background")},
    "rectask_pacer_wait_seconds": {"priority": ("person", "background")},
    "rectask_pacer_shared": {},
    "rectask_rtc_requests_total": {"code": CODES},
    "rectask_rtc_request_seconds": {},
    "rectask_rounds_total": {"loop": ("looks", "notices"), "outcome": ("good", "failed")},
    "rectask_last_good_round_timestamp_seconds": {"loop": ("looks", "notices")},
    "rectask_look_lateness_seconds": {},
    "rectask_watched_tasks": {},
    "rectask_watched_tasks_overdue": {},
    "rectask_notices": {"state": ("pending", "sending", "delivered", "dead")},
    "rectask_oldest_pending_notice_seconds": {},
    "rectask_store_reachable": {},
    "rectask_notices_settled_total": {"outcome": ("delivered", "dead", "put_off", "in_doubt", "superseded")},
    "rectask_slack_calls_total": {"method": METHODS, "outcome": ("ok", "ratelimited", "error", "unreachable")},
    "rectask_ack_seconds": {"kind": ("command", "action", "view", "event")},
    "rectask_build_info": {"version": ()},
}

HISTOGRAMS = {
    "rectask_pacer_wait_seconds",
    "rectask_rtc_request_seconds",
    "rectask_look_lateness_seconds",
    "rectask_ack_seconds",
}

# Of the one database, so that every replica tells the same: their sum would be as many times too much.
OF_THE_DATABASE = {
    "rectask_watched_tasks",
    "rectask_watched_tasks_overdue",
    "rectask_notices",
    "rectask_oldest_pending_notice_seconds",
}
