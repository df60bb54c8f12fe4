"""Gives every test each connector of the registry, or what each declares: a folder is enough."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.kit.registry import slugs
from tests.conformance.candidate import Candidate

ALL = [Candidate(slug) for slug in slugs()]


@pytest.fixture
def today() -> date:
    """The day on which an API version must not have ended yet; the checks take it as given."""
    return datetime.now(UTC).date()


def pytest_generate_tests(metafunc: Any) -> None:
    names = set(metafunc.fixturenames)
    if {"one", "topic"} <= names:
        _give(metafunc, "topic", [(one, topic) for one in ALL for topic in _topics(one)])
    elif {"one", "signed"} <= names:
        # Who verifies without any trigger is held to the same, with a body that means nothing.
        pairs = [(one, topic) for one in ALL for topic in _topics(one) or _bodies(one)]
        _give(metafunc, "signed", pairs)
    elif {"one", "action"} <= names:
        _give(metafunc, "action", [(one, act) for one in ALL for act in one.manifest.actions])
    elif "one" in names:
        metafunc.parametrize("one", ALL, ids=[one.slug for one in ALL])


def _topics(one: Candidate) -> list[str]:
    return list(one.manifest.webhook.triggers) if one.manifest.webhook else []


def _bodies(one: Candidate) -> list[None]:
    return [None] if one.manifest.webhook else []


def _give(metafunc: Any, what: str, pairs: list[tuple[Candidate, Any]]) -> None:
    ids = [f"{one.slug}-{getattr(value, 'name', value) or 'no-trigger'}" for one, value in pairs]
    metafunc.parametrize(("one", what), pairs, ids=ids)
