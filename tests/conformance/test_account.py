"""Every field of every account explains itself, and no secret is ever shown."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from tests.conformance.candidate import CANARY, Candidate

pytestmark = pytest.mark.criterion("account")

SECRET_ENDINGS = ("secret", "token", "password", "key", "webhook_url", "header_value")


def test_every_field_is_described_in_a_sentence(one: Candidate) -> None:
    fields = one.manifest.account.model_fields
    assert fields
    assert [name for name, field in fields.items() if not _is_sentence(field.description)] == []


def _is_sentence(text: str | None) -> bool:
    return text is not None and text.endswith(".") and len(text.split()) > 2


def test_what_is_named_like_a_secret_is_one(one: Candidate) -> None:
    named = {name for name in one.manifest.account.model_fields if name.endswith(SECRET_ENDINGS)}
    assert named <= set(one.secrets)
    assert one.secrets


def test_an_account_shows_no_secret(one: Candidate) -> None:
    account = one.account(**dict.fromkeys(one.secrets, CANARY))
    revealed = account.plain()
    assert [revealed[name] for name in one.secrets] == [CANARY] * len(one.secrets)
    shown = f"{account!r} {account} {account.model_dump()} {account.model_dump_json()}"
    assert CANARY not in shown
    assert shown.count("**") >= len(one.secrets)


def _broken_copies(one: Candidate) -> list[dict[str, Any]]:
    """Accounts that are wrong in one place each, with the canary in every secret."""
    good = {**one.fields(), **dict.fromkeys(one.secrets, CANARY)}
    copies: list[dict[str, Any]] = [{**good, "no_such_field": CANARY}]
    for name in one.manifest.account.model_fields:
        copies.append({**good, name: [CANARY]})
        copies.append({**good, name: f"{CANARY}\n\x00{CANARY}"})
        copies.append({key: value for key, value in good.items() if key != name})
    return copies


def test_a_refused_account_is_explained_without_its_secrets(one: Candidate) -> None:
    refused = []
    for copy in _broken_copies(one):
        try:
            one.manifest.account.model_validate(copy)
        except ValidationError as problem:
            refused.append(problem)
    assert len(refused) > len(one.manifest.account.model_fields)
    for error in refused:
        told = "".join(traceback.format_exception(error)) + repr(error)
        told += error.json(include_input=False, include_url=False)
        assert CANARY not in told


def test_an_unknown_field_is_refused(one: Candidate) -> None:
    with pytest.raises(ValidationError, match="no_such_field"):
        one.manifest.account.model_validate({**one.fields(), "no_such_field": "x"})
