"""Every event that the log may tell of stands in docs/operations.md, and none that it never tells of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Made of a service's name, in bot/volcengine/api/client.py.
OF_SERVICES = {f"{service}.{what}" for service in ("rtc", "vod") for what in ("lost", "recovered")}
_EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


def test_every_event_is_documented_and_no_other() -> None:
    assert documented() == logged() | OF_SERVICES


def documented() -> set[str]:
    """What the first column of the tables of events names, and the line about the level debug."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = page.partition("The log has one line for each change of state")[2].partition("\n## ")[0]
    lines = told.splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
    cells += [line for line in lines if line.startswith("At the level debug")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if _EVENT.fullmatch(name)}


def logged() -> set[str]:
    return {event for path in (ROOT / "bot").rglob("*.py") for event in _events_in(path)}


def _events_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).startswith("log."):
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and _EVENT.fullmatch(str(part.value)):
                    yield str(part.value)
