"""What Slack answers, as far as Rectask uses it: an answer that says ok and lacks what was asked for is no answer.

Sources: the pages of the methods at docs.slack.dev (read November 2026). A field is optional here only where its page
says that it can be missing. Nothing is converted: "false" is no boolean.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from slack_sdk.errors import SlackClientError

_Text = Annotated[str, Field(min_length=1)]


class AnswerIncomplete(SlackClientError):
    """Slack said ok and left out what was asked for: nothing is known, and another time it may be told.

    Where something was posted, it may have been carried out. The text names fields, and no values.
    """

    def __init__(self, method: str, flaw: str) -> None:
        super().__init__(f"Slack's answer to {method} cannot be used: {flaw}")
        self.method = method
        self.flaw = flaw


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Answer(_Part):
    """The answer to one method; `read` raises AnswerIncomplete."""

    method: ClassVar[str]

    @classmethod
    def read(cls, answer: object) -> Self:
        try:
            return cls.model_validate(data_of(answer))
        except ValidationError as flaw:
            raise AnswerIncomplete(cls.method, _in_words(flaw)) from None


def data_of(answer: object) -> Mapping[str, Any]:
    """What the client's answer holds; empty where that is no object."""
    data = getattr(answer, "data", answer)
    return data if isinstance(data, Mapping) else {}


def _in_words(flaw: ValidationError) -> str:
    """The first field that does not fit, and how."""
    first = flaw.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the answer"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


class AuthTest(_Answer):
    """auth.test: whose token it is. The organisation is named only where there is one."""

    method = "auth.test"

    team_id: _Text
    user_id: _Text
    bot_id: _Text
    enterprise_id: _Text | None = None
    is_enterprise_install: bool = False


class SocketAddress(_Answer):
    """apps.connections.open: an address that is good once, for half a minute."""

    method = "apps.connections.open"

    url: Annotated[str, Field(pattern=r"^wss?://.")]


class _EnterpriseUser(_Part):
    enterprise_id: _Text


def _given(value: object) -> object:
    """Optional means that it can be missing, not that it can be null."""
    if value is None:
        raise ValueError("It is null")
    return value


_Given = BeforeValidator(_given)


class User(_Part):
    """Somebody. Of an account that is deactivated, and of a stranger, Slack need not tell the rest."""

    team_id: Annotated[_Text | None, _Given] = None
    enterprise_user: Annotated[_EnterpriseUser | None, _Given] = None
    deleted: bool
    is_stranger: bool = False
    is_restricted: Annotated[bool | None, _Given] = None
    is_ultra_restricted: Annotated[bool | None, _Given] = None

    @model_validator(mode="after")
    def _is_told_whole(self) -> Self:
        is_outside = self.deleted or self.is_stranger
        if not is_outside and None in (self.team_id, self.is_restricted, self.is_ultra_restricted):
            raise ValueError("team_id, is_restricted and is_ultra_restricted belong to it")
        return self

    @property
    def enterprise_id(self) -> str | None:
        return None if self.enterprise_user is None else self.enterprise_user.enterprise_id

    @property
    def is_guest(self) -> bool:
        return bool(self.is_restricted or self.is_ultra_restricted)


class UserInfo(_Answer):
    """users.info: who somebody is."""

    method = "users.info"

    user: User


class GroupMembers(_Answer):
    """usergroups.users.list: who is in a group."""

    method = "usergroups.users.list"

    users: list[_Text]


class _Opened(_Part):
    id: _Text


class Conversation(_Answer):
    """conversations.open: where somebody is written to."""

    method = "conversations.open"

    channel: _Opened


class _Next(_Part):
    next_cursor: Annotated[str, _Given] = ""


class _Metadata(_Part):
    event_type: str
    event_payload: dict[str, Any]


class Written(_Part):
    """One message of a conversation."""

    ts: _Text
    metadata: Annotated[_Metadata | None, _Given] = None


class _Messages(_Answer):
    messages: list[Written]
    has_more: bool
    response_metadata: Annotated[_Next | None, _Given] = None

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.has_more and not self.next_cursor:
            raise ValueError("There is more, and no cursor")
        return self

    @property
    def next_cursor(self) -> str | None:
        """None on the last page."""
        named = "" if self.response_metadata is None else self.response_metadata.next_cursor
        return named or None


class History(_Messages):
    """conversations.history: what stands in a conversation."""

    method = "conversations.history"


class Replies(_Messages):
    """conversations.replies: what stands in a thread."""

    method = "conversations.replies"


class Channel(_Part):
    """A conversation, and who is in it besides this workspace. Direct messages are never shared, and say less."""

    name: Annotated[_Text | None, _Given] = None
    is_im: bool = False
    is_shared: bool = False
    is_ext_shared: Annotated[bool | None, _Given] = None
    is_pending_ext_shared: Annotated[bool | None, _Given] = None
    is_org_shared: bool
    pending_shared: list[_Text] = []
    pending_connected_team_ids: list[_Text] = []
    connected_team_ids: list[_Text] = []
    shared_team_ids: list[_Text] = []

    @model_validator(mode="after")
    def _is_told_whole(self) -> Self:
        if not self.is_im and None in (self.is_ext_shared, self.is_pending_ext_shared):
            raise ValueError("is_ext_shared and is_pending_ext_shared belong to it")
        return self


class ChannelInfo(_Answer):
    """conversations.info: what a conversation is."""

    method = "conversations.info"

    channel: Channel


class Posted(_Answer):
    """chat.postMessage: where the message stands."""

    method = "chat.postMessage"

    channel: _Text
    ts: _Text


class _View(_Part):
    id: _Text


class Opened(_Answer):
    """views.open: the modal that is open now."""

    method = "views.open"

    view: _View


class _Team(_Part):
    id: _Text


class Teams(_Answer):
    """auth.teams.list: the workspaces of an organisation that have the app."""

    method = "auth.teams.list"

    teams: list[_Team]
    response_metadata: Annotated[_Next | None, _Given] = None

    @property
    def next_cursor(self) -> str | None:
        """None on the last page."""
        named = "" if self.response_metadata is None else self.response_metadata.next_cursor
        return named or None
