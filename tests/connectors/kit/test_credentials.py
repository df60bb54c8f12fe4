"""The accounts as Prefect blocks; no Prefect server is needed for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.registry import manifest

SECRETS = {
    "twilio": "auth_token",
    "slack": "bot_token",
    "smtp": "password",
    "webhook": "secret",
}


def block(slug: str) -> Any:
    module = import_module(f"connectors.{slug}.credentials")
    name = next(one for one in vars(module) if one.lower() == f"{slug}credentials")
    fields = import_module(f"connectors.{slug}.sandbox").SANDBOX_ACCOUNT
    return getattr(module, name)(**fields)


@pytest.mark.parametrize("slug", SECRETS)
def test_a_block_holds_the_account_and_describes_every_field(slug: str) -> None:
    one = block(slug)
    account = one.account()
    assert type(account) is manifest(slug).account
    assert one._block_type_slug == f"{slug}-credentials"
    for name, field in type(account).model_fields.items():
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize(("slug", "field"), SECRETS.items())
def test_a_block_shows_its_secret_to_nobody(slug: str, field: str) -> None:
    one = block(slug)
    secret = getattr(one, field).get_secret_value()
    assert secret not in f"{one!r} {one} {one.account()!r} {one.model_dump()}"


@pytest.mark.parametrize(("slug", "field"), SECRETS.items())
def test_what_the_prefect_ui_saved_unchecked_is_checked_on_use(slug: str, field: str) -> None:
    one = block(slug)
    object.__setattr__(one, field, type(getattr(one, field))("line\nbreak"))
    with pytest.raises(ValidationError, match=field):
        one.account()
