"""A desk on a fresh database."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from tests.flows.booking.desk import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """Without tiers and milestones."""
    return Desk(database)
