"""Why a recording stopped, in the vendor's code and in words for people."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StopReason:
    """A stop reason; an open set, because the vendor owns it.

    `clause` continues a sentence that ends in a colon; `meaning` explains the code beside it. Equal by its code alone.
    """

    code: str
    clause: str = field(compare=False)
    meaning: str = field(compare=False)
    documented: bool = field(default=True, compare=False)

    @classmethod
    def from_code(cls, code: str | None) -> "StopReason | None":
        """None for an empty code (the task has not ended); never raises, an undocumented code is shown as it is."""
        if not code:
            return None
        if (known := _STOP_REASON_BY_CODE.get(code)) is not None:
            return known
        return cls(code, f"stop reason {code}", "not among the documented stop reasons", documented=False)


# The four that the vendor's page of GetRecordTask lists (read November 2026). A new one is added here only.
UNKNOWN_STOP_REASON = StopReason(
    "UnknownStopReason", "Volcengine does not know why", "Volcengine itself does not know why the task stopped"
)
STOP_BY_API = StopReason(
    "StopByAPI", "stopped through the API", "your application stopped the recording with an API call"
)
START_TASK_FAILED = StopReason("StartTaskFailed", "the task could not be started", "the task could not be started")
IDLE_TIME_OUT = StopReason(
    "IdleTimeOut",
    "nobody was sending for longer than the idle limit",
    "no stream to record for longer than the task's maximum idle time (180 s unless it was started with another)",
)

_STOP_REASON_BY_CODE = {
    reason.code: reason for reason in (UNKNOWN_STOP_REASON, STOP_BY_API, START_TASK_FAILED, IDLE_TIME_OUT)
}
