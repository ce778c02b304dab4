"""The payloads that Slack sends, as documented: commands, presses, views, events."""

import html

from bot.playground.slack.memory import World
from bot.playground.slack.messages import message_payload, view_payload
from bot.playground.slack.world import (
    A_APP,
    DOMAINS,
    E_HOME,
    T_HOME,
    U_BOT,
    Channel,
    Json,
    Message,
    Person,
    View,
)


def command_form(person: Person, channel: Channel, *, command: str, text: str, trigger_id: str, url: str) -> Json:
    """The fields of a slash command."""
    form = {
        "token": "deprecated",
        "team_id": person.team_id,
        "team_domain": DOMAINS[person.team_id],
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.is_private else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": html.escape(text, quote=False),
        "api_app_id": A_APP,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": trigger_id,
    }
    if person.enterprise_id:
        form |= {"enterprise_id": person.enterprise_id, "enterprise_name": _enterprise_name(person.enterprise_id)}
    return form


def interaction(kind: str, person: Person, *, trigger_id: str | None, names_installed_team: bool) -> Json:
    """What every interaction says.

    Whether `team` and `enterprise` are the presser's or those of the workspace with the app is not told clearly for
    shared channels (Bolt's own extraction allows for both): so a test may have it either way, and `user.team_id` is
    the presser's always.
    """
    team_id, enterprise_id = person.team_id, person.enterprise_id
    if names_installed_team:
        team_id, enterprise_id = T_HOME, E_HOME
    team = {"id": team_id, "domain": DOMAINS[team_id]}
    enterprise = None
    if enterprise_id:
        enterprise = {"id": enterprise_id, "name": _enterprise_name(enterprise_id)}
        team |= {"enterprise_id": enterprise_id, "enterprise_name": _enterprise_name(enterprise_id)}
    payload: Json = {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": A_APP,
        "token": "deprecated",
        "team": team,
        "enterprise": enterprise,
        "is_enterprise_install": False,
    }
    return payload | ({"trigger_id": trigger_id} if trigger_id else {})


def press_in_message(base: Json, message: Message, channel: Channel, action: Json, *, url: str) -> Json:
    """A press on a message; one that only its reader sees is not shown to the bot."""
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    payload = base | {
        "container": container,
        "channel": {"id": channel.id, "name": "privategroup" if channel.is_private else channel.name},
        "state": {"values": {}},
        "response_url": url,
        "actions": [action],
    }
    if message.ephemeral_to is None:
        payload["message"] = message_payload(message, with_metadata=True)
    return payload


def press_in_view(base: Json, view: View, action: Json) -> Json:
    container = {"type": "view", "view_id": view.id}
    return base | {"container": container, "view": view_payload(view), "actions": [action]}


def action_of(block: Json, element: Json, *, at: str, value: str | None, chosen: object) -> Json:
    """The action of one element: `value` takes a button's place, `chosen` is an option, its value, or an id."""
    action = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "type": element["type"],
        "action_ts": at,
    }
    if element["type"] == "button":
        action |= {name: element[name] for name in ("text", "value", "style", "url", "confirm") if name in element}
        return action if value is None else action | {"value": value}
    return action | chosen_in(element, chosen if chosen is not None else value)


def chosen_in(element: Json, chosen: object) -> Json:
    """What a choice adds to an action or to a view's state."""
    kind = str(element["type"])
    if kind in ("static_select", "overflow", "radio_buttons"):
        return {"selected_option": _option(element, chosen)}
    if kind in ("checkboxes", "multi_static_select"):
        values = chosen if isinstance(chosen, list) else [chosen]
        return {"selected_options": [_option(element, one) for one in values]}
    named = {"users_select": "selected_user", "channels_select": "selected_channel"}
    named |= {"conversations_select": "selected_conversation"}
    named |= {"datepicker": "selected_date", "timepicker": "selected_time"}
    return {named.get(kind, "value"): chosen}


def _option(element: Json, chosen: object) -> Json:
    value = chosen.get("value") if isinstance(chosen, dict) else chosen
    groups = [element.get("options", []), *(group["options"] for group in element.get("option_groups", []))]
    for option in (option for options in groups for option in options):
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"{value!r} is not among the options of {element['action_id']!r}.")


def event_payload(event: Json, *, event_id: str, at: float) -> Json:
    """An event in its envelope."""
    return {
        "token": "deprecated",
        "team_id": T_HOME,
        "enterprise_id": E_HOME,
        "api_app_id": A_APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(at),
        "authorizations": [
            {
                "enterprise_id": E_HOME,
                "team_id": T_HOME,
                "user_id": U_BOT,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def user_payload(person: Person) -> Json:
    """The person as Slack returns them: less for somebody who was deactivated."""
    user: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.deleted,
        "profile": {"real_name": person.real_name, "display_name": person.name},
        "is_bot": False,
    }
    if not person.deleted:
        user |= {"tz": person.tz, "tz_label": person.tz, "tz_offset": person.tz_offset, "is_admin": False}
        user |= {"is_restricted": person.is_restricted, "is_ultra_restricted": person.is_ultra_restricted}
    if person.is_stranger:
        user["is_stranger"] = True
    if person.enterprise_id:
        user["enterprise_user"] = {"id": person.id, "enterprise_id": person.enterprise_id, "teams": [person.team_id]}
    return user


def home_opened(world: World, person: Person, *, tab: str) -> Json:
    """The event of a person who looks at a tab of the bot's: home or messages."""
    event: Json = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": world.dm_with(person.id).id,
        "tab": tab,
        "event_ts": world.next_ts(),
    }
    home = world.home_of(person.id) if tab == "home" else None
    return event | ({"view": view_payload(home)} if home else {})


def said_events(message: Message, person: Person, channel: Channel) -> list[Json]:
    """The events of what a person wrote: a message, and a mention where the bot is named."""
    kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
    event: Json = {
        "type": "message",
        "channel": channel.id,
        "channel_type": kind,
        "user": person.id,
        "team": person.team_id,
        "text": message.text,
        "ts": message.ts,
        "event_ts": message.ts,
    }
    mention = {name: value for name, value in event.items() if name != "channel_type"} | {"type": "app_mention"}
    is_named = f"<@{U_BOT}>" in message.text and not channel.is_im
    return [event, mention] if is_named else [event]


def user_change(world: World, person: Person) -> Json:
    """The event of a person who is not what they were."""
    moment = world.next_ts()
    user = user_payload(person) | {"updated": int(float(moment))}
    return {"type": "user_change", "user": user, "cache_ts": int(float(moment)), "event_ts": moment}


def tokens_revoked(world: World) -> Json:
    """The event of tokens that are good no longer: named by whose they are, not by what they were."""
    return {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [U_BOT]}, "event_ts": world.next_ts()}


def _enterprise_name(enterprise_id: str) -> str:
    return "Home Enterprise" if enterprise_id == E_HOME else "Other Enterprise"
