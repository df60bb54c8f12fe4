"""Keeps what a vendor says that is no event: a ring for the poll, a notice for operations."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.webhook import NoticeKind
from gateway.work import Word
from loyalty.store import audit, connections, polls


async def keep(connection: AsyncConnection, word: Word) -> None:
    """Writes it down; a connection whose access was withdrawn counts as refused from now on."""
    slug = f"{word.connector}/{word.connection}"
    if word.rings:
        await polls.ring(connection, [slug], now=word.received_at)
    notice = word.notice
    if notice is None:
        return
    await audit.note(
        connection,
        actor=slug,
        action=f"notice.{notice.kind.value}",
        subject=slug,
        now=word.received_at,
        detail={"text": notice.text, **notice.detail},
    )
    if notice.kind is NoticeKind.REVOKED:
        await connections.set_state(
            connection,
            word.connector,
            word.connection,
            state="refused",
            reason=notice.text,
            now=word.received_at,
            unless=("paused", "absent"),
        )
