"""A booking desk on a fresh database, with codes."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from tests.flows.booking.accounts import PLAIN
from tests.flows.booking.desk import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """A point for each euro; nothing for signing up."""
    return Desk(database, rules=PLAIN)
