"""Every action takes what its capability promises and keeps what it declares about itself."""

from __future__ import annotations

import pytest

from connectors.kit.action import Action, ActionClass, Idempotency, Sent
from connectors.kit.capabilities import INPUT_OF, REACHES_A_PERSON
from tests.conformance.candidate import Candidate

pytestmark = pytest.mark.criterion("actions")

PERSONAL_INPUTS = tuple(INPUT_OF[capability] for capability in REACHES_A_PERSON)


def test_names_are_their_own(one: Candidate) -> None:
    names = [action.name for action in one.manifest.actions]
    assert len(set(names)) == len(names)
    assert [one.manifest.action(name).name for name in names] == names


def test_it_takes_what_its_capability_promises(one: Candidate, action: Action) -> None:
    if action.capability is not None:
        assert action.input is INPUT_OF[action.capability]
    assert issubclass(action.output, Sent)


def test_it_can_look_first_where_it_says_so(one: Candidate, action: Action) -> None:
    assert (action.idempotency is Idempotency.SEARCH_FIRST) == (action.find is not None)


def test_it_batches_where_it_says_so(one: Candidate, action: Action) -> None:
    assert action.batch_size >= 1
    assert (action.run_batch is not None) == (action.batch_size > 1)


def test_only_what_reaches_a_person_is_gated(one: Candidate, action: Action) -> None:
    reaches = action.capability in REACHES_A_PERSON or issubclass(action.input, PERSONAL_INPUTS)
    assert action.gated is reaches


def test_it_writes_and_asks_for_declared_scopes_only(one: Candidate, action: Action) -> None:
    """What destroys needs a consent that this release has no place for."""
    assert action.action_class is not ActionClass.DESTRUCTIVE
    assert set(action.scopes) <= set(one.manifest.scopes)
