"""Who may not: all that can be typed and pressed, by all who may not, with nothing told and everything recorded."""

import asyncio
import dataclasses
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import bot.slack
from bot.access.audit.record import AuditedAction, Door, Outcome, Record, Search
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import (
    C_ONCALL,
    C_SHARED,
    S_SUPPORT,
    U_ANA,
    U_BEN,
    U_GRID,
    U_GUEST,
    U_SINGLE,
    U_STRANGER,
    Message,
)
from bot.storage.audit import SqlAudit
from bot.storage.database import open_database
from testing.conversation import (
    actions_of,
    direct_message,
    home_of,
    nothing_amiss,
    pressed,
    typed,
    until_ready,
    words_of,
)
from testing.harness import BRIEF, ONE_DOOR_AT_LEAST, Office, open_office, serving, settings_for
from tests.flows.test_subscriptions import shows

FOR_ANA = f'ask = "Ana"\n[[allow]]\nrights = ["look_up", "subscribe", "share", "open_files"]\nusers = ["{U_ANA}"]\n'
# Typed, what it is in the record, and whether it is about what is one's own.
COMMANDS = [
    ("running Task1", AuditedAction.LOOK_UP, False),
    ("nosuch Task1", AuditedAction.LOOK_UP, False),
    ("Room1 Task1", AuditedAction.LOOK_UP, False),
    ("watch running Task1", AuditedAction.SUBSCRIBE, False),
    ("watch nosuch Task1", AuditedAction.SUBSCRIBE, False),
    ("unwatch running Task1", AuditedAction.UNSUBSCRIBE, True),
    ("list", AuditedAction.LIST, True),
    ("help", AuditedAction.OTHER, False),
    ("", AuditedAction.OTHER, False),
    ("nonsense", AuditedAction.OTHER, False),
    ("a b --app nosuch", AuditedAction.OTHER, False),
]
ACTIONS = [
    ("rectask.refresh", AuditedAction.LOOK_UP, False),
    ("rectask.files", AuditedAction.LOOK_UP, False),
    ("rectask.files.next", AuditedAction.LOOK_UP, False),
    ("rectask.raw", AuditedAction.LOOK_UP, False),
    ("rectask.subscribe", AuditedAction.SUBSCRIBE, False),
    ("rectask.unsubscribe", AuditedAction.UNSUBSCRIBE, True),
    ("rectask.unsubscribe.list.0", AuditedAction.UNSUBSCRIBE, True),
    ("rectask.list", AuditedAction.LIST, True),
    ("rectask.clear", AuditedAction.LIST, True),
    ("rectask.unsubscribe.answer", AuditedAction.UNSUBSCRIBE, True),
    ("rectask.share", AuditedAction.SHARE, False),
    ("rectask.links", AuditedAction.LINK, False),
    ("rectask.bygone", AuditedAction.OTHER, True),
]
IN_PLACE = {"rectask.unsubscribe.answer", "rectask.unsubscribe.list.0", "rectask.list", "rectask.clear"}
OWN_LIST = [text for text, _, _ in COMMANDS].index("list")
TELLING = re.compile(r"Running|Ended|No recording found|stopped by|StopByAPI|v02b| MB|00543c|[Ss]ubscribed")
REFUSED, NO_ACCESS = "You may not do this here", "You have no access to recordings here"


@asynccontextmanager
async def ready_office(door: str, **more: object) -> AsyncIterator[Office]:
    async with open_office(door=door, **more) as office:  # type: ignore[arg-type]
        if door == "socket":
            await office.slack.wait_for_socket()
        else:
            await until_ready(office)
        yield office


async def records(office: Office, search: Search | None = None) -> list[Record]:
    """After its end, for then all are written; the oldest first."""
    await office.end()
    url = f"sqlite:///{office.folder / 'rectask.db'}"
    async with open_database(url) as database:
        found = list(await SqlAudit(database).find(search or Search(), limit=1_000))
    lines = [json.loads(line) for line in (office.folder / "audit.jsonl").read_text().splitlines()]
    if search is None:
        assert sorted(line["id"] for line in lines) == sorted(record.id for record in found)
    return found[::-1]


async def shared_card(office: Office, channel: str) -> Message:
    await office.slack.command("running Task1", user=U_ANA, channel=channel)
    card = await office.slack.next_message(user=U_ANA, channel=channel)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    if channel == C_SHARED:
        asked = await office.slack.next_message(user=U_ANA, channel=channel)
        await office.slack.press(asked, "rectask.share", user=U_ANA)
    await office.slack.wait_for(lambda: [m for m in office.slack.messages if m.ephemeral_to is None])
    return next(message for message in office.slack.messages if message.ephemeral_to is None)


async def told(office: Office, user: str, channel: str, before: int) -> Message:
    def answers() -> list[Message]:
        return [m for m in office.slack.messages[before:] if m.ephemeral_to == user and m.channel == channel]

    await office.slack.wait_for(answers)
    (answer,) = answers()
    return answer


async def try_everything(office: Office, user: str, card: Message) -> list[Message]:
    """What is told for each command, then for each action."""
    answers = []
    for text, _, _ in COMMANDS:
        before = len(office.slack.messages)
        assert (await office.slack.command(text, user=user, channel=card.channel)).acked
        answers.append(await told(office, user, card.channel, before))
    element, value = card.blocks[-1]["elements"][0], str(card.blocks[-1]["elements"][0]["value"])
    for action, _, _ in ACTIONS:
        if action in IN_PLACE and user != U_STRANGER:
            answers.append(await press_ones_own(office, user, answers[OWN_LIST], action, value))
            continue
        before, edited, element["action_id"] = len(office.slack.messages), card.edited, action
        assert (await office.slack.press(card, action, user=user)).acked
        answers.append(await told(office, user, card.channel, before))
        assert card.edited == edited
    return answers


async def press_ones_own(office: Office, user: str, card: Message, action: str, value: str) -> Message:
    """A button of a card that nobody else sees, and that is changed."""
    edited = card.edited
    actions = next(block for block in card.blocks if block["type"] == "actions")
    actions["elements"][0]["action_id"] = action
    assert (await office.slack.press(card, action, user=user, value=value)).acked
    await office.slack.wait_for(lambda: card.edited > edited)
    return dataclasses.replace(card)


def test_the_table_has_every_action() -> None:
    sources = "".join(path.read_text() for path in Path(bot.slack.__path__[0]).rglob("*.py"))
    named = set(re.findall(r'"(rectask\.[a-z]+(?:\.[a-z]+)*)"', sources)) - {"rectask.unsubscribe.list"}
    covered = {action for action, _, _ in ACTIONS} | {"rectask.files.previous", "rectask.cancel"}
    assert named <= covered


PEOPLE = [
    pytest.param(U_GUEST, C_ONCALL, "", id="guest"),
    pytest.param(U_SINGLE, C_ONCALL, "", id="single-channel guest", marks=pytest.mark.slow),
    pytest.param(U_BEN, C_ONCALL, FOR_ANA, id="without the right"),
    pytest.param(*(U_GRID, C_ONCALL, FOR_ANA), id="without the right, in another workspace", marks=pytest.mark.slow),
    pytest.param(U_STRANGER, C_SHARED, "", id="stranger"),
]


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
@pytest.mark.parametrize(("user", "channel", "config"), PEOPLE)
async def test_who_may_not_is_told_nothing_and_recorded(door: str, user: str, channel: str, config: str) -> None:
    async with ready_office(door, config=config) as office:
        card = await shared_card(office, channel)
        asked = len(office.rtc.received)
        answers = await try_everything(office, user, card)
        assert len(office.rtc.received) == asked
        check_answers(answers, user, config)
        await office.slack.open_home(user=user)
        assert nothing_amiss(office.slack)
        found = [record for record in await records(office) if record.user_id == user]
    check_records(found, user)


def check_answers(answers: list[Message], user: str, config: str) -> None:
    for (what, deed, is_ones_own), answer in zip([*COMMANDS, *ACTIONS], answers, strict=True):
        if user == U_STRANGER:
            assert "This is for another organization" in words_of(answer), what
        elif is_ones_own:
            assert re.search("You were not subscribed|You have no subscriptions|cannot be used", words_of(answer)), what
        else:
            assert (NO_ACCESS if deed is AuditedAction.OTHER else REFUSED) in words_of(answer), what
            assert ("ask Ana." if config else "ask whoever runs Rectask") in words_of(answer)
        if not is_ones_own:
            assert not TELLING.search(answer.text + words_of(answer)), what
    looked_up = [re.sub(r'"block_id": "[^"]*"', "", words_of(answer)) for answer in answers[:3]]
    assert looked_up[0] == looked_up[1] == looked_up[2], "it tells whether there is such a recording"


def check_records(found: list[Record], user: str) -> None:
    expected = [
        (deed, Door.COMMAND if what in {text for text, _, _ in COMMANDS} else Door.BUTTON)
        for what, deed, _ in (*COMMANDS, *ACTIONS)
    ]
    # A list in the place of the button that was pressed is one more.
    seen = [(record.deed, record.door) for record in found if record.door is not Door.HOME]
    if user != U_STRANGER:
        expected.insert(len(COMMANDS) + 7, (AuditedAction.LIST, Door.BUTTON))
    assert seen == expected
    for record in found:
        is_done = record.deed in (AuditedAction.LIST, AuditedAction.UNSUBSCRIBE) and user != U_STRANGER
        assert record.outcome == (Outcome.DONE if is_done else Outcome.REFUSED), record
        if record.deed in (AuditedAction.LOOK_UP, AuditedAction.SUBSCRIBE, AuditedAction.SHARE):
            assert record.room in {"running", "nosuch", "Room1"}
            assert record.task == "Task1"


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
async def test_who_has_become_a_guest_since(door: str) -> None:
    """With cards, a list, a modal and a home tab from before; nothing of them tells anything any more."""
    async with ready_office(door) as office:
        card = await typed(office, "running Task1", user=U_BEN)
        await pressed(office, card, "rectask.subscribe", user=U_BEN)
        many = await typed(office, "many-files Task1", user=U_BEN)
        await office.slack.press(many, "rectask.files", user=U_BEN)
        await office.slack.wait_for(lambda: office.slack.world.modals_of(U_BEN))
        modal = office.slack.view_for(U_BEN)
        await office.slack.wait_for(lambda: "page 1 of 50" in json.dumps(modal.content))
        home = await home_of(office, U_BEN)
        await office.slack.wait_for(lambda: shows(home, "Running"))

        office.slack.people[U_BEN].is_restricted = True
        await office.slack.reactivate(U_BEN)  # which tells the bot that something has changed
        asked = len(office.rtc.received)
        for action in ("rectask.refresh", "rectask.files"):
            before = len(office.slack.messages)
            await office.slack.press(many, action, user=U_BEN)
            assert REFUSED in words_of(await told(office, U_BEN, C_ONCALL, before))
        await office.slack.press(modal, "rectask.files.next", user=U_BEN)
        await office.slack.wait_for(lambda: REFUSED in json.dumps(modal.content))
        assert "page" not in json.dumps(modal.content)
        await office.slack.press(home, "rectask.list", user=U_BEN)
        await office.slack.wait_for(lambda: shows(home, "You are told nothing: You may not be told"))
        assert not shows(home, "Running")
        listed = await typed_by(office, "list", U_BEN)
        assert "You may not be told of this recording (any more)" in words_of(listed)
        assert "Running" not in words_of(listed) + listed.text
        assert len(office.rtc.received) == asked

        office.rtc.end("running")
        await pressed(office, await typed_by(office, "running Task1", U_ANA), "rectask.refresh", user=U_ANA)
        url = f"sqlite:///{office.folder / 'rectask.db'}"
        found = await until_recorded(url, Search(user_id=U_BEN, deed=AuditedAction.NOTICE))
        assert (found.outcome, found.door, found.room) == (Outcome.REFUSED, Door.NOTICE, "running")
        assert not [message for message in office.slack.messages if message.channel == f"D{U_BEN[1:]}"]
        assert "You are told nothing: You may not be told" in words_of(await typed_by(office, "list", U_BEN))
        answer = await typed_by(office, "unwatch running Task1", U_BEN)
        assert re.search("You were not subscribed|You will get no message", words_of(answer))
        assert nothing_amiss(office.slack)


async def typed_by(office: Office, text: str, user: str) -> Message:
    before = len(office.slack.messages)
    assert (await office.slack.command(text, user=user, channel=C_ONCALL)).acked
    return await told(office, user, C_ONCALL, before)


async def until_recorded(url: str, search: Search) -> Record:

    async with open_database(url) as database:
        for _ in range(100):
            if found := await SqlAudit(database).find(search, limit=1):
                return found[0]
            await asyncio.sleep(0.05)
    pytest.fail("It is not recorded.")


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
async def test_a_right_that_a_changed_rule_takes_away(door: str) -> None:
    """The bot is started again with other rules: who subscribed before is not told, and their list says why."""
    both = f'[[allow]]\nrights = ["look_up", "subscribe"]\nusers = ["{U_ANA}", "{U_BEN}"]\n'
    look_up = f'[[allow]]\nrights = ["look_up"]\nusers = ["{U_BEN}"]\n[[allow]]\nrights = ["look_up", "subscribe"]\n'
    async with ready_office(door, config=both) as office:
        for user in (U_ANA, U_BEN):
            assert "You will get a message" in words_of(await typed_by(office, "watch running Task1", user))
        await office.end()
        office.rtc.end("running")
        office.folder.joinpath("rectask.toml").write_text(look_up + f'users = ["{U_ANA}"]\n')
        config = str(office.folder / "rectask.toml")
        settings = settings_for(office.rtc, office.slack, door=door, folder=office.folder, RECTASK_CONFIG=config)
        async with serving(settings, office.rtc, office.slack, BRIEF, office.folder) as again:
            if door == "socket":
                await again.slack.wait_for_socket()
            else:
                await until_ready(again)
            await pressed(again, await typed_by(again, "running Task1", U_ANA), "rectask.refresh", user=U_ANA)
            assert ": Ended after" in (await direct_message(again)).text
            refused = Search(user_id=U_BEN, deed=AuditedAction.NOTICE, outcome=Outcome.REFUSED)
            await until_recorded(f"sqlite:///{again.folder / 'rectask.db'}", refused)
            listed = await typed_by(again, "list", U_BEN)
            assert "was given up" in words_of(listed)
            assert "You may not be told of this recording (any more)" in words_of(listed)
            assert not [message for message in again.slack.messages if message.channel == f"D{U_BEN[1:]}"]
            found = await records(again)
    notices = {(record.user_id, record.outcome) for record in found if record.deed is AuditedAction.NOTICE}
    assert notices == {(U_ANA, Outcome.DONE), (U_BEN, Outcome.REFUSED)}


def looks(card: Message) -> list[str]:
    elements = [element for block in card.blocks if block["type"] == "actions" for element in block["elements"]]
    return [text for element in elements if (text := element["text"]["text"]).startswith("Look in")]


async def test_apps_are_named_to_those_who_may_look_up_something_in_them_only() -> None:
    prod, staging, lab = (f"66{letters}{'0' * 16}543c" for letters in ("1e", "1f", "20"))
    config = f"""
        [[allow]]
        rights = ["look_up", "subscribe", "share"]
        users = ["{U_BEN}"]
        apps = ["staging", "lab"]
        [[allow]]
        rights = ["look_up", "subscribe", "share"]
        users = ["{U_ANA}"]
    """
    apps = f"prod={prod},staging={staging},lab={lab}"
    async with ready_office("socket", config=config, RECTASK_APP_ID="", RECTASK_APPS=apps) as office:
        for text in ("nosuch Task1 --app staging", "watch nosuch Task1 --app staging"):
            assert looks(await typed_by(office, text, U_BEN)) == ["Look in lab"]
            assert looks(await typed_by(office, text, U_ANA)) == ["Look in prod", "Look in lab"]
        for text in ("help", "nosuch Task1 --app bygone", "nosuch Task1 prod"):
            told_to_ben = words_of(await typed_by(office, text, U_BEN)).replace(f"You typed `/rectask {text}`", "")
            assert "prod" not in told_to_ben, text
            assert "prod" in words_of(await typed_by(office, text, U_ANA)), text
        assert "`prod` (the default), `staging`, `lab`" in words_of(await typed_by(office, "help", U_ANA))

        card = await typed_by(office, "running Task1 --app staging", U_ANA)
        office.rtc.forget("running", app_id=staging)
        await office.slack.press(card, "rectask.share", user=U_ANA)
        await office.slack.wait_for(lambda: [m for m in office.slack.messages if m.ephemeral_to is None])
        shared = next(message for message in office.slack.messages if message.ephemeral_to is None)
        await pressed(office, shared, "rectask.refresh", user=U_ANA)
        assert "No recording found" in words_of(shared)
        assert looks(shared) == []
        assert nothing_amiss(office.slack)


async def test_rights_by_group_channel_and_room() -> None:
    config = f"""
        [[allow]]
        rights = ["look_up", "subscribe", "share"]
        groups = ["{S_SUPPORT}"]
        channels = ["{C_ONCALL}"]
        rooms = ["run*", "many-*"]
    """
    async with ready_office("socket", config=config) as office:
        card = await typed_by(office, "running Task1", U_BEN)
        assert "Running" in card.text
        assert REFUSED in words_of(await typed_by(office, "Room1 Task1", U_BEN))
        assert REFUSED in words_of(await typed_by(office, "running Task1", U_ANA))
        before = len(office.slack.messages)
        await office.slack.command("running Task1", user=U_BEN, channel=C_SHARED)
        assert REFUSED in words_of(await told(office, U_BEN, C_SHARED, before))

        many = await typed_by(office, "many-files Task1", U_BEN)
        await office.slack.press(many, "rectask.files", user=U_BEN)
        await office.slack.wait_for(lambda: office.slack.world.modals_of(U_BEN))
        modal = office.slack.view_for(U_BEN)
        await office.slack.wait_for(lambda: "page 1 of 50" in json.dumps(modal.content))
        await office.slack.press(modal, "rectask.files.next", user=U_BEN)
        await office.slack.wait_for(lambda: "page 2 of 50" in json.dumps(modal.content))

        await pressed(office, card, "rectask.subscribe", user=U_BEN)
        assert "rectask.unsubscribe" in actions_of(card)
        office.rtc.end("running")
        await pressed(office, card, "rectask.refresh", user=U_BEN)
        assert ": Ended after" in (await direct_message(office, user=U_BEN)).text
        assert nothing_amiss(office.slack)


async def test_a_guest_who_asks_for_help_is_told_of_no_recording_and_of_no_button() -> None:
    async with ready_office("http") as office:
        helped = words_of(await typed_by(office, "help", U_GUEST))
        assert "You have no access to recordings here" in helped
        assert "such a recording" not in helped
        listed = words_of(await typed_by(office, "list", U_GUEST))
        assert "You have no permission to look recordings up" in listed
        assert "Subscribe" not in listed
        home = json.dumps((await home_of(office, U_GUEST)).content)
        assert "You have no permission to look recordings up" in home
        assert "rectask ROOM TASK" not in home


async def test_a_guest_whom_a_rule_names() -> None:
    config = f'[[allow]]\nrights = ["look_up"]\nusers = ["{U_GUEST}"]\n'
    async with ready_office("socket", config=config) as office:
        assert "Ended after" in (await typed_by(office, "Room1 Task1", U_GUEST)).text
        assert REFUSED in words_of(await typed_by(office, "watch running Task1", U_GUEST))
        assert REFUSED in words_of(await typed_by(office, "Room1 Task1", U_ANA))


async def test_a_group_that_slack_does_not_tell_of_is_no_verdict() -> None:
    """Nothing is shown, and nobody is told that they have no permission, unless no group could give it."""
    config = f"""
        [[allow]]
        rights = ["look_up"]
        groups = ["{S_SUPPORT}"]
        rooms = ["Room1"]
    """
    async with ready_office("socket", config=config) as office:
        office.slack.scopes -= {"usergroups:read"}
        asked = len(office.rtc.received)
        for text in ("Room1 Task1", "help"):
            assert "could not be checked" in words_of(await typed_by(office, text, U_BEN))
        assert REFUSED in words_of(await typed_by(office, "running Task1", U_BEN))
        assert len(office.rtc.received) == asked


async def test_rights_by_group_where_the_app_is_installed_for_an_organization() -> None:
    """There the workspace of a group has to be named, and is found."""
    slack = FakeSlack()
    slack.world.is_org_wide = True
    config = f'[[allow]]\nrights = ["look_up"]\ngroups = ["{S_SUPPORT}"]\n'
    async with ready_office("socket", config=config, slack=slack) as office:
        for user in (U_BEN, U_GRID):
            assert "Ended after" in (await typed_by(office, "Room1 Task1", user)).text
        assert REFUSED in words_of(await typed_by(office, "Room1 Task1", U_ANA))
        assert nothing_amiss(office.slack)


async def test_slack_does_not_say_who_it_is() -> None:
    async with ready_office("socket") as office:
        office.slack.fault("users.info", "500_before", times=1)
        assert "Slack does not say who you are" in words_of(await typed_by(office, "Room1 Task1", U_BEN))
        assert "Ended after" in (await typed_by(office, "Room1 Task1", U_BEN)).text
        asked = [call for call in office.slack.calls if call.method == "users.info"]
        await typed_by(office, "Room1 Task1", U_BEN)
        assert [call for call in office.slack.calls if call.method == "users.info"] == asked


async def test_slack_takes_its_time_to_say_who_it_is() -> None:
    """Slack waits three seconds for the acknowledgement."""
    async with ready_office("socket") as office:
        office.slack.fault("users.info", "slow_before", seconds=2.4)
        before = len(office.slack.messages)
        outcome = await office.slack.command("Room1 Task1", user=U_BEN, channel=C_ONCALL)
        assert outcome.acked
        assert outcome.seconds < 2.9
        assert "Asking Slack who you are" in (await told(office, U_BEN, C_ONCALL, before)).text
        assert ": Ended after" in (await told(office, U_BEN, C_ONCALL, before + 1)).text


async def test_one_person_can_not_use_up_what_all_share() -> None:
    async with ready_office("socket", RECTASK_LOOKUPS_PER_MINUTE="3") as office:
        for room in ("Room1", "running", "nosuch"):
            assert "at once" not in words_of(await typed_by(office, f"{room} Task1", U_BEN))
        asked = len(office.rtc.received)
        answer = words_of(await typed_by(office, "many-files Task1", U_BEN))
        assert re.search(r"3 a minute are yours\. \*Please try again in (5\d|60) s", answer)
        card = await typed_by(office, "Room1 Task1", U_BEN)  # from memory
        assert ": Ended after" in card.text
        before = len(office.slack.messages)
        await office.slack.press(card, "rectask.refresh", user=U_BEN)
        assert "That was a lot at once" in words_of(await told(office, U_BEN, C_ONCALL, before))
        assert "at once" in words_of(await typed_by(office, "watch started Task1", U_BEN))
        assert "at once" in words_of(await typed_by(office, "watch Room1 Task1", U_BEN))  # over: RTC is asked anew
        assert len(office.rtc.received) == asked
        assert ": Ended" in (await typed_by(office, "many-files Task1", U_ANA)).text
        found = [record for record in await records(office) if record.reason == "too often"]
    assert [(record.deed, record.outcome) for record in found] == [(AuditedAction.LOOK_UP, Outcome.REFUSED)]
