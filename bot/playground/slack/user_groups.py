"""The methods of the Web API about user groups, and about the workspaces of an organization that have the app."""

from bot.playground.slack.handles import Desk
from bot.playground.slack.memory import World
from bot.playground.slack.messages import is_true
from bot.playground.slack.world import DOMAINS, T_HOME, Json, Refused

_TEAMS_AT_ONCE, _TEAMS_MAY_HAVE = 100, 1000
_CURSOR = "team:"


def usergroups_users_list(desk: Desk, given: Json) -> Json:
    """Who is in the group; those who were deactivated are told of where that is asked for.

    "Required if org token is used" is said of `team_id`; with the token of one workspace it is ignored.
    """
    world = desk.world
    members = world.groups.get(given["usergroup"])
    is_elsewhere = world.is_org_wide and _team_of(world, given) != world.group_teams.get(given["usergroup"], T_HOME)
    if members is None or is_elsewhere:
        raise Refused("no_such_subteam")
    with_all = is_true(given.get("include_disabled"))
    return {"users": [user for user in members if with_all or not world.person(user).deleted]}


def _team_of(world: World, given: Json) -> str:
    team = str(given.get("team_id") or "")
    if not team:
        raise Refused("missing_argument")
    if team not in world.org_teams:
        raise Refused("team_access_not_granted")
    return team


def auth_teams_list(desk: Desk, given: Json) -> Json:
    """Page by page; the last one has an empty cursor. What the token of one workspace gets, the page does not say."""
    world = desk.world
    teams = world.org_teams if world.is_org_wide else [T_HOME]
    limit = int(given.get("limit") or _TEAMS_AT_ONCE)
    if not 1 <= limit <= _TEAMS_MAY_HAVE:
        raise Refused("invalid_limit")
    begin = _begin(str(given.get("cursor") or f"{_CURSOR}0"))
    page, rest = teams[begin : begin + limit], teams[begin + limit :]
    cursor = f"{_CURSOR}{begin + limit}" if rest else ""
    named = [{"id": team, "name": DOMAINS.get(team, team)} for team in page]
    return {"teams": named, "response_metadata": {"next_cursor": cursor}}


def _begin(cursor: str) -> int:
    number = cursor.removeprefix(_CURSOR)
    if not cursor.startswith(_CURSOR) or not number.isdigit():
        raise Refused("invalid_cursor")
    return int(number)
