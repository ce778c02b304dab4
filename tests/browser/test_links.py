"""Links on the page: pressed, they open a tab of their own in which the video plays."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import Visit

# A file in VOD, and one in a bucket.
ROOMS = ["Room1", "stopped-by-api"]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("width", [1200, 420])
def test_a_link_opens_a_tab_in_which_the_video_plays(
    browser: Browser, playground_url: str, room: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.add_init_script("localStorage.setItem('rectask-tour', 'done')")
    try:
        page = context.new_page()
        page.goto(playground_url)
        page.wait_for_selector("#recordings li", state="attached")
        here = Visit(page)
        card = here.send(f"/rectask {room} Task1")
        cards = here.cards.count()
        with context.expect_page() as opened:
            card.get_by_role("link", name="Open file 1").click()
        video = opened.value.locator("video")
        expect(video).to_have_js_property("videoWidth", 320)
        expect(video).to_have_js_property("error", None)
        expect(here.cards).to_have_count(cards)  # the press is acknowledged without a word
    finally:
        context.close()
