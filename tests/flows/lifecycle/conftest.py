"""A booking desk on a fresh database."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from rules import RuleSet
from tests.flows.booking.desk import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """Without rules, tiers and milestones."""
    return Desk(database, rules=RuleSet.load([]))
