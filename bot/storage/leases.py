"""Leases and tokens: how rows are claimed, how a claim is proven, and how it is given back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, Update, and_, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from bot.storage.columns import EPOCH

FREE = {"lease_until": EPOCH}
# Shorter than any time ahead that `pull_in` puts down to a wrong clock, whatever the settings: it would bring these
# rows back at each of its rounds.
SET_ASIDE_FOR = timedelta(minutes=2)


def claim(
    table: Table,
    due_at: Column[Any],
    *is_due: ColumnElement[bool],
    now: ColumnElement[datetime],
    until: ColumnElement[datetime],
    limit: int,
) -> Update:
    """Claim rows that are due and that nobody holds, those that are due longest first; rows being changed are left.

    The one statement is the claim: whoever is second finds the rows locked, or leased.
    """
    # A scalar query is answered once, so that an index can be searched by it; the clock itself goes on.
    moment = select(now).scalar_subquery()
    chosen = (
        select(table.c.id)
        .where(due_at <= moment, table.c.lease_until <= moment, *is_due)
        .order_by(due_at, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True, of=table)
        .cte("chosen")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(chosen.c.id)))
        .values(lease_until=until, lease_token=table.c.lease_token + 1)
    )


def set_aside(table: Table, due_at: Column[Any], ids: Sequence[int], *, until: ColumnElement[datetime]) -> Update:
    """End the claims of rows that cannot be decoded, and leave them alone until then: others may wait behind them."""
    return update(table).where(table.c.id.in_(ids)).values({due_at.name: until, **FREE})


def is_held(table: Table, token: int) -> ColumnElement[bool]:
    """Whether the claim of this token stands: not ended, and nobody claimed since. Its lease may have run out."""
    return and_(table.c.lease_token == token, table.c.lease_until != EPOCH)


def release(table: Table, columns: Sequence[Column[Any]], claims: Sequence[tuple[Any, ...]]) -> Update:
    """End these claims, each as what the columns hold while it stands; rows are locked in the order of ids."""
    chosen = (
        select(table.c.id)
        .where(tuple_(*columns).in_(claims))
        .order_by(table.c.id)
        .with_for_update(key_share=True)
        .cte("chosen")
    )
    return update(table).where(table.c.id.in_(select(chosen.c.id))).values(FREE)
