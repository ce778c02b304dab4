"""The configuration file: what is taken, and the line that each wrong part of it is told by."""

import re
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.config.load import load_settings
from bot.app.config.settings import Settings, SettingsError
from bot.app.config.storage_table import PLACEHOLDERS, S3Settings, TemplateSettings, TosSettings, VodSettings

APPS = "prod=661e0000000000000000543c,staging=661f0000000000000000543c"
READ_KEY, READ_SECRET = "AKIAREADKEY0EXAMPLE0", "read/secret+of0the1bucket=="
ENVIRON = {
    "VOLC_ACCESSKEY": "AKx",
    "VOLC_SECRETKEY": "SKx==",
    "RECTASK_APPS": APPS,
    "READ_KEY": READ_KEY,
    "READ_SECRET": READ_SECRET,
    "BROKEN": "a key\nwith a line's end",
}
# The bodies of rules that are well, for tests of something else. Each begins on its second line.
TOS = """
[[storage]]
kind = "tos"
bucket = "rec-bucket"
region = "cn-beijing"
endpoint = "tos-cn-beijing.volces.com"
"""
S3 = """
[[storage]]
kind = "s3"
bucket = "rec-bucket"
region = "eu-central-1"
endpoint = "https://s3.eu-central-1.amazonaws.com"
access_key_env = "READ_KEY"
secret_key_env = "READ_SECRET"
"""
VOD = '\n[[storage]]\nkind = "vod"\n'
TEMPLATE = '\n[[storage]]\nkind = "template"\nurl = "https://files.example.com/{object_key}"\n'


def load(folder: Path, text: str, **more: str) -> Settings:
    (folder / "rectask.toml").write_text(dedent(text), encoding="utf-8")
    return load_settings(environ=ENVIRON | more, env_file=folder / ".env")


def lines_for(folder: Path, text: str, **more: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(folder, text, **more)
    return refused.value.lines


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    text = """
        [[storage]]
        kind = "tos"            # tos | vod | s3 | template
        app = "prod"            # optional
        prefix = "rec/"         # optional
        bucket = "rec-bucket"
        region = "cn-beijing"
        endpoint = "tos-cn-beijing.volces.com"       # or domain = "media.example.com"
        expires = 3600          # seconds

        [[storage]]
        kind = "vod"
    """
    tos, vod = load(tmp_path, text).file.stores
    assert isinstance(tos, TosSettings)
    assert (tos.app, tos.prefix, tos.bucket, tos.region) == ("prod", "rec/", "rec-bucket", "cn-beijing")
    assert (tos.endpoint, tos.domain, tos.expires) == ("https://tos-cn-beijing.volces.com", None, 3600)
    assert isinstance(vod, VodSettings)
    assert (vod.endpoint, vod.region) == ("https://vod.volcengineapi.com", "cn-north-1")


def test_every_rule_of_docs_stores_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[3].joinpath("docs", "stores.md").read_text(encoding="utf-8")
    rules = re.findall(r"(?m)^    \[\[storage\]\]\n(?:    .+\n)+", page)
    variables = {f"RECORDINGS_{name}": "x" for name in ("ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN")}
    found = [load(tmp_path, rule, **variables).file.stores[0].kind for rule in rules]
    assert found == ["tos", "vod", "s3", "template"]


def test_a_key_of_its_own_is_named_and_kept_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, S3)
    (store,) = settings.file.stores
    assert isinstance(store, S3Settings)
    assert store.style == "host"
    assert settings.secrets >= {READ_KEY, READ_SECRET}
    assert READ_KEY not in repr(settings)
    assert READ_SECRET not in repr(settings)


def test_a_named_variable_may_stand_in_the_env_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("OF_FILE_KEY=AKfile\nOF_FILE_SECRET=SKfile\n")
    env_file.chmod(0o600)
    text = S3.replace("READ_KEY", "OF_FILE_KEY").replace("READ_SECRET", "OF_FILE_SECRET")
    assert {key.get_secret_value() for key in load(tmp_path, text).file.store_keys.values()} == {"AKfile", "SKfile"}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("tos-cn-beijing.volces.com", "https://tos-cn-beijing.volces.com"),
        ("https://TOS-cn-beijing.volces.com:443/", "https://tos-cn-beijing.volces.com"),
        ("tos-cn-beijing.volces.com:8443", "https://tos-cn-beijing.volces.com:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_an_endpoint_in_its_one_form(tmp_path: Path, given: str, taken: str) -> None:
    (store,) = load(tmp_path, TOS.replace("tos-cn-beijing.volces.com", given)).file.stores
    assert isinstance(store, TosSettings)
    assert store.endpoint == taken


def test_a_file_that_is_named_is_read_instead(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(TEMPLATE)
    (store,) = load(tmp_path, VOD, RECTASK_CONFIG=str(other)).file.stores
    assert isinstance(store, TemplateSettings)


def test_no_file_is_no_failure(tmp_path: Path) -> None:
    assert load_settings(environ=ENVIRON, env_file=tmp_path / ".env").file.stores == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # What is no table of storage.
        ('a = "b\n', "line 1: it is not TOML: illegal character"),
        ("[[storage]]\nkind = vod\n", "line 2: it is not TOML: invalid value."),
        ("\n[[stroage]]\n", "line 2: there is no such table here; storage may be meant. Known are [[storage]] and"),
        ("[nothing.like.it]\n", "line 1: there is no such table here. Known are"),
        ('[storage]\nkind = "vod"\n', "line 1: storage is a list of tables. Example: [[storage]]"),
        ("storage = [1]\n", "line 1: storage is a list of tables"),
        ("allow = 1\n", "line 1: allow is a list of tables. Example: [[allow]]"),
        # Kinds and fields.
        ('[[storage]]\nbucket = "b"\n', "line 1: kind is missing. Known are: tos, vod, s3, template."),
        ('[[storage]]\n\nkind = "toss"\n', "line 3: kind is none that is known; tos may be meant. Known are:"),
        ("[[storage]]\nkind = 1\n", "line 2: kind is none that is known. Known are:"),
        (TOS + 'bukcet = "b"\n', "line 7: kind tos has no such field; bucket may be meant. It has: app,"),
        (VOD + 'prefix = "rec/"\n', "line 4: kind vod has no such field. It has: app, access_key_env"),
        (VOD + "expires = 60\n", "line 4: kind vod has no such field. It has:"),
        (TOS + 'url = "https://a/{vid}"\n', "line 7: kind tos has no such field. It has:"),
        # Buckets.
        (TOS.replace('bucket = "rec-bucket"\n', ""), 'line 2: bucket is missing. Example: bucket = "rec-bucket"'),
        (TOS.replace("rec-bucket", "a/b"), "line 4: bucket is wrong: a bucket's name has 3 to 63 letters"),
        (TOS.replace('"rec-bucket"', "7"), "line 4: bucket is wrong: should be a valid string"),
        (TOS.replace('region = "cn-beijing"\n', ""), "line 2: region is missing."),
        (TOS.replace('"cn-beijing"', '"Beijing"'), "line 5: region is wrong: a region has small letters"),
        (TOS.replace('"cn-beijing"', '"cn-shanghai"'), "line 5: region is another than the one that endpoint serves"),
        (
            TOS + "expires = 0\n",
            "line 7: expires is wrong: should be greater than or equal to 1. Example: expires = 36",
        ),
        (TOS + "expires = 604801\n", "line 7: expires is wrong: should be less than or equal to 604800"),
        (TOS + 'expires = "3600"\n', "line 7: expires is wrong: should be a valid integer"),
        (TOS + 'prefix = "rec/../"\n', "line 7: prefix is wrong: it has . or .. between slashes"),
        # Where it is.
        (TOS + 'domain = "media.example.com"\n', "line 7: domain is there beside endpoint; keep one of the two"),
        (TOS.replace("endpoint", "#"), "line 2: endpoint is missing (or domain, for a bucket with a domain"),
        (TOS.replace('"tos-', '"rec-bucket.tos-'), "line 6: endpoint has the bucket in it"),
        (TOS.replace('"tos-', '"http://tos-'), "line 6: endpoint is wrong: without https it may only be on this"),
        (TOS.replace('.com"', '.com/rec"'), "line 6: endpoint is wrong: it has more than a scheme, a host and a port"),
        (TOS.replace('.com"', '.com?a"'), "line 6: endpoint is wrong: it has a character that no such address has"),
        (S3 + 'style = "virtual"\n', "line 9: style is wrong: should be 'path' or 'host'"),
        # Whose it is.
        (
            TOS + 'app = "stagin"\n',
            "line 7: app is none that is configured; staging may be meant; those are: prod, sta",
        ),
        (TOS + 'app = "661e0000000000000000543c"\n', "line 7: app is none that is configured; those are: prod, st"),
        # Keys.
        (S3.replace('"READ_KEY"', f'"{READ_KEY}"'), "line 7: access_key_env is wrong: the name of an environment"),
        (S3.replace('"READ_SECRET"', f'"{READ_SECRET}"'), "line 8: secret_key_env is wrong: the name of an environ"),
        (S3.replace('"READ_SECRET"', f'"{"aB3" * 13}x"'), "line 8: secret_key_env is wrong: the name of an environ"),
        (
            S3.replace('"READ_KEY"', '"AKLTNmFiNzExZjAwMjk"'),
            "line 7: access_key_env is wrong: the name of an environment",
        ),
        (S3.replace('"READ_KEY"', '"NOT_SET"'), "line 7: access_key_env names NOT_SET, which is not set, neither"),
        (S3.replace('"READ_KEY"', '"BROKEN"'), "line 7: access_key_env names BROKEN, whose value is wrong: it has"),
        (S3.replace('access_key_env = "READ_KEY"\n', ""), "line 2: access_key_env is missing."),
        (TOS + 'access_key_env = "READ_KEY"\n', "line 7: access_key_env is there without secret_key_env"),
        (VOD + 'secret_key_env = "READ_KEY"\n', "line 4: secret_key_env is there without access_key_env"),
        (VOD + 'session_token_env = "READ_KEY"\n', "line 4: session_token_env is there without access_key_env and"),
        # Templates.
        (TEMPLATE.replace("{object_key}", ""), "line 4: url is wrong: it needs a placeholder in braces: {object_key}"),
        (TEMPLATE.replace("{object_key}", "{objectkey}"), "line 4: url is wrong: its placeholder 1 is none that is"),
        (TEMPLATE.replace("{object_key}", "{vid}/{}"), "line 4: url is wrong: its placeholder 2 is none that is"),
        (TEMPLATE.replace("{object_key}", "{vid"), "line 4: url is wrong: it needs a placeholder in braces"),
        (TEMPLATE.replace("{object_key}", "{vid}}"), "line 4: url is wrong: it needs a placeholder in braces"),
        (TEMPLATE.replace("files.example.com", "{room}.example.com"), "line 4: url is wrong: placeholders stand beh"),
        (TEMPLATE.replace("{object_key}", "{vid} x"), "line 4: url is wrong: placeholders stand behind the host"),
        (TEMPLATE.replace("https", "ftp"), "line 4: url is wrong: it is not an address of the form https://host"),
        (TEMPLATE.replace("https", "http"), "line 4: url is wrong: without https it may only be on this machine"),
        ('[[storage]]\nkind = "template"\n', "line 1: url is missing."),
        # Rules that are never reached.
        (TOS + S3, "line 8: this [[storage]] matches nothing: the one of line 2 comes first, and takes all of it."),
        (VOD + VOD, "line 5: this [[storage]] matches nothing: the one of line 2"),
        (TOS + S3 + 'prefix = "rec/"\n', "line 8: this [[storage]] matches nothing: the one of line 2"),
        (TOS + 'prefix = "rec/"\n' + S3 + 'prefix = "rec/2026/"\n', "line 9: this [[storage]] matches nothing:"),
        (TOS + S3 + 'app = "prod"\n', "line 8: this [[storage]] matches nothing: the one of line 2"),
        (
            VOD + 'app = "prod"\n' + VOD + 'app = "staging"\n' + VOD,
            "line 10: this [[storage]] matches nothing: the one of line 2 and the one of line 6 come first",
        ),
        (
            TEMPLATE.replace("{object_key}", "{task}") + TOS,
            "line 6: this [[storage]] matches nothing: the one of line 2",
        ),
    ],
)
def test_each_wrong_part_has_its_line(tmp_path: Path, text: str, line: str) -> None:
    (said,) = lines_for(tmp_path, text)
    assert said.removeprefix("rectask.toml, ").startswith(line)
    assert said.startswith("rectask.toml, line ")
    assert READ_KEY not in said
    assert READ_SECRET not in said


@pytest.mark.parametrize(
    "text",
    [
        TOS + VOD,
        TOS + 'app = "prod"\n' + S3,
        TOS + 'prefix = "rec/"\n' + S3,
        TOS + 'prefix = "rec/2026/"\n' + S3 + 'prefix = "rec/"\n',
        TOS + 'app = "prod"\nprefix = "rec/"\n' + S3 + 'app = "staging"\nprefix = "rec/"\n' + VOD,
        VOD + TEMPLATE,
        TEMPLATE.replace("{object_key}", "{object_key}/{vid}") + TOS + VOD,
        TOS + VOD + TEMPLATE.replace("{object_key}", "{room}?task={task}&app={app}#{vid}").replace("{vid}", ""),
    ],
)
def test_rules_that_leave_something_for_the_next(tmp_path: Path, text: str) -> None:
    assert len(load(tmp_path, text).file.stores) == text.count("[[storage]]")


def test_everything_wrong_is_told_at_once_beside_the_settings(tmp_path: Path) -> None:
    lines = lines_for(tmp_path, TOS.replace("bucket", "bukcet") + "\n[[what]]\n" + VOD + "x = 1\n", RECTASK_QPS="0")
    assert [line.split(":")[0] for line in lines] == [
        "RECTASK_QPS is wrong",
        *(f"rectask.toml, line {line}" for line in (2, 4, 8, 12)),
    ]


def test_apps_that_are_wrong_themselves_do_not_make_rules_wrong(tmp_path: Path) -> None:
    (line,) = lines_for(tmp_path, TOS + 'app = "other"\n', RECTASK_APPS="prod=1")
    assert line.startswith("RECTASK_APPS is wrong")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/nonexistent/rectask.toml", "there is no file at this path"),
        (str(Path(__file__).parent), "the file at this path cannot be read"),
        ("a\0b", "the file at this path cannot be read"),
    ],
)
def test_a_file_that_can_not_be_read(tmp_path: Path, path: str, line: str) -> None:
    (said,) = lines_for(tmp_path, VOD, RECTASK_CONFIG=path)
    assert said == f"RECTASK_CONFIG is wrong: {line}. Example: RECTASK_CONFIG=rectask.toml"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "rectask.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(SettingsError, match="not UTF-8 text"):
        load_settings(environ=ENVIRON, env_file=tmp_path / ".env")


@pytest.mark.parametrize(
    ("content", "mode", "is_refused"),
    [
        ("VOLC_SECRETKEY=SKx\n", 0o644, True),
        ("MY_PASSWORD=x\n", 0o604, True),
        ("RECTASK_DATABASE_URL=postgresql://u:p@h/d\n", 0o644, True),
        ("VOLC_SECRETKEY=SKx\n", 0o640, False),
        ("VOLC_SECRETKEY=SKx\n", 0o600, False),
        ("RECTASK_QPS=30\nVOLC_SECRETKEY=\n", 0o644, False),
    ],
)
def test_an_env_file_with_keys_that_everybody_can_read(
    tmp_path: Path, content: str, mode: int, is_refused: bool
) -> None:
    file = tmp_path / ".env"
    file.write_text(content)
    file.chmod(mode)
    if not is_refused:
        load_settings(environ=ENVIRON, env_file=file)
        return
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=ENVIRON, env_file=file)
    (line,) = refused.value.lines
    holds = content.partition("=")[0]
    assert line == f"{file} can be read by everybody on this machine, and holds {holds}. Example: chmod 600 {file}"


fields = st.sampled_from(
    ["kind", "bucket", "region", "endpoint", "url", "prefix", "app", "access_key_env", "secret_key_env", "expires", "x"]
)
words = st.sampled_from(["tos", "vod", "s3", "template", "rec", "cn-beijing", *PLACEHOLDERS]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\'), max_size=50
)


@given(st.lists(st.dictionaries(fields, words), max_size=4))
def test_any_rules_are_taken_or_answered_by_line_without_their_values(
    tmp_path_factory: pytest.TempPathFactory, rules: list[dict[str, str]]
) -> None:
    text = "".join("[[storage]]\n" + "".join(f'{name} = "{value}"\n' for name, value in r.items()) for r in rules)
    lines = []
    try:
        load(tmp_path_factory.mktemp("rules"), text)
    except SettingsError as refused:
        lines = refused.lines
    assert all(line.startswith("rectask.toml, line ") for line in lines)
    values = {value for rule in rules for value in rule.values() if len(value) > 20}
    assert not [value for value in values if any(value in line for line in lines)]
