"""A booking desk with a catalogue, on a fresh database."""

from __future__ import annotations

import pytest

from loyalty.store.database import Database
from tests.flows.rewards.shelf import RewardDesk


@pytest.fixture
def desk(database: Database) -> RewardDesk:
    """Shopify issues what is asked for."""
    return RewardDesk(database)
