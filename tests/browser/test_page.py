"""The playground's page in a browser: the tour, the stage, what happens, hostile text."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit

Open = Callable[..., Visit]
NARROW = 400


def test_the_tour(visit: Open) -> None:
    """By its own buttons, as somebody who only wants to see, and all of the message's; then it is remembered."""
    here = visit(is_first=True)
    page, tour = here.page, here.page.locator("#tour")
    for step, act in enumerate(["Send it", "Next", "Next", "Look it up", "End it", "Go there"], start=1):
        expect(tour).to_contain_text(f"{step} of 6")
        if act == "Go there":
            dm = page.locator("#channels button").filter(has_text="Rectask")
            expect(dm.locator(".unread")).to_be_visible(timeout=20_000)
        tour.get_by_role("button", name=act).click()
        if act == "Look it up":
            here.cards.filter(has_text="task Tour").get_by_role("button", name="Subscribe", exact=True).click()
    expect(tour).to_contain_text("That’s all.", timeout=15_000)
    expect(page.locator("#heading")).to_have_text("Rectask")
    expect(here.cards.last).to_contain_text("stopped through the API")
    expect(page.locator("#notices .delivered")).to_have_count(1)
    expect(here.traced("notice.delivered").last).to_be_visible()
    tour.get_by_role("button", name="Finish").click()
    assert here.press_all(here.cards.last) == ["rectask.refresh", "rectask.links", "rectask.files", "rectask.raw"]
    page.reload()
    page.wait_for_selector("#recordings li")
    expect(tour).to_be_hidden()


def test_the_tour_is_skipped_and_taken_again(visit: Open) -> None:
    here = visit(is_first=True)
    tour = here.page.locator("#tour")
    tour.get_by_role("button", name="Skip the tour").click()
    expect(tour).to_be_hidden()
    here.page.get_by_role("button", name="Take the tour").click()
    expect(tour).to_contain_text("1 of 6")


def test_a_subscription_is_begun_and_ended(visit: Open) -> None:
    here = visit(path="/?user=U0BEN00001")
    card = here.send("/rectask run-3600 Button")
    card.get_by_role("button", name="Subscribe", exact=True).click()
    card.get_by_role("button", name="Unsubscribe from run-3600 / Button").click()
    card.get_by_role("button", name="Subscribe", exact=True).click()
    expect(card.get_by_role("button", name="Unsubscribe from run-3600 / Button")).to_be_visible()
    row = here.do("run-3600 Button", "Idle out")
    expect(row.locator(".status")).to_contain_text("ended, 1 file")


def test_what_happens_at_each_layer(visit: Open) -> None:
    here = visit()
    here.send("/rectask idle Layers")
    asked = here.traced("room idle, task Layers: signature checked, 200")
    asked.locator("summary").click()
    expect(asked).to_contain_text("x-content-sha256;x-date")
    expect(here.traced("cache.missed").filter(has_text="Layers")).to_have_count(1)
    expect(here.traced("turn.awaited").last).to_be_visible()
    here.send("/rectask idle Layers")
    hit = here.traced("cache.hit").filter(has_text="task: Layers").last
    expect(hit).to_be_visible()
    here.page.select_option("#layer", "rtc")
    expect(hit).to_be_hidden()
    here.page.select_option("#layer", "")
    here.send("/rectask watch idle Layers")
    expect(hit).to_contain_text("times")  # one line, though the bot asks its memory again
    here.page.click("#clear")
    expect(here.page.locator("#trace li")).to_have_count(0)


def test_what_goes_wrong_is_seen_and_ends(visit: Open) -> None:
    here = visit()
    page = here.page
    for fault, said in [("skewed", "InvalidTimestamp"), ("down", "RTC can't be reached")]:
        here.arrange("rtc", fault)
        expect(here.send(f"/rectask idle {fault}")).to_contain_text(said)
    here.arrange("rtc", "")
    expect(here.send("/rectask idle well")).to_contain_text("Ended after 1 h")
    here.arrange("slack", "429")
    page.locator("#channels button").filter(has_text="Home").click()
    expect(here.traced("views.publish: ratelimited").last).to_be_visible()
    here.arrange("slack", "down")
    expect(page.locator("#sockets")).to_have_text("no bot yet")
    here.arrange("slack", "")
    expect(page.locator("#sockets")).to_have_text("1 socket", timeout=60_000)  # the bot may wait 10 s
    page.locator("#channels button").filter(has_text="oncall").click()
    expect(here.send("/rectask idle back")).to_contain_text("Ended after 1 h")
    page.click("#hour")
    expect(page.locator("#clock")).to_have_text("1 h ahead")


def test_ones_own_recording(visit: Open) -> None:
    here = visit()
    here.page.get_by_text("Your own recording").click()
    here.page.fill("#own-answer", "this is nothing")
    here.page.get_by_role("button", name="Show its card").click()
    expect(here.page.locator("#own-problem")).to_contain_text("Neither JSON nor a file")
    task = '{"Status": 4, "StartTime": 1600000000000, "EndTime": 1600000060000, "StopReason": "StartTaskFailed"}'
    here.page.fill("#own-answer", task)
    here.page.fill("#own-room", "incident-7")
    here.page.get_by_role("button", name="Show its card").click()
    expect(here.cards.last).to_contain_text("incident-7")
    expect(here.page.locator("#own-problem")).to_be_empty()


def test_hostile_text_stays_text(visit: Open) -> None:
    here = visit()
    card = here.send("/rectask hostile Task1")
    expect(card).to_contain_text("<!channel>")
    assert card.locator(".mention.live").count() == 0
    here.send("/rectask <img/src=x/onerror=alert(1)> Task1")
    assert here.page.locator("#content img").count() == 0
    here.page.evaluate("window.wasRun = false")
    script = "<script>window.wasRun = true</script><img src=x onerror='window.wasRun = true'>"
    here.page.get_by_text("Your own recording").click()
    here.page.fill("#own-answer", f'{{"Status": 3, "StartTime": 1, "StopReason": "{script}"}}')
    here.page.get_by_role("button", name="Show its card").click()
    expect(here.cards.last).to_contain_text("<script>")
    assert here.page.evaluate("window.wasRun") is False


def test_the_heading_of_what_happens_stands_on_one_line(visit: Open) -> None:
    here = visit()
    for words in (here.page.locator("#trace-title"), here.page.locator("#clear")):
        box = words.bounding_box()
        assert box is not None
        assert box["width"] > box["height"]


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1200), ("light", 400)])
def test_nothing_serious_is_found_by_axe(visit: Open, scheme: str, width: int) -> None:
    where = "/?user=U0BEN00001&channel=C0OUTSIDE1"  # few messages stand there, and each costs axe its time
    here = visit(is_first=True, path=where, color_scheme=scheme, viewport={"width": width, "height": 800})
    here.send("/rectask hostile Task1")
    here.send("/rectask running Task1")
    if width == NARROW:
        assert here.serious_flaws() == []
        here.page.click("#show-stage")
    here.recording("running").locator("button.row").click()
    here.page.get_by_text("Your own recording").click()
    here.traced("GetRecordTask").last.locator("summary").click()
    assert here.serious_flaws() == []
    assert here.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_block_that_is_not_known_is_shown_as_json(visit: Open, playground_url: str) -> None:
    here = visit()
    posted = here.page.request.post(
        f"{playground_url}/api/chat.postMessage",
        headers={"Authorization": "Bearer xoxb-stand-in-bot"},
        data={"channel": "C0ONCALL01", "text": "x", "blocks": [{"type": "markdown", "text": "**bold**"}]},
    )
    assert posted.json()["ok"]
    expect(here.page.locator("#content .as-json").last).to_contain_text('"type": "markdown"')
    expect(here.page.locator("#content .as-json").last).to_contain_text("Unknown block: markdown")


def test_it_is_light_and_soon_there(visit: Open, record_property: Callable[[str, object], None]) -> None:
    """Without what is told of the world. The time is told and not judged: other things run on this machine as well."""
    here = visit()
    sizes = here.page.evaluate(
        "performance.getEntries().filter((one) => one.encodedBodySize && !one.name.includes('/-/'))"
        ".map((one) => one.encodedBodySize)"
    )
    assert 20_000 < sum(sizes) < 150_000
    painted = here.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    record_property("first contentful paint, ms", round(painted))
    assert painted > 0
