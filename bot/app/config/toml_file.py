"""The configuration file (TOML): what is too long for the environment. Whatever is wrong in it is told by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot.app.config import validators as forms
from bot.app.config.allow_table import AllowSettings, Flaw, read_ask, read_rule
from bot.app.config.storage_table import STORE_KINDS, StoreSettings
from bot.app.config.toml_positions import NotToml, TomlFile, parse_toml

_TABLES = ("storage", "allow")
_WORDS = ("ask",)

_PATH = "RECTASK_CONFIG is wrong: {}. Example: RECTASK_CONFIG=rectask.toml"


class ConfigFileWrong(Exception):
    """The file cannot be used; `lines` has one for each thing that is wrong, without any value of the file."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class RawTable:
    """One [[table]] as it stands in the file: its values, the line of its head, and the line of each value."""

    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def line_of(self, name: str) -> int:
        """The line of this value, or of the head where there is none of that name."""
        return self.lines.get(name, self.line)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What the file says: the stores in their order, what the variables hold that they name, who may what.

    `ask` is whom people are told to ask for what they may not.
    """

    stores: tuple[StoreSettings, ...] = ()
    store_keys: Mapping[str, SecretStr] = field(default_factory=dict)
    allow: tuple[AllowSettings, ...] = ()
    ask: str | None = None


def read_config_file(path: Path, *, apps: Sequence[str] | None, variables: Mapping[str, str]) -> ConfigFile:
    """Raises ConfigFileWrong. `apps` are the names that may be used, None while they are not known."""
    toml = _read(path)
    tables = {name: _tables(toml, name) for name in _TABLES}
    stores = [(table, *_store(table, apps=apps, variables=variables)) for table in tables["storage"]]
    good = [(table, store) for table, store, flaws in stores if store is not None and not flaws]
    rules = [read_rule(table.values, line_of=table.line_of, apps=apps) for table in tables["allow"]]
    ask, ask_flaws = read_ask(toml.values.get("ask"), line=toml.line_of("ask"))
    flaws = [*_strange(toml), *ask_flaws, *_never_reached(good, apps or ())]
    flaws += [flaw for *_, found in stores for flaw in found] + [flaw for _, found in rules for flaw in found]
    if flaws:
        raise ConfigFileWrong([f"{path.name}, line {line}: {what}" for line, what in sorted(flaws)])
    names = {name for _, store in good for name in store.variables.values()}
    return ConfigFile(
        stores=tuple(store for _, store in good),
        store_keys={name: SecretStr(variables[name]) for name in sorted(names)},
        allow=tuple(rule for rule, _ in rules if rule is not None),
        ask=ask,
    )


def _read(path: Path) -> TomlFile:
    # A path is not told: anything may have been pasted in its place.
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except NotToml as failure:
        raise ConfigFileWrong([f"{path.name}, line {failure.line}: it is not TOML: {failure}."]) from failure
    except UnicodeDecodeError as failure:
        raise ConfigFileWrong([_PATH.format("the file at this path is not UTF-8 text")]) from failure
    except FileNotFoundError:
        raise ConfigFileWrong([_PATH.format("there is no file at this path")]) from None
    except (OSError, ValueError) as failure:
        raise ConfigFileWrong([_PATH.format("the file at this path cannot be read")]) from failure


def _tables(toml: TomlFile, name: str) -> list[RawTable]:
    """The [[tables]] of this name, in their order; what is none is told by _strange."""
    listed = toml.values.get(name, [])
    return [
        RawTable(toml.line_of(name, place), values, {key: toml.line_of(name, place, key) for key in values})
        for place, values in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(values, dict)
    ]


def _strange(toml: TomlFile) -> Iterator[Flaw]:
    """What stands at the top of the file and is no [[table]] that is known."""
    for name, value in toml.values.items():
        line = toml.line_of(name)
        if name not in (*_TABLES, *_WORDS):
            meant = _meant(name, (*_TABLES, *_WORDS))
            yield line, f"there is no such table here{meant}. Known are [[storage]] and [[allow]], and ask beside them."
        elif name in _TABLES and not _is_list_of_tables(value):
            yield line, f"{name} is a list of tables. Example: [[{name}]], with two brackets on each side"


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _meant(name: str, known: Sequence[str]) -> str:
    found = get_close_matches(name.lower(), known, n=1)
    return f"; {found[0]} may be meant" if found else ""


def _store(
    table: RawTable, *, apps: Sequence[str] | None, variables: Mapping[str, str]
) -> tuple[StoreSettings | None, list[Flaw]]:
    kind = table.values.get("kind")
    model = STORE_KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        what = (
            f"is none that is known{_meant(str(kind), list(STORE_KINDS))}" if "kind" in table.values else "is missing"
        )
        return None, [(table.line_of("kind"), f"kind {what}. Known are: {', '.join(STORE_KINDS)}.")]
    try:
        store = model.model_validate(table.values)
    except ValidationError as failure:
        return None, [_in_words(error, table, model) for error in failure.errors()]
    flaws = [*store.contradictions(), *_unusable_app(store, apps), *_unusable_keys(store, variables)]
    return store, [_flaw(table, model, name, what) for name, what in flaws]


def _in_words(error: ErrorDetails, table: RawTable, model: type[StoreSettings]) -> Flaw:
    """The message of pydantic without its own prefix; it never holds the value, which may be a key."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = [field for field in model.model_fields if field != "kind"]
        what = f"kind {table.values['kind']} has no such field{_meant(name, known)}. It has: {', '.join(known)}."
        return table.line_of(name), what
    if error["type"] == "missing":
        return _flaw(table, model, name, "is missing")
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return _flaw(table, model, name, f"is wrong: {said}")


def _flaw(table: RawTable, model: type[StoreSettings], name: str, what: str) -> Flaw:
    (example,) = model.model_fields[name].examples or [""]
    quoted = example if example.isdecimal() else f'"{example}"'
    return table.line_of(name), f"{name} {what}. Example: {name} = {quoted}"


def _unusable_app(store: StoreSettings, apps: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    if store.app is not None and apps is not None and store.app not in apps:
        yield "app", f"is none that is configured{_meant(store.app, apps)}; those are: {', '.join(apps)}"


def _unusable_keys(store: StoreSettings, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, variable in store.variables.items():
        if not variables.get(variable):
            yield name, f"names {variable}, which is not set, neither in the environment nor in .env"
            continue
        try:
            forms.key(SecretStr(variables[variable]))
        except ValueError as flaw:
            yield name, f"names {variable}, whose value is wrong: {flaw}"


def _never_reached(stores: Sequence[tuple[RawTable, StoreSettings]], apps: Sequence[str]) -> Iterator[Flaw]:
    """Rules for which earlier ones leave nothing, in any of the apps that they are for."""
    for place, (table, store) in enumerate(stores):
        before = stores[:place]
        meant = apps if store.app is None else [store.app]
        takers = [next((t for t, s in before if _takes_all_of(s, store, app=app)), None) for app in meant]
        found = sorted({taker.line for taker in takers if taker is not None})
        if found and None not in takers:
            first = " and ".join(f"the one of line {line}" for line in found)
            come, take = ("comes", "takes") if len(found) == 1 else ("come", "take")
            yield table.line, f"this [[storage]] matches nothing: {first} {come} first, and {take} all of it."


def _takes_all_of(earlier: StoreSettings, later: StoreSettings, *, app: str) -> bool:
    return earlier.app in {None, app} and later.prefix.startswith(earlier.prefix) and earlier.needs <= later.needs
