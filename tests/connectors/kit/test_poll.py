"""Polling: cursors, and what is said of a record that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from connectors.kit.poll import FIRST_LOOK, since, watermark, why_unreadable
from connectors.kit.webhook import Unreadable
from loyalty.events import Customer

NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


def test_a_look_begins_a_little_before_the_last_one_ended() -> None:
    assert since("2026-11-02T10:00:00+00:00", NOW) == NOW - timedelta(minutes=17)
    assert since("2026-11-02T10:00:00", NOW) == NOW - timedelta(minutes=17)
    assert since("", NOW) == since("page 7", NOW) == NOW - FIRST_LOOK


def test_the_cursor_never_goes_back() -> None:
    cursor = "2026-11-02T10:00:00+00:00"
    assert watermark(cursor, [NOW - timedelta(days=1)]) == cursor
    assert watermark(cursor, [NOW, NOW - timedelta(days=1)]) == NOW.isoformat()
    assert watermark("", []) == ""


def test_a_record_that_cannot_be_read_is_named_with_its_reason() -> None:
    error = Unreadable("it has no time")
    assert why_unreadable({"id": 7}, error) == "7: it has no time"
    assert why_unreadable({"Id": "7"}, error, what="order", key="Id") == "order 7: it has no time"
    assert why_unreadable(["no object"], error) == "?: it has no time"


def test_the_reason_names_the_fields_and_never_what_stands_in_them() -> None:
    """Events repeat a wrong value in their own errors; a poll's reasons are stored and shown."""
    with pytest.raises(ValidationError) as caught:
        Customer.model_validate({"id": "7", "email": "ada@example.com" * 50, "phone": 7})
    assert "ada@example.com" in str(caught.value)
    assert why_unreadable({"id": 7}, caught.value) == "7: cannot be read (email, phone)"
