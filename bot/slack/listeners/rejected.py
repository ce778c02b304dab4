"""What somebody wanted who is sent away before any listener has understood it: for the record only."""

from bot.access.audit.record import AuditedAction, Outcome
from bot.recording.task_ref import TaskRef
from bot.slack.listeners.context import ListenerContext
from bot.slack.request.button_value import InvalidButtonValue
from bot.slack.request.command import List, LookUp, Unwatch, Watch, parse_command
from bot.slack.request.payload import Visit, action_of

_OF_ACTION = {
    "refresh": AuditedAction.LOOK_UP,
    "files": AuditedAction.LOOK_UP,
    "raw": AuditedAction.LOOK_UP,
    "subscribe": AuditedAction.SUBSCRIBE,
    "unsubscribe": AuditedAction.UNSUBSCRIBE,
    "share": AuditedAction.SHARE,
    "cancel": AuditedAction.SHARE,
    "list": AuditedAction.LIST,
    "clear": AuditedAction.LIST,
    "links": AuditedAction.LINK,
    "open": AuditedAction.OPEN,
}


def note_refused(desk: ListenerContext, visit: Visit, reason: str) -> None:
    """Record that it was refused, with what it was as far as that can be told."""
    deed, ref = _wanted(desk, visit)
    desk.gate.note(visit, deed, ref, outcome=Outcome.REFUSED, reason=reason)


def _wanted(desk: ListenerContext, visit: Visit) -> tuple[AuditedAction, TaskRef | None]:
    if "command" in visit.body:
        return _typed(desk, visit)
    action = str(action_of(visit.body).get("action_id")).split(".")
    deed = _OF_ACTION.get(action[1] if len(action) > 1 else "", AuditedAction.OTHER)
    try:
        return deed, None if deed in (AuditedAction.LIST, AuditedAction.OTHER) else desk.press(
            visit.body, or_removed=True
        ).ref
    except InvalidButtonValue:
        return deed, None


def _typed(desk: ListenerContext, visit: Visit) -> tuple[AuditedAction, TaskRef | None]:
    match parse_command(str(visit.body.get("text") or ""), apps=desk.apps):
        case LookUp(ref):
            return AuditedAction.LOOK_UP, ref
        case Watch(ref):
            return AuditedAction.SUBSCRIBE, ref
        case Unwatch(ref):
            return AuditedAction.UNSUBSCRIBE, ref
        case List():
            return AuditedAction.LIST, None
    return AuditedAction.OTHER, None
