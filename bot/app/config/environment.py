"""What a command changes in its own process's environment, for libraries that read it by themselves."""

from collections.abc import MutableMapping

from bot.app.config.settings import Settings


def export_certificates(settings: Settings, environ: MutableMapping[str, str]) -> None:
    """Put SSL_CERT_FILE where OpenSSL and httpx look: it may stand in `.env`, or have had quotes around it."""
    if settings.ssl_cert_file is not None:
        environ["SSL_CERT_FILE"] = settings.ssl_cert_file


def discard_oauth_variables(environ: MutableMapping[str, str]) -> bool:
    """Take out what would make Bolt install itself into other workspaces; whether there was any.

    One token and one workspace or organisation: that is what this bot is for.
    """
    found = [environ.pop(name, None) for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")]
    return any(value is not None for value in found)
