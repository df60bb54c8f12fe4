"""A connector as the conformance suite holds it: found by the registry, not known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.kit.account import Account
from connectors.kit.manifest import Manifest
from connectors.kit.reference import secret_fields
from connectors.kit.registry import HOUSE, manifest
from connectors.kit.sandbox import VendorSandbox
from connectors.kit.webhook import InboundRequest, Source, Webhook
from loyalty.events import Event

CANARY = "Y2FuYXJ5LWluLWEtY29hbC1taW5lLTMyLWJ5dGVzISE="
"""Stands in every secret. It is base64, so that it can sign wherever a secret has to be a key."""

OTHER = "YW5vdGhlci1zZWNyZXQtb2YtMzItYnl0ZXMtaW5kZWVk"
RECEIVED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Candidate:
    """One connector under test."""

    slug: str

    @property
    def manifest(self) -> Manifest:
        return manifest(self.slug)

    @property
    def webhook(self) -> Webhook:
        found = self.manifest.webhook
        assert found is not None
        return found

    @property
    def folder(self) -> Path:
        return HOUSE / self.slug

    @property
    def secrets(self) -> list[str]:
        return sorted(secret_fields(self.manifest.account))

    def fields(self) -> dict[str, Any]:
        """A valid account's fields: the sandbox's, which every connector has to have."""
        fields = dict(import_module(f"connectors.{self.slug}.sandbox").SANDBOX_ACCOUNT)
        if "base_url" in self.manifest.account.model_fields:
            fields.setdefault("base_url", "https://vendor.example")
        return fields

    def sandbox(self) -> VendorSandbox:
        """A new stand-in of the vendor."""
        module = import_module(f"connectors.{self.slug}.sandbox")
        kinds = [value for value in vars(module).values() if isinstance(value, type)]
        (kind,) = [one for one in kinds if issubclass(one, VendorSandbox) and one.slug == self.slug]
        found: VendorSandbox = kind()
        return found

    def account(self, **secrets: str) -> Account:
        """The sandbox's account; secrets given here replace its own, valid or not."""
        changes = {name: SecretStr(text) for name, text in secrets.items()}
        return self.manifest.account.model_validate(self.fields()).model_copy(update=changes)

    def signed_with(self, secret: str) -> Account:
        """The account with this as the secret that signs."""
        return self.account(**{self.webhook.signing_field: secret})

    def body(self, topic: str | None) -> bytes:
        """The sample of a trigger; without a topic, a body that means nothing."""
        if topic is None:
            return b'{"type": "nothing"}'
        return (self.folder / "samples" / self.webhook.triggers[topic].sample).read_bytes()

    def request(
        self, topic: str | None, *, received_at: datetime = RECEIVED, secret: str = CANARY
    ) -> InboundRequest:
        """A request as the vendor sends it; genuine where the canary signs it."""
        account = self.signed_with(secret)
        query = self.webhook.query(account) if self.webhook.query else {}
        url = self.webhook.address(f"https://hub.example/hooks/{self.slug}/main", account)
        unsigned = InboundRequest("POST", url, {}, self.body(topic), received_at, query)
        return replace(unsigned, headers=dict(self.webhook.sign(unsigned, account)))

    def events(self, topic: str, request: InboundRequest, connection: str = "main") -> list[Event]:
        """What a trigger makes of a request."""
        payload = self.webhook.decode(request.body)
        source = Source(self.slug, connection)
        return list(self.webhook.triggers[topic].parse(payload, request, source))
