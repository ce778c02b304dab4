"""Every button of what the bot shows, pressed in a browser; those of a message about an end are in the tour's test."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit

Open = Callable[..., Visit]
GRETA = "/?user=U0GRID0001&channel=C0SHARED01"
ON_A_CARD = ["rectask.refresh", "rectask.files", "rectask.raw", "rectask.share"]
OF_ONE_THAT_RUNS = ["rectask.refresh", "rectask.subscribe", "rectask.files", "rectask.raw", "rectask.share"]


@pytest.mark.parametrize(
    ("command", "buttons"),
    [
        ("idle Task1", ON_A_CARD),
        ("run-3600 Every", OF_ONE_THAT_RUNS),
        ("nowhere Task1", ["rectask.refresh", "rectask.refresh.1"]),
        ("watch run-3600 Answer", ["rectask.unsubscribe.answer"]),
        ("help", []),
    ],
)
def test_every_button_is_taken(visit: Open, command: str, buttons: list[str]) -> None:
    """The card of help has none."""
    here = visit(path=GRETA)
    assert here.press_all(here.send(f"/rectask {command}")) == buttons
    expect(here.page.locator("#content")).not_to_contain_text("did not take")
    expect(here.page.locator("#content")).not_to_contain_text("Something went wrong")


@pytest.mark.parametrize("place", ["Home", "List"])
def test_every_button_of_the_list(visit: Open, place: str) -> None:
    here = visit(path=GRETA)
    here.send(f"/rectask watch run-3600 {place}")
    if place == "Home":
        here.page.locator("#channels button").filter(has_text="Home").click()
    shown = here.page.locator("#content .home") if place == "Home" else here.send("/rectask list")
    entry = shown.locator(".section").filter(has_text=f"task {place}")
    here.press(entry.get_by_role("button", name="Unsubscribe"))
    expect(entry).to_have_count(0)  # the subscription that was ended is gone
    here.press(shown.locator("[data-key='rectask.list']"))
    expect(shown).to_contain_text("subscriptions")


def test_a_card_is_shared_after_a_question(visit: Open) -> None:
    here = visit()
    card = here.send("/rectask many-files Task1")
    here.press(card.locator("[data-key='rectask.refresh']"))
    expect(here.traced("cache.passed_by").filter(has_text="many-files").last).to_be_visible()
    here.press(card.locator("[data-key='rectask.files']"))
    expect(here.modal).to_contain_text("File 1")
    here.modal.get_by_role("button", name="Close").last.click()
    expect(here.modal).to_have_count(0)
    card.get_by_role("button", name="Share", exact=True).click()
    question = here.page.locator("dialog.confirm")
    expect(question).to_contain_text("Share this card?")
    question.get_by_role("button", name="Share it").click()
    expect(here.page.locator(".message:not(.ephemeral)").last).to_contain_text("Shared by")
