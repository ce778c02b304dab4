"""The Slack app manifest for this deployment; the scopes and events that it asks for, each with its reason."""

# What the bot does with each; the README's table is held against this one by a test.
SCOPES = {
    "commands": "the command /rectask",
    "chat:write": "posts a card that somebody shares, and the messages that people subscribed to",
    "im:write": "opens the direct messages with a person to look a message up there",
    "im:history": "finds out whether a message arrived whose answer was lost, so that it is not sent twice",
    "users:read": "tells who belongs to the organisation, who is a guest, and whose account is deactivated",
    "channels:read": "finds out, before sharing, whether a public channel is shared with another organisation",
    "groups:read": "the same for a private channel",
    "im:read": "the same for a direct message",
    "mpim:read": "the same for a direct message of several people",
    "usergroups:read": "finds out who is in a user group, where a rule of who may what names one",
}
# Those that only some deployments need, so that `check` asks for them there.
SCOPES_OF_RULES = frozenset({"usergroups:read"})
# The events that Slack sends, and why the bot listens.
EVENTS = {
    "app_home_opened": "shows the home tab",
    "app_uninstalled": "deletes what is kept about the workspace",
    "tokens_revoked": "finds out whether the bot's token is still taken",
    "user_change": "stops writing to somebody whose account was deactivated",
}

_TEMPLATE = """\
_metadata:
  major_version: 2
display_information:
  name: Rectask
  description: What became of a cloud recording in Volcengine RTC
  background_color: "#1f3a5f"
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: Rectask
    always_online: true
  slash_commands:
    - command: /rectask
      description: What became of a recording
      usage_hint: "ROOM TASK · watch ROOM TASK · list · help"
      should_escape: false
{command_url}oauth_config:
  scopes:
    bot:
{scopes}settings:
  event_subscriptions:
{events_url}    bot_events:
{events}  interactivity:
    is_enabled: true
{interactivity_url}  org_deploy_enabled: true
  socket_mode_enabled: {socket_mode}
  token_rotation_enabled: false
"""


def manifest(*, http_url: str | None = None) -> str:
    """The manifest as YAML: for Socket Mode, or for requests to `http_url` (https://host, without a path)."""
    url = None if http_url is None else f"{http_url.rstrip('/')}/slack/events"
    return _TEMPLATE.format(
        command_url="" if url is None else f"      url: {url}\n",
        scopes="".join(f"      - {scope}\n" for scope in SCOPES),
        events_url="" if url is None else f"    request_url: {url}\n",
        events="".join(f"      - {event}\n" for event in EVENTS),
        interactivity_url="" if url is None else f"    request_url: {url}\n",
        socket_mode="true" if url is None else "false",
    )
