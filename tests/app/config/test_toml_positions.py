"""The lines of a TOML file, whatever stands between them."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.config.toml_positions import NotToml, Path, parse_toml

EXAMPLE = '''# a comment
top = 1
[[storage]]
kind = "tos"  # another
prefix = """
[[not]]
kind = "a table"
"""
list = [
  1,
  { x = 2 },  # here
]
[storage.sub]
q."w.e" = 2
[[storage]]

kind = 'x'
[[storage.deep]]
z = 1
[[storage.deep]]
z = 2
["storage"]
'''


def test_where_everything_stands() -> None:
    text = EXAMPLE.removesuffix('["storage"]\n')
    file = parse_toml(text)
    assert file.values == tomllib.loads(text)
    expected: dict[Path, int] = {
        ("top",): 2,
        ("storage", 0): 3,
        ("storage", 0, "kind"): 4,
        ("storage", 0, "prefix"): 5,
        ("storage", 0, "list"): 9,
        ("storage", 0, "list", 1, "x"): 9,
        ("storage", 0, "sub"): 13,
        ("storage", 0, "sub", "q", "w.e"): 14,
        ("storage", 1): 15,
        ("storage", 1, "kind"): 17,
        ("storage", 1, "deep", 0, "z"): 19,
        ("storage", 1, "deep", 1): 20,
    }
    assert {path: file.lines[path] for path in expected} == expected


def test_what_is_missing_is_told_by_what_is_around_it() -> None:
    file = parse_toml("a = 1\n\n[[b]]\n[[b]]\nc = { d = [1] }\n")
    assert [file.line_of(*path) for path in [("b", 0, "x"), ("b", 1, "c", "d", 0), ("b",), ("x",)]] == [3, 5, 3, 1]


@pytest.mark.parametrize(
    "text", ["a = 1\r\n\r\n[b]\r\nc = '''\r\nx\r\n'''\r\nd = 1\r\n", "\ufeffa = 1\n\n[b]\nc=1\n\n\nd=1"]
)
def test_line_ends_and_marks_of_other_systems(text: str) -> None:
    assert parse_toml(text).line_of("b", "d") == 7


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a = 1\nb = SeCrEtSeCrEt\n", 2, "invalid value"),
        ("a = 1\n\na = 2", 3, "cannot overwrite a value"),
        ("[secret-of-mine]\n[secret-of-mine]\n", 2, "cannot declare (…) twice"),
        ("x = 1\ny = '''\nSeCrEtSeCrEt\n", 4, "expected \"'''\""),
        ("SeCrEtSeCrEt = {SeCrEtSeCrEt=1, SeCrEtSeCrEt=2}", 1, "duplicate inline table key '…'"),
        (EXAMPLE, 22, "cannot declare (…) twice"),
    ],
)
def test_what_is_no_toml_is_told_by_line_without_what_stands_there(text: str, line: int, what: str) -> None:
    with pytest.raises(NotToml) as refused:
        parse_toml(text)
    assert (refused.value.line, str(refused.value)) == (line, what)


names = st.sampled_from(["a", "b-1", '"c.d"', "'e f'", '"[["'])
scalars = st.sampled_from(
    ["1", "-2.5", "true", "2026-11-22", '"x # y"', "'[[z]]'", '"\\" = 1"', '"""\n[a]\n"""', "'''\nb = 1\n\n'''"]
)
values = scalars | st.lists(scalars, max_size=3).map(lambda parts: "[\n" + ",\n# ]\n".join(parts) + "\n]")
statements = st.lists(st.tuples(names, values, st.integers(0, 2)), max_size=5, unique_by=lambda part: part[0])
heads = st.sampled_from(["[[t]]", "[[t.u]]", "[[ 'v' ]]  # w"])


@given(st.lists(st.tuples(heads, statements), max_size=6))
def test_every_value_is_found_at_the_line_that_it_begins_on(
    written: list[tuple[str, list[tuple[str, str, int]]]],
) -> None:
    lines: list[str] = []
    expected: dict[Path, int] = {}
    t, u, v = -1, -1, -1
    for head, body in [("[[t]]", []), *written]:
        match head:
            case "[[t]]":
                t, u = t + 1, -1
                table: Path = ("t", t)
            case "[[t.u]]":
                u += 1
                table = ("t", t, "u", u)
            case _:
                v += 1
                table = ("v", v)
        lines.append(head)
        expected[table] = len(lines)
        for name, value, blank in body:
            lines += ["# a comment = [", ""][:blank]
            expected[(*table, name.strip("\"'"))] = len(lines) + 1
            lines += f"  {name} = {value}".split("\n")
    file = parse_toml("\n".join(lines))
    assert {path: file.lines[path] for path in expected} == expected
    assert len(set(file.lines.values())) == len(expected)
