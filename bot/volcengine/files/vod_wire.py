"""The addresses in an answer of VOD's `GetPlayInfo`, taken as they come (see `bot.volcengine.api.wire`)."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from bot.volcengine.api.numbers import Amount, Else, Text, exact
from bot.volcengine.api.wire import WireModel, moment_of

# Of the signs of RFC 3986 only: what else comes would have to be escaped to be shown.
_WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?([/?][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?")


class WirePlayInfo(WireModel):
    """`PlayInfoList[]` of VOD's GetPlayInfo."""

    main_play_url: Text = None
    main_url_expire: Text = None
    backup_play_url: Text = None
    backup_url_expire: Text = None
    definition: Text = None
    size: Amount = None


class WirePlayInfos(WireModel):
    """`Result` of VOD's GetPlayInfo."""

    play_info_list: Annotated[list[Annotated[WirePlayInfo | None, Else(None)]] | None, Else(None)] = None


@dataclass(frozen=True, slots=True)
class PlayAddress:
    """An address that VOD gave for one version of a media; `expires_at` is None where VOD does not tell."""

    url: str = field(repr=False)
    expires_at: datetime | None
    definition: str | None
    size: int | None


def parse_play_addresses(result: object) -> list[PlayAddress]:
    """One for each version in a `Result` that has an address which a browser can open; none for any other result."""
    wire = WirePlayInfos.model_validate(result if isinstance(result, dict) else {})
    versions = [version for version in wire.play_info_list or [] if version is not None]
    return [address for version in versions if (address := _play_address(version)) is not None]


def _play_address(wire: WirePlayInfo) -> PlayAddress | None:
    given = ((wire.main_play_url, wire.main_url_expire), (wire.backup_play_url, wire.backup_url_expire))
    for url, expires in given:
        if url is not None and _WEB_ADDRESS.fullmatch(url):
            return PlayAddress(url, _moment_in_seconds(expires), wire.definition, wire.size)
    return None


def _moment_in_seconds(text: str | None) -> datetime | None:
    """From the forms in which a point in time may come: seconds since the epoch or, to be safe, ISO 8601."""
    if text is None:
        return None
    try:
        return moment_of(int(exact(text)))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
