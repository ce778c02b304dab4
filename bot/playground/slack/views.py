"""The methods of the Web API that show views: modals in up to three layers, and home tabs."""

from bot.playground.slack.handles import Desk
from bot.playground.slack.memory import World
from bot.playground.slack.messages import read_view, view_payload
from bot.playground.slack.world import Json, Refused, View

MODALS_MAY_BE = 3


def views_open(desk: Desk, given: Json) -> Json:
    view = read_view(desk.world, "views.open", given["view"], type="modal")
    _check_external_id(desk.world, view)
    user = desk.handles.exchange_trigger(given["trigger_id"])
    return {"view": view_payload(desk.world.show_view(user, view))}


def views_push(desk: Desk, given: Json) -> Json:
    view = read_view(desk.world, "views.push", given["view"], type="modal")
    _check_external_id(desk.world, view)
    user = desk.handles.exchange_trigger(given["trigger_id"])
    return {"view": view_payload(push_view(desk.world, user, view))}


def views_update(desk: Desk, given: Json) -> Json:
    found = [v for v in desk.world.views.values() if given.get("view_id") == v.id or _has_external_id(v, given)]
    if not found:
        raise Refused("not_found")
    _check_hash(found[0], given)
    desk.world.change_view(found[0], read_view(desk.world, "views.update", given["view"], type=found[0].type))
    return {"view": view_payload(found[0])}


def views_publish(desk: Desk, given: Json) -> Json:
    if not desk.world.home_tab:
        raise Refused("not_enabled")
    person = desk.world.person(given["user_id"])
    content = read_view(desk.world, "views.publish", given["view"], type="home")
    home = desk.world.home_of(person.id)
    if home is None:
        return {"view": view_payload(desk.world.show_view(person.id, content))}
    _check_hash(home, given)
    desk.world.change_view(home, content)
    return {"view": view_payload(home)}


def push_view(world: World, user: str, content: Json) -> View:
    """Lays the modal upon the person's uppermost one; raises Refused."""
    modals = world.modals_of(user)
    if len(modals) >= MODALS_MAY_BE:
        raise Refused("push_limit_reached")
    return world.show_view(user, content, previous_id=modals[-1].id if modals else None)


def _has_external_id(view: View, given: Json) -> bool:
    return bool(given.get("external_id")) and view.content.get("external_id") == given["external_id"]


def _check_external_id(world: World, content: Json) -> None:
    if any(_has_external_id(view, content) for view in world.views.values()):
        raise Refused("duplicate_external_id")


def _check_hash(view: View, given: Json) -> None:
    if given.get("hash", view.hash) != view.hash:
        raise Refused("hash_conflict")
