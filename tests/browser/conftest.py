"""The playground as a process of its own, and a browser that looks at it; nothing but loopback is reached."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from yarl import URL

from tests.browser.visits import ARGUMENTS, Visit, address_in

CHROMIUM = shutil.which("chromium")
# Other tests run at the same time.
expect.set_options(timeout=40_000)


@pytest.hookimpl(tryfirst=True)  # before what reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the slow tests of this folder together in one process, and says why they are not run where that is so."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium on the path (apt-get install chromium)"))


@pytest.fixture(scope="module")
def playground_url() -> Iterator[str]:
    """At the end the bot has sent nothing that Slack would have refused."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "playground", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = address_in(process.stdout)
            yield url
            with urllib.request.urlopen(f"{url}/-/stage") as told:  # noqa: S310  # an address on this machine
                slack = json.load(told)["stage"]["slack"]
            assert (slack["complaints"], slack["refusals"]) == ([], [])
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file, not of the session: while it is open, no test may run an event loop of its own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, playground_url: str) -> Iterator[Callable[..., Visit]]:
    """Opens the page as a new visitor would, or as one who has done with the tour.

    At the end no script has failed, and no request, of any tab, left this machine.
    """
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    failed: list[str] = []

    def open_page(*, is_first: bool = False, path: str = "/", **options: Any) -> Visit:
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 800}} | options))
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        if not is_first:
            context.add_init_script("localStorage.setItem('rectask-tour', 'done')")
        page: Page = context.new_page()
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(playground_url + path)
        page.wait_for_selector("#recordings li", state="attached")
        expect(page.locator("#sockets")).to_have_text("1 socket", timeout=60_000)
        return Visit(page)

    yield open_page
    for context in contexts:
        context.close()
    assert failed == []
    assert [url for url in asked if URL(url).host != "127.0.0.1"] == []
