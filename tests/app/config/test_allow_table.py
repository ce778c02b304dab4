"""[[allow]] in the configuration file: what is taken, and the line that each wrong part of it is told by."""

from pathlib import Path

import pytest

from bot.access.rights import Right
from bot.app.config.allow_table import RIGHT_NAMES, AllowSettings
from bot.app.config.load import load_settings
from bot.app.config.settings import Settings, SettingsError

ENVIRON = {
    "VOLC_ACCESSKEY": "AKx",
    "VOLC_SECRETKEY": "SKx==",
    "RECTASK_APPS": "prod=661e0000000000000000543c,staging=661f0000000000000000543c",
}
RULE = '[[allow]]\nrights = ["look_up"]\n'
WHOLE = """
ask = "the platform team in <#C0PLATFORM>"

[[allow]]
rights = ["look_up", "subscribe", "share", "open_files"]
users = ["U024BE7LH", "W012A3CDE"]
groups = ["S0614TZR7"]
channels = ["C012AB3CD", "G012AB3CD", "D012AB3CD"]
apps = ["prod", "staging"]
rooms = ["support-*", "Room?", "r[0-9]", "r[!a-z]@b.c_d", "*"]
guests = true

[[allow]]
rights = ["look_up"]
"""


def load(folder: Path, text: str, **more: str) -> Settings:
    (folder / "rectask.toml").write_text(text, encoding="utf-8")
    return load_settings(environ=ENVIRON | more, env_file=folder / ".env")


def lines_for(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(folder, text)
    return refused.value.lines


def test_what_is_taken(tmp_path: Path) -> None:
    file = load(tmp_path, WHOLE).file
    assert file.ask == "the platform team in <#C0PLATFORM>"
    assert [len(rule.rooms) for rule in file.allow] == [5, 0]
    assert file.allow[1] == AllowSettings(rights=["look_up"])
    assert not file.allow[1].guests


def test_nothing_is_taken_where_nothing_stands(tmp_path: Path) -> None:
    file = load(tmp_path, "").file
    assert (file.allow, file.ask) == ((), None)


def test_the_names_are_those_of_the_rights() -> None:
    assert list(RIGHT_NAMES) == list(Right)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n[[allow]]\n", "line 2: rights is missing, so that the rule allows nothing. Example: rights ="),
        ("[[allow]]\nrights = []\n", "line 2: rights is wrong: it is empty, so that the rule matches nothing."),
        ('[[allow]]\nrights = "look_up"\n', "line 2: rights is wrong: "),
        ('[[allow]]\nrights = ["look_up", "look up"]\n', "line 2: rights has entry 2, which is no right; look_up may"),
        (
            '[[allow]]\nrights = ["Share"]\n',
            "line 2: rights has entry 1, which is no right; share may be meant: look_up,",
        ),
        ('[[allow]]\nrights = ["zzz"]\n', "line 2: rights has entry 1, which is no right: look_up, subscribe, share,"),
        (RULE + 'user = ["U024BE7LH"]\n', "line 3: [[allow]] has no such field; users may be meant. It has: rights,"),
        (
            RULE + "users = []\n",
            'line 3: users is wrong: it is empty, so that the rule matches nothing. Example: users = ["U',
        ),
        (RULE + 'users = ["U024BE7LH",\n  "@ana"]\n', "line 3: users is wrong: entry 2 is no id of a user: U or W,"),
        (RULE + 'users = ["S0614TZR7"]\n', "line 3: users is wrong: entry 1 is no id of a user"),
        (RULE + "users = [7]\n", "line 3: users is wrong: "),
        (RULE + 'groups = ["@oncall"]\n', "line 3: groups is wrong: entry 1 is no id of a user group: S, then"),
        (RULE + 'channels = ["#oncall"]\n', "line 3: channels is wrong: entry 1 is no id of a channel: C, G or D"),
        (
            RULE + 'apps = ["prdo"]\n',
            "line 3: apps has entry 1, which is not configured; prod may be meant; those are:",
        ),
        (RULE + "apps = []\n", "line 3: apps is wrong: it is empty"),
        (RULE + 'rooms = ["a/b"]\n', "line 3: rooms is wrong: entry 1 is no pattern that a room id can match"),
        (RULE + 'rooms = ["ok", ""]\n', "line 3: rooms is wrong: entry 2 is no pattern"),
        (RULE + 'rooms = ["a[b"]\n', "line 3: rooms is wrong: entry 1 is no pattern"),
        (RULE + "guests = 1\n", "line 3: guests is wrong: "),
        (RULE + 'ask = "ann"\n', "line 3: [[allow]] has no such field"),
        ("ask = 1\n" + RULE, "line 1: ask is wrong: it is a line of 1 to 200 characters. Example: ask ="),
        ('ask = ""\n' + RULE, "line 1: ask is wrong"),
        ('aks = ""\n' + RULE, "line 1: there is no such table here; ask may be meant."),
    ],
)
def test_what_is_wrong_is_told_by_its_line(text: str, said: str, tmp_path: Path) -> None:
    (line,) = lines_for(tmp_path, text)
    assert line.startswith(f"rectask.toml, {said}")


def test_all_that_is_wrong_is_told_at_once_and_no_value(tmp_path: Path) -> None:
    text = '[[allow]]\nrights = ["xoxb-1"]\nusers = ["xoxb-2"]\n[[allow]]\nrooms = ["xoxb 3"]\nxoxb = 4\n'
    lines = lines_for(tmp_path, text)
    assert [line.split(":")[0] for line in lines] == [f"rectask.toml, line {n}" for n in (3, 4, 5, 6)]
    assert "xoxb" not in "\n".join(lines).replace("xoxb-…", "")
