"""Links on the page: pressed, they open a tab of their own in which the video plays."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit


# A file in VOD, at a desk; and one in a bucket, in the hand.
@pytest.mark.parametrize(("room", "width"), [("Room1", 1200), ("stopped-by-api", 420)])
def test_a_link_opens_a_tab_in_which_the_video_plays(visit: Callable[..., Visit], room: str, width: int) -> None:
    here = visit(viewport={"width": width, "height": 800})
    card = here.send(f"/rectask {room} Task1")
    cards = here.cards.count()
    with here.page.context.expect_page() as opened:
        card.get_by_role("link", name="Open file 1").click()
    video = opened.value.locator("video")
    expect(video).to_have_js_property("videoWidth", 320)
    expect(video).to_have_js_property("error", None)
    expect(here.cards).to_have_count(cards)  # the press is acknowledged without a word
