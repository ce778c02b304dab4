"""`make screenshots`: the pictures in README.md (light) and docs/ (dark), taken from the playground as it is."""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.visits import ARGUMENTS, Visit, address_in

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "playground", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = address_in(process.stdout)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
                take_whole(browser, url, scheme="light", user="U0ANA00001", to="playground.png")
                take_whole(browser, url, scheme="dark", user="U0BEN00001", to="playground-dark.png")
                take_card(browser, url)
                browser.close()
        finally:
            process.terminate()
            process.wait()


def take_card(browser: Browser, url: str) -> None:
    """The card alone, as the README begins with it; nobody is shown more of the chat."""
    page = open_page(browser, f"{url}/?channel=C0OUTSIDE1", scheme="light", width=760, scale=2)
    here = Visit(page)
    here.send("/rectask stopped-by-api Task1")
    page.evaluate("document.body.classList.add('bare')")
    here.page.locator("#content .message").last.screenshot(path=DOCS / "card.png")
    page.context.close()


def take_whole(browser: Browser, url: str, *, scheme: str, user: str, to: str) -> None:
    page = open_page(browser, f"{url}/?user={user}", scheme=scheme, width=1280)
    here = Visit(page)
    here.send("/rectask idle Task1")
    page.focus("#command")
    here.recording("idle").locator("button.row").click()
    asked = here.traced("room idle, task Task1").last
    asked.locator("summary").click()
    page.evaluate("document.activeElement.blur(); document.querySelector('.props').scrollTop = 0")
    asked.evaluate("(node) => node.scrollIntoView({ block: 'start' })")
    page.mouse.move(0, 0)
    page.screenshot(path=DOCS / to)
    page.context.close()


def open_page(browser: Browser, url: str, *, scheme: str, width: int, scale: int = 1) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 860},
        device_scale_factor=scale,
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Europe/Berlin",
        locale="en-GB",
    )
    context.add_init_script("localStorage.setItem('rectask-tour', 'done')")
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#recordings li").first).to_be_attached()
    expect(page.locator("#sockets")).to_have_text("1 socket")
    return page


if __name__ == "__main__":
    main()
