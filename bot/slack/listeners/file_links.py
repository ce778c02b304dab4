"""What happens when somebody asks for links to files, and when they press one."""

from functools import partial

from bot.access.audit.record import AuditedAction, Outcome
from bot.recording.reading import Reading, TaskReadError, TaskUnavailable
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import working_card
from bot.slack.cards.file_links import links_card, taken_over_card
from bot.slack.link_issuer import PATIENTLY, numbered
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.failures import begin
from bot.slack.request.button_value import ButtonValue
from bot.slack.request.payload import Visit
from bot.slack.response import Reply


async def on_links(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Answer the presser alone, who is not who asked for the card, with fresh links."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, AuditedAction.LINK, press.ref)
    # Counted also where RTC need not be asked: VOD may have to be, for each file.
    desk.gate.count(visit, AuditedAction.LINK, press.ref)
    sign = partial(reply.at_work, working_card("Building the links"))
    begin(desk, reply, lambda: _give_links(desk, press, visit, reply), sign=sign)


async def _give_links(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    try:
        reading = await _files_of(desk, press)
    except TaskReadError as failure:
        desk.gate.note_read(visit, AuditedAction.LINK, press.ref, failure)
        await reply.afterwards(_no_links(desk, visit, press, failure))
        return
    if press.told is not None and not press.told.is_about(reading.task):
        reason = "a newer recording has taken its ids"
        desk.gate.note(visit, AuditedAction.LINK, press.ref, outcome=Outcome.FAILED, reason=reason)
        await reply.afterwards(taken_over_card())
        return
    links = await desk.linker.links(visit, reading, numbered(reading.task.files), within=PATIENTLY)
    await reply.afterwards(links_card(reading, links, now=desk.answerer.clock()))


def _no_links(desk: ListenerContext, visit: Visit, press: ButtonValue, failure: TaskReadError) -> Card:
    others = desk.other_apps(visit, press.ref)
    return desk.answerer.failure_card(failure, press.ref, note="So no links can be made.", others=others)


async def _files_of(desk: ListenerContext, press: ButtonValue) -> Reading:
    """What was last known will do, for files stay what they are. Raises TaskReadError."""
    try:
        return await desk.answerer.read(press.ref)
    except TaskUnavailable as failure:
        if failure.last_known is None:
            raise
        return failure.last_known


async def on_open(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Slack has opened the address already; that it was pressed is recorded."""
    await reply.acknowledge()
    press = desk.press(visit.body, or_removed=True)
    desk.gate.audit.note(desk.gate.record(visit, AuditedAction.OPEN, press.ref, file=press.file))
