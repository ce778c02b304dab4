"""What a newcomer does on the page that its authors did not: begins on Home, is a guest, goes by keyboard."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visits import Visit

Open = Callable[..., Visit]
ERROR = '{"ResponseMetadata": {"Error": {"Code": "LackPolicy", "CodeN": 100012, "Message": "not granted"}}}'


def test_what_is_sent_from_home_goes_to_a_conversation(visit: Open) -> None:
    here = visit(is_first=True, path="/?channel=home")
    expect(here.page.locator("#heading")).to_have_text("Home")
    here.page.locator("#tour").get_by_role("button", name="Send it").click()
    expect(here.cards.last).to_contain_text("Room1")
    expect(here.page.locator("#tour")).to_contain_text("2 of 6")


def test_looking_up_from_the_stage_while_on_home(visit: Open) -> None:
    here = visit(path="/?channel=home")
    here.do("idle", "Look up")
    expect(here.cards.last).to_contain_text("idle")


def test_the_tour_does_not_take_a_refusal_for_the_recording(visit: Open) -> None:
    here = visit(is_first=True, path="/?user=U0GUEST001")
    tour = here.page.locator("#tour")
    tour.get_by_role("button", name="Send it").click()
    expect(tour.locator(".problem")).to_contain_text("That is not a recording")
    expect(tour).to_contain_text("1 of 6")
    here.page.select_option("#person", "U0BEN00001")
    expect(tour.locator(".problem")).to_be_empty()
    tour.get_by_role("button", name="Send it").click()
    expect(tour).to_contain_text("2 of 6")


def test_the_page_goes_to_the_answer_of_ones_own_command(visit: Open) -> None:
    here = visit()
    for number in range(3):
        here.send(f"/rectask stopped-by-api Scroll{number}")
    here.page.locator("#content").evaluate("(node) => { node.scrollTop = 0; }")
    card = here.send("/rectask idle Scroll")
    expect(card).to_contain_text("idle")
    expect(
        card.get_by_role("button", name="Subscribe").or_(card.get_by_role("button", name="Share")).first
    ).to_be_in_viewport()


def test_the_command_is_one_key_away(visit: Open) -> None:
    here = visit()
    here.page.evaluate("document.activeElement?.blur()")
    here.page.keyboard.press("Tab")
    skip = here.page.get_by_role("link", name="Skip to the command")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    here.page.keyboard.press("Enter")
    expect(here.page.locator("#command")).to_be_focused()


def test_ones_own_error(visit: Open) -> None:
    here = visit()
    here.page.get_by_text("Your own recording").click()
    here.page.fill("#own-answer", ERROR)
    here.page.fill("#own-room", "a room")
    here.page.get_by_role("button", name="Show its card").click()
    expect(here.page.locator("#own-problem")).to_contain_text("A room id has only letters")
    here.page.fill("#own-room", "refused")
    here.page.get_by_role("button", name="Show its card").click()
    expect(here.cards.last).to_contain_text("LackPolicy")


def test_any_error_of_the_vendors_can_be_chosen(visit: Open) -> None:
    here = visit()
    here.arrange("rtc", "AccessDenied.NoPermissionForApp")
    expect(here.send("/rectask idle chosen")).to_contain_text("AccessDenied.NoPermissionForApp")
    here.arrange("rtc", "")


def test_the_trace_is_kept_to_what_one_just_did(visit: Open) -> None:
    here = visit()
    here.send("/rectask idle before")
    expect(here.traced("task before").first).to_be_visible()
    here.page.get_by_label("what I just did").check()
    here.send("/rectask idle after")
    expect(here.traced("task after").first).to_be_visible()
    expect(here.traced("task before")).to_have_count(0)
