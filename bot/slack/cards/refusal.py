"""What is said to who may not: polite, with whom to ask, and nothing of whether the recording is there."""

import math

from bot.slack.cards.card import Card
from bot.slack.cards.words import words_card


def not_allowed_card(ask: str, *, about_recording: bool = True) -> Card:
    """`ask` is in mrkdwn, from the settings."""
    if not about_recording:
        return words_card("You have no access to recordings here", f"If you need it, please ask {ask}.")
    return words_card(
        "You may not do this here",
        f"That says nothing about whether there is such a recording. If you need it, please ask {ask}.",
    )


def too_often_card(seconds: float, *, per_minute: int) -> Card:
    """For who has asked too often."""
    again = max(1, math.ceil(seconds))
    return words_card(
        "That was a lot at once",
        f"RTC takes a limited number of questions, which all share: {per_minute} a minute are yours. "
        f"*Please try again in {again} s.* What was looked up lately is answered all the same.",
    )


def too_many_deeds_card(seconds: float, *, per_minute: int) -> Card:
    """For who types and presses faster than anybody reads."""
    again = max(1, math.ceil(seconds))
    return words_card(
        "That was a lot at once",
        f"Rectask takes {per_minute} commands and clicks a minute from one person. *Please try again in {again} s.*",
    )


def unknown_person_card() -> Card:
    """Where Slack does not say who somebody is."""
    return words_card(
        "Slack does not say who you are",
        "So it can not be seen whether you may do this. *Please try again in a minute.*",
    )


def unknown_group_card() -> Card:
    """Where Slack does not say who is in a group by which the person could be allowed to."""
    return words_card(
        "Your permission could not be checked",
        "Slack does not say who is in a user group that gives it. *Please try again in a minute.*",
    )
