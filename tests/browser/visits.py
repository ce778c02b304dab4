"""What somebody does on the playground's page."""

import json
import re
from importlib import resources
from typing import IO, Any

from playwright.sync_api import Locator, Page, expect

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Of these axe finds none; "moderate" and "minor" are looked at by people.
SERIOUS = {"serious", "critical"}


def address_in(out: IO[str] | None) -> str:
    """Where the playground says that it is."""
    assert out is not None
    for line in out:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError("the playground said no address")


class Visit:
    """One page that is open, and hands on it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def send(self, text: str) -> Locator:
        """Sends the command; the card that answers."""
        before = self.cards.count()
        self.page.fill("#command", text)
        self.page.keyboard.press("Enter")
        expect(self.cards).to_have_count(before + 1)
        return self.cards.last

    @property
    def cards(self) -> Locator:
        return self.page.locator("#content .message .blocks")

    @property
    def modal(self) -> Locator:
        return self.page.locator("dialog.modal")

    def press(self, button: Locator) -> None:
        """Presses what asks nothing first; the bot takes it."""
        with self.page.expect_response("**/-/press", timeout=20_000) as answer:
            button.click()
        assert answer.value.json() == {"acked": True, "error": None, "errors": None}

    def press_all(self, shown: Locator) -> list[str]:
        """Presses each button, and those of a modal that opens; questions are answered with no. The ids of all."""
        pressed = []
        for key in dict.fromkeys(one.get_attribute("data-key") for one in shown.locator("button").all()):
            button = shown.locator(f"button[data-key='{key}']").first
            pressed.append(str(key))
            if key in ("rectask.share", "rectask.clear"):
                button.click()
                self.page.locator("dialog.confirm").get_by_role("button", name="Cancel").click()
                continue
            self.press(button)
            if key == "rectask.files":
                pressed += self._press_through()
        return pressed

    def _press_through(self) -> list[str]:
        """The answer as it came, then back to the files, and out."""
        self.press(self.modal.locator("[data-key='rectask.raw']"))
        expect(self.modal).to_contain_text("Raw answer")
        self.press(self.modal.locator("[data-key='rectask.files']"))
        expect(self.modal.locator("[data-key='rectask.raw']")).to_be_visible()
        expect(self.modal.locator(".problem")).to_be_empty()
        self.page.keyboard.press("Escape")
        expect(self.modal).to_have_count(0)
        return ["rectask.raw"]

    def recording(self, name: str) -> Locator:
        return self.page.locator("#recordings li").filter(has=self.page.locator(f"code:text-is('{name}')"))

    def do(self, name: str, doing: str) -> Locator:
        """Presses a button of a recording on the stage; the recording's row."""
        row = self.recording(name)
        if row.locator("button.row").get_attribute("aria-expanded") == "false":
            row.locator("button.row").click()
        row.get_by_role("button", name=doing, exact=True).click()
        return row

    def arrange(self, whose: str, fault: str) -> None:
        """Lets that go wrong with rtc or slack, or nothing, and waits until it is so."""
        with self.page.expect_response(f"**/-/stage/{whose}"):
            self.page.select_option(f"#{whose}-fault", fault)

    def traced(self, words: str) -> Locator:
        return self.page.locator("#trace li").filter(has_text=words)

    def serious_flaws(self) -> list[str]:
        """What axe-core finds of the page as it is."""
        self.page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{flaw['id']}: {json.dumps([node['target'] for node in flaw['nodes']])}"
            for flaw in found["violations"]
            if flaw["impact"] in SERIOUS
        ]
