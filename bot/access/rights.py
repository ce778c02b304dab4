"""Who may do what: rights, the rules that grant them, and somebody who asks.

Rules add up and there is no deny, so that adding one never takes anything away and their order means nothing. Without
any rule full members have every permission. People of other organisations have none, whatever the rules say.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Right(StrEnum):
    """What can be allowed. The values stand in people's settings: keep them.

    The last three are of use only together with the first: nobody may do more with what they may not look up.
    """

    LOOK_UP = "look_up"
    SUBSCRIBE = "subscribe"
    SHARE = "share"
    OPEN_FILES = "open_files"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks for something, and where: `groups` are those of the rules that they are in.

    `channel` is None where it was asked in none, or in one that is not known.
    """

    user_id: str
    is_guest: bool = False
    is_stranger: bool = False
    groups: frozenset[str] = frozenset()
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Grants `rights` to those who fit every part of it; an empty part fits everybody or everything.

    `users` and `groups` are one part: whoever is in either fits. Guests fit only where `users` has them or
    `with_guests` is set. `rooms` are shell-style patterns: `*`, `?`, `[a-z]`, `[!a-z]`, with case.
    """

    rights: frozenset[Right]
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    rooms: tuple[str, ...] = ()
    with_guests: bool = False

    def fits(self, asker: Principal) -> bool:
        """Whether it says anything about this asker, here."""
        return self.fits_somewhere(asker) and (not self.channels or asker.channel in self.channels)

    def fits_somewhere(self, asker: Principal) -> bool:
        """Whether it says anything about this asker, in whichever channel."""
        is_named = asker.user_id in self.users
        if asker.is_guest and not (is_named or self.with_guests):
            return False
        return not (self.users or self.groups) or is_named or not self.groups.isdisjoint(asker.groups)

    def covers(self, app: str, room: str) -> bool:
        """Whether it says anything about this room of this app."""
        if self.apps and app not in self.apps:
            return False
        return not self.rooms or any(fnmatchcase(room, pattern) for pattern in self.rooms)


@dataclass(frozen=True, slots=True)
class Rights:
    """All the rules together."""

    rules: tuple[Rule, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """The user groups that have to be known of."""
        return frozenset().union(*(rule.groups for rule in self.rules))

    def may(self, asker: Principal, right: Right, *, app: str, room: str) -> bool:
        """Whether the asker may do this with recordings in this room of this app, of that name."""
        if asker.is_stranger:
            return False
        if not self.rules:
            return not asker.is_guest
        granted = [rule.rights for rule in self.rules if rule.fits(asker) and rule.covers(app, room)]
        return all(any(wanted in rights for rights in granted) for wanted in (Right.LOOK_UP, right))

    def may_anything(self, asker: Principal) -> bool:
        """Whether there is anything at all that the asker may look up, here."""
        if asker.is_stranger:
            return False
        if not self.rules:
            return not asker.is_guest
        return any(Right.LOOK_UP in rule.rights and rule.fits(asker) for rule in self.rules)

    def may_look_up_in(self, asker: Principal, *, app: str) -> bool:
        """Whether the asker may look up any room of this app, here."""
        if asker.is_stranger:
            return False
        if not self.rules:
            return not asker.is_guest
        rules = [rule for rule in self.rules if rule.fits(asker) and (not rule.apps or app in rule.apps)]
        return any(Right.LOOK_UP in rule.rights for rule in rules)

    def may_somewhere(self, asker: Principal, right: Right) -> bool:
        """Whether the asker may do this with any recording in any channel."""
        if asker.is_stranger:
            return False
        if not self.rules:
            return not asker.is_guest
        granted = [rule.rights for rule in self.rules if rule.fits_somewhere(asker)]
        return all(any(wanted in rights for rights in granted) for wanted in (Right.LOOK_UP, right))
