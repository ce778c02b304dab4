"""The `.env` file: what it sets, and who else may read it."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

_NAME_OF_A_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")


class EnvFileWrong(Exception):
    """The file cannot be read; `lines` has one for each reason."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_env_file(path: Path) -> dict[str, str]:
    """What is set in it, and not to nothing; nothing where there is no such file. Raises EnvFileWrong."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as failure:
        reason = "is not UTF-8 text" if isinstance(failure, UnicodeDecodeError) else "cannot be read"
        raise EnvFileWrong([f"{path} {reason}. Example of a line in it: RECTASK_QPS=60"]) from failure
    if wrong := [b.original.line for b in bindings if b.error or (b.key is not None and b.value is None)]:
        raise EnvFileWrong(
            [f"{path}, line {line}, is not of the form NAME=value. Example: RECTASK_QPS=60" for line in wrong]
        )
    return {binding.key: binding.value for binding in bindings if binding.key is not None and binding.value}


def exposed(path: Path, in_file: Mapping[str, str]) -> Iterator[str]:
    """A line where secrets are in a file that everybody on this machine can read."""
    secrets = [name for name, value in in_file.items() if _NAME_OF_A_SECRET.search(name) or "@" in value]
    if secrets and os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
        found = ", ".join(secrets)
        yield f"{path} can be read by everybody on this machine, and holds {found}. Example: chmod 600 {path}"


def not_found(path: Path, given: Mapping[str, str]) -> Iterator[str]:
    """A line where nothing is set at all, for then the file is usually in another folder."""
    if not given and not path.exists():
        folder = path.absolute().parent
        yield f"No settings were found: {folder} has no {path.name}, and the environment has none either"
