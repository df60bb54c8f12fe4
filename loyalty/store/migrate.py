"""Brings the hub's database to the current schema (Alembic), one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from loyalty.store.database import Database

_LOCK = 7_214_093_511
"""An advisory lock of our own, so that two starting processes do not migrate at once."""


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


async def migrate(database: Database) -> None:
    """Applies every migration that is missing."""

    def upgrade(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.connect() as connection:
        await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
        await connection.commit()
        try:
            await connection.run_sync(upgrade)
            await connection.commit()
        finally:
            await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
            await connection.commit()
