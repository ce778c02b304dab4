"""The table of signs: one in the code, one for people, and no sign anywhere else."""

import re
from pathlib import Path

import bot
from bot.slack.cards.signs import Sign

ROOT = Path(bot.__file__).parent
# Pictographs, as far as anybody would put them on a card.
PICTOGRAPH = re.compile("[\u2300-\u23ff\u2600-\u27bf\U0001f300-\U0001faff]")


def test_the_documents_have_the_same_table() -> None:
    rows = re.findall(r"^\| (\S+) \| .", (ROOT.parent / "docs/signs.md").read_text(), re.MULTILINE)
    assert rows[1:] == list(Sign)


def test_every_sign_on_a_card_is_in_the_table() -> None:
    files = [path for path in (ROOT / "slack").rglob("*.py") if path.name not in ("signs.py", "typed.py")]
    assert len(files) > 30
    assert not [path.name for path in files if PICTOGRAPH.search(path.read_text())]
