"""Credentials blocks: what is secret is secret to Prefect too, and every field explains itself."""

from __future__ import annotations

from types import UnionType
from typing import get_args

import pytest
from pydantic import SecretStr

from connectors.kit.credentials import CredentialsBlock
from connectors.kit.registry import manifest, slugs
from deployments.blocks import block_types

BLOCKS = block_types()


def test_every_connector_has_one_block() -> None:
    assert sorted(block._connector for block in BLOCKS) == sorted(slugs())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block._connector)
def test_prefect_knows_every_secret_as_secret(block: type[CredentialsBlock]) -> None:
    fields = manifest(block._connector).account.model_fields
    secret = {name for name, info in fields.items() if _is_secret(info.annotation)}
    assert secret == set(block.model_json_schema()["secret_fields"])


def _is_secret(annotation: object) -> bool:
    return (
        SecretStr in get_args(annotation)
        if isinstance(annotation, UnionType)
        else (annotation is SecretStr)
    )


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block._connector)
def test_every_field_is_described_in_a_sentence(block: type[CredentialsBlock]) -> None:
    for name, info in manifest(block._connector).account.model_fields.items():
        assert (info.description or "").endswith("."), name


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block._connector)
def test_the_block_is_named_and_described(block: type[CredentialsBlock]) -> None:
    assert block.get_block_type_slug() == f"{block._connector}-credentials"
    assert block.get_description()
    assert block.get_code_example()
