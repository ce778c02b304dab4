"""The Bolt app that both entry points hand their payloads to."""

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.connection.client import quiet_logger
from bot.slack.connection.workspace import Workspace


def make_bolt(slack: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """Bolt without what is done elsewhere: the signature (`http_endpoint`), authorisation (`authenticate`)."""
    greeted = AuthorizeResult(
        enterprise_id=workspace.enterprise_id,
        team_id=workspace.team_id,
        bot_user_id=workspace.bot_user_id,
        bot_id=workspace.bot_id,
        bot_token=slack.token,
    )
    return AsyncApp(
        # Without a name Bolt looks through the stack for one.
        name="rectask",
        client=slack,
        authorize=_Greeted(greeted),  # type: ignore[arg-type]  # Bolt takes one as it is; its types do not say so
        signing_secret="",
        request_verification_enabled=False,
        # For workflow steps and assistants, which this is none of; each would look at every request.
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        logger=quiet_logger(),
    )


class _Greeted(AsyncAuthorize):
    """What `authenticate` found out is true for every request: one token, one workspace or organisation."""

    def __init__(self, result: AuthorizeResult) -> None:
        self._result = result

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,
        actor_team_id: str | None = None,
        actor_user_id: str | None = None,
    ) -> AuthorizeResult | None:
        del context, enterprise_id, team_id, user_id, actor_enterprise_id, actor_team_id, actor_user_id
        return self._result
