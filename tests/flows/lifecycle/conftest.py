"""A booking desk on a fresh database."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from tests.flows.booking.desk import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """With the shipped rules, without tiers and milestones."""
    return Desk(database)
