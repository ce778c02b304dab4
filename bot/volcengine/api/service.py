"""Whom we ask, and how failures speak of it."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """Anyone on the other side of HTTP: its name, the setting that has its address, what follows if it is silent."""

    name: str
    endpoint_setting: str
    consequence: str

    @property
    def words(self) -> dict[str, str]:
        """Everything of it by name, for the texts of failures."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ApiService(Peer):
    """A service of Volcengine's OpenAPI, asked for one action.

    `owner` is what a key must be of the same account as, `owned` the same with {app}; `limit` is the vendor's, in
    words.
    """

    region_setting: str
    action: str
    version: str
    owner: str
    owned: str
    limit: str
    or_slower: str
    check_ids: str

    def words_for(self, rtc_app: str) -> dict[str, str]:
        return {**self.words, "owned": self.owned.format(app=rtc_app)}

    def event(self, what: str) -> str:
        """The name of an event of the log, such as rtc.lost."""
        return f"{self.name.lower()}.{what}"
