"""Which key goes to whom: the bot's own, or one that a store names for itself."""

from bot.app.config.settings import Settings
from bot.app.config.storage_table import StoreSettings
from bot.volcengine.api.signing import Credentials


def own_credentials(settings: Settings) -> Credentials:
    """The bot's own key; load_settings has made sure that both parts are there."""
    assert settings.access_key is not None
    assert settings.secret_key is not None
    token = settings.session_token
    return Credentials(
        access_key=settings.access_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
        session_token=None if token is None else token.get_secret_value(),
    )


def store_credentials(store: StoreSettings, settings: Settings) -> Credentials:
    """The key of the variables that the store names, else the bot's own."""
    names = store.variables
    if not names:
        return own_credentials(settings)
    held = {field: settings.file.store_keys[variable].get_secret_value() for field, variable in names.items()}
    return Credentials(held["access_key_env"], held["secret_key_env"], held.get("session_token_env"))


def key_names(store: StoreSettings, settings: Settings) -> str:
    """The names of the settings that the store's key comes from."""
    return " and ".join(store.variables.values()) or settings.key_names
