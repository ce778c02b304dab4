"""Rules that grant rights: what each part says, and what holds whatever the rules are."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access.rights import Principal, Right, Rights, Rule

ALL = frozenset(Right)
LOOK_UP = frozenset({Right.LOOK_UP})
ANN, GUS = Principal("U1"), Principal("U2", is_guest=True)


def may(asker: Principal, *rules: Rule, right: Right = Right.LOOK_UP, app: str = "prod", room: str = "Room1") -> bool:
    return Rights(rules).may(asker, right, app=app, room=room)


@pytest.mark.parametrize("right", Right)
def test_without_rules_full_members_may_everything_and_nobody_else_anything(right: Right) -> None:
    assert may(ANN, right=right)
    assert not may(GUS, right=right)
    assert not may(Principal("U3", is_stranger=True), right=right)


@pytest.mark.parametrize("right", Right)
def test_with_a_rule_only_what_it_grants(right: Right) -> None:
    rule = Rule(frozenset({Right.LOOK_UP, Right.SHARE}))
    assert may(ANN, rule, right=right) == (right in rule.rights)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(ALL), True),
        (Rule(ALL, users=frozenset({"U1"})), True),
        (Rule(ALL, users=frozenset({"U9"})), False),
        (Rule(ALL, groups=frozenset({"S1"})), True),
        (Rule(ALL, groups=frozenset({"S9"})), False),
        (Rule(ALL, users=frozenset({"U9"}), groups=frozenset({"S1"})), True),
        (Rule(ALL, channels=frozenset({"C1"})), True),
        (Rule(ALL, channels=frozenset({"C9"})), False),
        (Rule(ALL, users=frozenset({"U1"}), channels=frozenset({"C9"})), False),
        (Rule(ALL, apps=frozenset({"prod"})), True),
        (Rule(ALL, apps=frozenset({"staging"})), False),
        (Rule(ALL, rooms=("support-*", "Room?")), True),
        (Rule(ALL, rooms=("room1",)), False),
        (Rule(ALL, rooms=("Room[2-9]",)), False),
        (Rule(ALL, rooms=("Room[!2-9]",)), True),
    ],
)
def test_each_part_narrows(rule: Rule, *, fits: bool) -> None:
    assert may(Principal("U1", groups=frozenset({"S1"}), channel="C1"), rule) == fits


def test_a_rule_for_channels_wants_to_know_the_channel() -> None:
    assert not may(ANN, Rule(ALL, channels=frozenset({"C1"})))


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(ALL), False),
        (Rule(ALL, users=frozenset({"U2"})), True),
        (Rule(ALL, groups=frozenset({"S1"})), False),
        (Rule(ALL, groups=frozenset({"S1"}), with_guests=True), True),
        (Rule(ALL, with_guests=True), True),
        (Rule(ALL, users=frozenset({"U1"}), with_guests=True), False),
    ],
)
def test_guests_need_a_rule_that_names_them(rule: Rule, *, fits: bool) -> None:
    assert may(Principal("U2", is_guest=True, groups=frozenset({"S1"})), rule) == fits


@pytest.mark.parametrize("right", Right)
def test_nothing_can_be_done_with_what_may_not_be_looked_up(right: Right) -> None:
    assert not may(ANN, Rule(ALL - LOOK_UP), right=right)
    assert may(ANN, Rule(ALL - LOOK_UP), Rule(LOOK_UP), right=right)


def test_whether_there_is_anything_at_all() -> None:
    elsewhere = Rule(LOOK_UP, users=frozenset({"U1"}), rooms=("nowhere",))
    assert Rights((elsewhere,)).may_anything(ANN)
    assert not Rights((elsewhere,)).may_anything(GUS)
    assert not Rights((Rule(ALL - LOOK_UP),)).may_anything(ANN)
    assert Rights().may_anything(ANN)
    assert not Rights().may_anything(GUS)
    assert not Rights((Rule(ALL),)).may_anything(Principal("U1", is_stranger=True))


def test_the_groups_that_have_to_be_known() -> None:
    assert Rights().groups == frozenset()
    assert Rights((Rule(ALL, groups=frozenset({"S1"})), Rule(ALL), Rule(ALL, groups=frozenset({"S2"})))).groups == {
        "S1",
        "S2",
    }


def some(*names: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names))


a_few = settings(max_examples=30)
RULES = st.builds(
    Rule,
    rights=st.frozensets(st.sampled_from(Right)),
    users=some("U1", "U2"),
    groups=some("S1", "S2"),
    channels=some("C1", "C2"),
    apps=some("prod", "staging"),
    rooms=st.lists(st.sampled_from(["*", "Room?", "Room1", "a-*"]), max_size=2).map(tuple),
    with_guests=st.booleans(),
)
ASKERS = st.builds(
    Principal,
    user_id=st.sampled_from(["U1", "U2", "U3"]),
    is_guest=st.booleans(),
    is_stranger=st.booleans(),
    groups=some("S1", "S2"),
    channel=st.sampled_from([None, "C1", "C2"]),
)
SEVERAL = st.lists(RULES, min_size=1, max_size=5)
QUESTIONS = st.tuples(
    ASKERS, st.sampled_from(Right), st.sampled_from(["prod", "staging"]), st.sampled_from(["Room1", "a-b", "x"])
)
Question = tuple[Principal, Right, str, str]


def answer(rules: list[Rule], question: Question) -> bool:
    asker, right, app, room = question
    return Rights(tuple(rules)).may(asker, right, app=app, room=room)


@a_few
@given(SEVERAL, RULES, QUESTIONS)
def test_one_more_rule_never_takes_away(rules: list[Rule], more: Rule, question: Question) -> None:
    assert answer([*rules, more], question) >= answer(rules, question)


@a_few
@given(SEVERAL, st.randoms(use_true_random=False), QUESTIONS)
def test_the_order_means_nothing(rules: list[Rule], random: Random, question: Question) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert answer(shuffled, question) == answer(rules, question)


@a_few
@given(st.lists(RULES, max_size=5), QUESTIONS)
def test_strangers_may_nothing_ever(rules: list[Rule], question: Question) -> None:
    assert not (question[0].is_stranger and answer(rules, question))


@a_few
@given(st.lists(RULES, max_size=5), QUESTIONS)
def test_a_guest_never_may_what_a_member_in_their_place_may_not(rules: list[Rule], question: Question) -> None:
    asker, right, app, room = question
    member = Principal(asker.user_id, is_stranger=asker.is_stranger, groups=asker.groups, channel=asker.channel)
    assert answer(rules, (member, right, app, room)) >= answer(rules, question)


@a_few
@given(st.lists(RULES, max_size=5), QUESTIONS)
def test_whoever_may_something_may_look_it_up(rules: list[Rule], question: Question) -> None:
    asker, _, app, room = question
    if answer(rules, question):
        assert answer(rules, (asker, Right.LOOK_UP, app, room))
        assert Rights(tuple(rules)).may_anything(asker)
