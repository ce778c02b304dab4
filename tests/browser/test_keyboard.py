"""The keyboard alone: every control is reached, works, and nobody loses their place when the page draws anew."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.visits import Visit

Open = Callable[..., Visit]
BEN = "/?user=U0BEN00001&channel=C0ONCALL01"
FURTHEST = 300


def test_the_keyboard_is_enough(visit: Open) -> None:
    """From the command to a modal and back, a question, and a recording that is made to end."""
    here = visit()
    page, keyboard = here.page, here.page.keyboard
    page.focus("#command")
    keyboard.press("ControlOrMeta+A")
    keyboard.type("/rectask run-3600 Keys")
    keyboard.press("Enter")
    expect(here.cards.last).to_contain_text("Keys")
    more, share = (here.cards.last.get_by_role("button", name=name, exact=True) for name in ("More", "Share"))
    tab_to(here, more, backwards=True)
    keyboard.press("Enter")
    expect(here.modal.get_by_role("button", name="Raw answer")).to_be_visible()
    keyboard.press("Escape")
    expect(here.modal).to_have_count(0)
    expect(more).to_be_focused()
    tab_to(here, share)
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Escape")
    expect(share).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(here.page.locator(".message:not(.ephemeral)").last).to_contain_text("Shared by")
    row = here.recording("run-3600 Keys")
    page.focus("#trace")
    tab_to(here, row.locator("button.row"), backwards=True)
    keyboard.press("Enter")
    tab_to(here, row.get_by_role("button", name="End", exact=True))
    keyboard.press("Space")
    expect(row.locator(".status")).to_contain_text("ended")
    expect(row.get_by_role("button", name="End", exact=True)).to_be_focused()


def test_the_tour_keeps_its_place(visit: Open) -> None:
    here = visit(is_first=True, path=BEN)
    next_step = here.page.locator("#tour").get_by_role("button", name="Next")
    next_step.focus()
    for step in range(2, 5):
        here.page.keyboard.press("Enter")
        expect(here.page.locator("#tour")).to_contain_text(f"{step} of 6")
        expect(next_step).to_be_focused()
    tab_to(here, here.page.get_by_role("button", name="Skip the tour"))
    here.page.keyboard.press("Enter")
    expect(here.page.locator("#command")).to_be_focused()


def test_the_place_is_kept_where_something_comes_above(visit: Open, playground_url: str) -> None:
    """In the list of recordings, where another's controls open above; in the home tab; in the list of places."""
    here = visit(path=BEN)
    here.send("/rectask idle Below")
    row = here.recording("idle Below").locator("button.row")
    row.focus()
    here.page.evaluate("document.querySelector('#recordings button').dispatchEvent(new MouseEvent('click'))")
    expect(here.page.locator("#recordings .controls")).to_be_visible()
    expect(row).to_be_focused()
    here.send("/rectask watch run-3600 Place")
    home = here.page.locator("#channels button").filter(has_text="Home")
    home.focus()
    here.page.keyboard.press("Enter")
    refresh = here.page.locator("#content [data-key='rectask.list']")
    expect(home).to_be_focused()
    refresh.focus()
    told(here, playground_url, "command", user="U0BEN00001", channel="C0ONCALL01", text="/rectask watch run-3600 Other")
    here.page.keyboard.press("Enter")
    expect(here.page.locator("#content")).to_contain_text("Other")
    expect(refresh).to_be_focused()


def test_menus_and_selects(visit: Open, playground_url: str) -> None:
    """Which the bot has none of, but other apps do: an arrow opens a select, and chooses nothing by itself."""
    here = visit(path=BEN)
    keyboard = here.page.keyboard
    posted(here, playground_url, overflow("first", "second"), select("one", "two"))
    menu = here.page.locator("#content details.overflow")
    here.page.focus("#command")
    tab_to(here, menu.locator("summary"), backwards=True)
    keyboard.press("Enter")
    tab_to(here, menu.get_by_role("button", name="first"))
    keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    keyboard.press("Enter")
    tab_to(here, menu.get_by_role("button", name="second"))
    with here.page.expect_request("**/-/press") as pressed:
        keyboard.press("Enter")
    assert said(pressed.value)["selected_option"]["value"] == "second"
    expect(menu.locator("summary")).to_be_focused()
    tab_to(here, here.page.locator("#content select"))
    keyboard.press("ArrowDown")
    with here.page.expect_request("**/-/press") as chosen:
        keyboard.press("ArrowDown")
        keyboard.press("ArrowDown")
        keyboard.press("Enter")
    assert said(chosen.value)["selected_option"]["value"] == "two"


def tab_to(here: Visit, wanted: Locator, *, backwards: bool = False) -> None:
    """Goes on until the focus, which is always to be seen, is there."""
    expect(wanted).to_be_visible()
    for _ in range(FURTHEST):
        here.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        style, is_visible, is_there = wanted.evaluate(
            "(node) => { const it = document.activeElement; "
            "return [getComputedStyle(it).outlineStyle, it.matches(':focus-visible'), it === node] }"
        )
        if is_there:
            assert (style, is_visible) == ("solid", True)
            return
    raise AssertionError(f"no way to {wanted} by Tab")


def told(here: Visit, url: str, what: str, **body: str) -> None:
    assert here.page.request.post(f"{url}/-/{what}", data=body).json()["error"] is None


def posted(here: Visit, url: str, *elements: dict[str, Any]) -> None:
    before = here.cards.count()
    blocks = [{"type": "actions", "elements": list(elements)}]
    answer = here.page.request.post(
        f"{url}/api/chat.postMessage",
        headers={"Authorization": "Bearer xoxb-stand-in-bot"},
        data={"channel": "C0ONCALL01", "text": "x", "blocks": blocks},
    )
    assert answer.json()["ok"]
    expect(here.cards).to_have_count(before + 1)


def said(request: Any) -> dict[str, Any]:
    body: dict[str, Any] = request.post_data_json
    return body


def overflow(*values: str) -> dict[str, Any]:
    return {"type": "overflow", "action_id": "menu", "options": options(values)}


def select(*values: str) -> dict[str, Any]:
    placeholder = {"type": "plain_text", "text": "Choose"}
    return {"type": "static_select", "action_id": "choice", "placeholder": placeholder, "options": options(values)}


def options(values: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"text": {"type": "plain_text", "text": value}, "value": value} for value in values]
