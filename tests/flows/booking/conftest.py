"""A booking desk on a fresh database."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from tests.flows.booking.desk import PROGRAMME, Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """Without tiers and milestones."""
    return Desk(database)


@pytest.fixture
def club(database: Database) -> Desk:
    """With tiers at 300 and 1000 points and a milestone at every 500."""
    return Desk(database, programme=PROGRAMME)
