"""What all tables share: the metadata with its names of constraints, and columns that recur."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


Instant = DateTime(timezone=True)


def json_column(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSONB, nullable=nullable)


def json_default(name: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default="{}")


def text_column(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)
