"""Whether Redis lets this process do what `serve` does with it: the same script, the same commands, and then undone."""

import secrets
from datetime import timedelta
from functools import partial

from bot.lookup.redis.answers import LARGEST, answer_key
from bot.lookup.redis.connection import RedisLink, RedisLost, open_redis
from bot.lookup.redis.pace_script import pace_key
from bot.lookup.redis.sealing import Seal
from bot.lookup.redis.slots import SharedSlots
from bot.runtime.checks import CheckResult

# Every command that the pace's script, the answers and this check send; a test compares them with what Redis was sent.
COMMANDS = ("del", "evalsha", "getrange", "hdel", "hgetall", "hset", "pttl", "script|load", "set", "time")
# So many names, spread over a cluster's slots, that three nodes cannot hold all of them on one by chance.
_NAMES = 24
_LIFE = timedelta(seconds=5)


async def diagnose_redis(url: str, *, prefix: str) -> CheckResult:
    """One finding: whether Redis answers, and lets this user do what the pace and the answers need."""
    async with open_redis(url, prefix=f"{prefix}check:{secrets.token_hex(8)}:") as link:
        try:
            await _try_pace(link)
            await _try_answers(link)
        except RedisLost as loss:
            return CheckResult("redis", is_well=False, said=f"Redis cannot be used. {loss}.", advice=_advice(prefix))
    return CheckResult("redis", is_well=True, said=f"Redis responds, and the keys {prefix}… can be used.")


def _advice(prefix: str) -> str:
    rules = " ".join(f"+{command}" for command in COMMANDS)
    return (
        "Check RECTASK_REDIS_URL (rediss:// where Redis wants TLS) and that it can be reached from here. A user of an "
        f"ACL needs ~{prefix}* {rules}. Without Redis each replica keeps to its own part of the limit."
    )


async def _try_pace(link: RedisLink) -> None:
    slots = SharedSlots(link, limit=60, replicas=1, replica="check")
    try:
        await slots.prove()
    finally:
        await link.ask(lambda: link.client.delete(pace_key(link.prefix)))


async def _try_answers(link: RedisLink) -> None:
    """As they are kept and looked for; the names end by themselves too."""
    names = [Seal.from_secret("check").name(bytes([number])) for number in range(_NAMES)]
    for name in names:
        await link.ask(partial(_try_answer, link, answer_key(link.prefix, name)))


async def _try_answer(link: RedisLink, key: str) -> None:
    await link.client.set(key, b"check", px=_LIFE)
    await link.client.getrange(key, 0, LARGEST)
    await link.client.pttl(key)
    await link.client.delete(key)
