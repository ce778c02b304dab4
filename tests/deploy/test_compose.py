"""deploy/compose.yaml against the schema of Compose, and what it must say to be right for this bot."""

import copy
import json
import re
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml
from dotenv import dotenv_values

from bot import __version__
from bot.app.config.load import load_settings
from bot.app.config.toml_file import ConfigFile, read_config_file
from tests.deploy.names import NAMES, ROUTES
from tests.deploy.places import COMPOSE, DEPLOY, ROOT

ENDS_WITHIN = 10  # seconds after SIGTERM: docs/operations.md
# What Compose and PostgreSQL's own library read; everything else in the example is the bot's.
NOT_OURS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "IMAGE_TAG", "PGPASSWORD"}
BOTS = ("bot-1", "bot-2")

CompositionFile = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> CompositionFile:
    loaded: CompositionFile = yaml.safe_load(COMPOSE.read_text())
    return loaded


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(DEPLOY / ".env.example", interpolate=False).items()}


def _check(compose: CompositionFile) -> None:
    """The schema comes with check-jsonschema, which keeps a copy of Compose's own."""
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text())).validate(compose)


def test_compose_knows_every_field(compose: CompositionFile) -> None:
    _check(compose)


@pytest.mark.parametrize(
    ("way", "misspelt"),
    [
        (["services", "bot-1"], "stop_grace_periods"),
        (["services", "bot-1", "healthcheck"], "start_periods"),
        (["services", "redis"], "readonly"),
        (["networks", "inside"], "internl"),
        ([], "service"),
    ],
)
def test_a_misspelt_field_is_found(compose: CompositionFile, way: list[str], misspelt: str) -> None:
    broken = copy.deepcopy(compose)
    at: Any = broken
    for step in way:
        at = at[step]
    at[misspelt] = "1"
    with pytest.raises(jsonschema.ValidationError, match=misspelt):
        _check(broken)


def test_every_name_is_a_setting(compose: CompositionFile, example: dict[str, str]) -> None:
    for bot in BOTS:
        assert compose["services"][bot]["environment"].keys() - NOT_OURS <= NAMES
    assert example.keys() - NOT_OURS <= NAMES


def test_every_variable_of_the_file_is_in_the_example_or_has_a_default(example: dict[str, str]) -> None:
    variables = dict(re.findall(r"\$\{(\w+)(:?[-?]?)", COMPOSE.read_text()))
    assert {name for name, kind in variables.items() if kind != ":-"} <= example.keys()
    assert variables.keys() <= NOT_OURS


@pytest.mark.parametrize("bot", BOTS)
def test_the_bot_starts_with_these_settings(compose: CompositionFile, example: dict[str, str], bot: str) -> None:
    environment = {
        name: re.sub(r"\$\{(\w+):[^}]*\}", lambda found: example[found[1]], value)
        for name, value in compose["services"][bot]["environment"].items()
    }
    filled_in = example | environment | {"RECTASK_APP_ID": "661e0000000000000000543c"}
    settings = load_settings(
        environ=filled_in | {"RECTASK_CONFIG": str(DEPLOY / "configuration.toml")},
        env_file=DEPLOY / "no.env",
        for_slack=True,
        for_store=True,
    )
    assert settings.slack_app_token is not None
    assert settings.redis_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://rectask@postgres/rectask"


def test_the_configuration_is_where_the_setting_says(compose: CompositionFile) -> None:
    bot = compose["services"]["bot-1"]
    assert [entry["target"] for entry in bot["configs"]] == [bot["environment"]["RECTASK_CONFIG"]]
    path = DEPLOY / compose["configs"][bot["configs"][0]["source"]]["file"]
    assert read_config_file(path, apps=None, variables={}) == ConfigFile()


def test_the_replicas_differ_in_nothing(compose: CompositionFile) -> None:
    first, second = (compose["services"][bot] for bot in BOTS)
    assert first == second
    assert first["environment"]["RECTASK_REPLICAS"] == str(len(BOTS))
    assert {name for name in compose["services"] if name.startswith("bot")} == set(BOTS)


def test_health_is_asked_where_the_bot_answers(compose: CompositionFile) -> None:
    bot = compose["services"]["bot-1"]
    ((port, path),) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", bot["healthcheck"]["test"][-1])
    assert port == bot["environment"]["RECTASK_PORT"]
    assert ("GET", path) in ROUTES
    assert path == "/readyz"
    compile(bot["healthcheck"]["test"][-1], "healthcheck", "exec")


def test_the_image_asks_itself_past_every_proxy() -> None:
    (command,) = re.findall(r"^    CMD (\[.+\])$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    *_, program = json.loads(command)
    compile(program, "healthcheck", "exec")
    assert "ProxyHandler({})" in program
    assert ("GET", "/healthz") in ROUTES
    assert "/healthz" in program


def test_it_has_the_time_to_end(compose: CompositionFile) -> None:
    assert _seconds(compose["services"]["bot-1"]["stop_grace_period"]) > ENDS_WITHIN


def _seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


def test_every_container_is_shut_in(compose: CompositionFile) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] != "0", name
        assert "ports" not in service, name
        assert "healthcheck" in service, name


def test_it_runs_as_the_user_of_the_image(compose: CompositionFile) -> None:
    (uid,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert compose["services"]["bot-1"]["user"] == f"{uid}:{uid}"


def test_the_image_has_the_drivers() -> None:
    assert "'.[postgres,redis]'" in (ROOT / "Dockerfile").read_text()


def test_only_the_bot_reaches_the_world(compose: CompositionFile) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    reaching = {name for name, service in compose["services"].items() if service["networks"] != ["inside"]}
    assert reaching == set(BOTS)


def test_redis_keeps_nothing_and_throws_nothing_away(compose: CompositionFile) -> None:
    command = compose["services"]["redis"]["command"]
    options = dict(zip(command[0::2], command[1::2], strict=True))
    assert (options["--save"], options["--appendonly"], options["--maxmemory-policy"]) == ("", "no", "noeviction")
    assert "volumes" not in compose["services"]["redis"]


def test_the_image_is_of_this_release(example: dict[str, str]) -> None:
    assert re.findall(r"IMAGE_TAG:-([\d.]+)", COMPOSE.read_text()) == [__version__]
    assert example["IMAGE_TAG"] == __version__
