"""How long things may take that a person waits for."""

from collections.abc import Sequence
from dataclasses import dataclass

# A response_url is good for this long and for so many messages (docs.slack.dev, handling user interaction).
URL_LASTS = 30 * 60.0
URL_USES = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds. Slack waits 3 s for an acknowledgement, so the first sign has to come before that.

    A person hears something within 15 s whatever Slack does: one call (`call`), then each way to tell them (`tell`).
    """

    first_sign: float = 2.0
    call: float = 10.0
    tell: float = 3.0
    # Between the attempts to answer through a response_url.
    pauses: Sequence[float] = (0.5, 1.5)
    # A pause that Slack asks for and that is not worth a word.
    silent_pause: float = 5.0


LIMITS = Limits()
