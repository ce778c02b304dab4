"""What somebody wanted who is sent away before any listener has understood it: for the record only."""

from bot.access.audit.record import Deed, Outcome
from bot.recording.task_ref import TaskRef
from bot.slack.listeners.context import Desk
from bot.slack.request.button_value import Tampered
from bot.slack.request.command import List, LookUp, Unwatch, Watch, parse_command
from bot.slack.request.payload import Visit, action_of

_OF_ACTION = {
    "refresh": Deed.LOOK_UP,
    "files": Deed.LOOK_UP,
    "raw": Deed.LOOK_UP,
    "subscribe": Deed.SUBSCRIBE,
    "unsubscribe": Deed.UNSUBSCRIBE,
    "share": Deed.SHARE,
    "cancel": Deed.SHARE,
    "list": Deed.LIST,
    "clear": Deed.LIST,
    "links": Deed.LINK,
    "open": Deed.OPEN,
}


def note_refused(desk: Desk, visit: Visit, reason: str) -> None:
    """Record that it was refused, with what it was as far as that can be told."""
    deed, ref = _wanted(desk, visit)
    desk.gate.note(visit, deed, ref, outcome=Outcome.REFUSED, reason=reason)


def _wanted(desk: Desk, visit: Visit) -> tuple[Deed, TaskRef | None]:
    if "command" in visit.body:
        return _typed(desk, visit)
    action = str(action_of(visit.body).get("action_id")).split(".")
    deed = _OF_ACTION.get(action[1] if len(action) > 1 else "", Deed.OTHER)
    try:
        return deed, None if deed in (Deed.LIST, Deed.OTHER) else desk.press(visit.body, or_removed=True).ref
    except Tampered:
        return deed, None


def _typed(desk: Desk, visit: Visit) -> tuple[Deed, TaskRef | None]:
    match parse_command(str(visit.body.get("text") or ""), apps=desk.apps):
        case LookUp(ref):
            return Deed.LOOK_UP, ref
        case Watch(ref):
            return Deed.SUBSCRIBE, ref
        case Unwatch(ref):
            return Deed.UNSUBSCRIBE, ref
        case List():
            return Deed.LIST, None
    return Deed.OTHER, None
