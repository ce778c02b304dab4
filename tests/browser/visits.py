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

    def recording(self, name: str) -> Locator:
        return self.page.locator("#recordings li").filter(has=self.page.locator(f"code:text-is('{name}')"))

    def do(self, name: str, doing: str) -> Locator:
        """Presses a button of a recording on the stage; the recording's row."""
        row = self.recording(name)
        if row.locator("button.row").get_attribute("aria-expanded") == "false":
            row.locator("button.row").click()
        row.get_by_role("button", name=doing, exact=True).click()
        return row

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
