"""`hub verify-webhook`: the gateway's verdict on a captured request, with the secret alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.kit.registry import manifest, slugs
from connectors.kit.webhook import InboundRequest, Proof
from tests.conformance.candidate import CANARY, RECEIVED, Candidate

URL = "https://hub.example/hooks/vendor/main"
MORE_THAN_A_SECRET = {"wix": "signed with a key pair: the public key is asked for as well"}
SENDERS = tuple(
    slug
    for slug in slugs()
    if manifest(slug).webhook is not None and slug not in MORE_THAN_A_SECRET
)
SIGNERS = tuple(one for one in SENDERS if manifest(one).webhook.proof is Proof.SIGNATURE)
"""Whose webhooks are signed over the body; of the others a secret is all that proves anything."""
SHOPS = ("shopify", "square", "woocommerce")


@dataclass(frozen=True)
class Files:
    """A captured request in files."""

    folder: Path
    vendor: str

    def arguments(self, **changes: str) -> list[str]:
        """The command line; `changes` replaces single options."""
        values = {
            "url": (self.folder / "url").read_text("utf-8"),
            "secret-file": str(self.folder / "secret"),
            "headers": str(self.folder / "headers.json"),
            "body": str(self.folder / "body"),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        pairs = [part for name, value in values.items() for part in (f"--{name}", value)]
        return ["verify-webhook", self.vendor, *pairs]


Capture = Callable[..., Files]


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    """Writes the files of a request that the vendor signed."""

    def write(vendor: str, *, at: datetime | None = None, **changes: Any) -> Files:
        request, secret = signed(vendor, at or datetime.now(UTC))
        request = replace(request, **changes)
        (tmp_path / "url").write_text(request.url, "utf-8")
        (tmp_path / "secret").write_text(secret + "\n", "utf-8")
        (tmp_path / "headers.json").write_text(json.dumps(dict(request.headers)), "utf-8")
        (tmp_path / "body").write_bytes(request.body)
        return Files(tmp_path, vendor)

    return write


def signed(vendor: str, at: datetime) -> tuple[InboundRequest, str]:
    """A genuine request of the vendor's first topic, and the secret that proves it."""
    candidate = Candidate(vendor)
    topic = next(iter(candidate.webhook.triggers), None)
    request = candidate.request(topic, received_at=at, secret=CANARY)
    named = _TOPIC_HEADERS.get(vendor, lambda topic: {})(topic or "")
    return replace(request, headers={**named, **request.headers}), CANARY


_TOPIC_HEADERS: dict[str, Callable[[str], dict[str, str]]] = {
    "shopify": lambda topic: {"x-shopify-topic": topic},
    "woocommerce": lambda topic: {"x-wc-webhook-topic": topic},
}


@pytest.mark.parametrize("vendor", SENDERS)
def test_a_genuine_request_is_valid_with_the_secret_alone(
    nowhere: Any, capture: Capture, vendor: str
) -> None:
    files = capture(vendor, at=RECEIVED)
    answer = nowhere(*files.arguments(at=RECEIVED.isoformat()), "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["valid"] is True
    assert answer.json["connection"] == f"{vendor}/main"


@pytest.mark.parametrize("vendor", SHOPS)
def test_a_shop_event_is_named_by_its_key(nowhere: Any, capture: Capture, vendor: str) -> None:
    answer = nowhere(*capture(vendor).arguments(connection="outlet"), "--json")
    assert answer.json["events"] or answer.json["content"]
    assert all(key.startswith(f"{vendor}/outlet:") for key in answer.json["events"])


@pytest.mark.parametrize("vendor", SIGNERS)
@pytest.mark.parametrize("broken", ["body", "secret", "headers"])
def test_a_request_that_proves_nothing_is_1_with_the_reason_in_words(
    nowhere: Any, capture: Capture, vendor: str, broken: str
) -> None:
    files = capture(vendor)
    if broken == "body":
        (files.folder / "body").write_bytes((files.folder / "body").read_bytes() + b"&x=1")
    elif broken == "secret":
        (files.folder / "secret").write_text("whsec_" + "QUJD" * 8, "utf-8")
    else:
        (files.folder / "headers.json").write_text("{}", "utf-8")
    answer = nowhere(*files.arguments(), "--json")
    assert answer.code == 1
    assert answer.json["valid"] is False
    assert answer.json["events"] == []
    assert len(answer.json["reason"].split()) > 3
    assert answer.json["hints"]
    assert nowhere(*files.arguments()).out.startswith("not valid: ")


@pytest.mark.parametrize("vendor", ["slack", "webhook"])
def test_an_old_request_is_valid_only_at_its_own_time(
    nowhere: Any, capture: Capture, vendor: str
) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    files = capture(vendor, at=at)
    stale = nowhere(*files.arguments())
    assert stale.code == 1
    assert "--at" in stale.out
    assert nowhere(*files.arguments(at=at.isoformat())).code == 0


def test_what_the_secret_cannot_prove_is_said(nowhere: Any, capture: Capture) -> None:
    answer = nowhere(*capture("shopify").arguments(), "--json")
    assert list(answer.json["not_checked"]) == ["shop_domain"]
    assert "Not checked: whether shop_domain" in nowhere(*capture("shopify").arguments()).out


def test_genuine_but_unreadable_content_is_said(nowhere: Any, capture: Capture) -> None:
    files = capture("square")
    known = manifest("square")
    account = known.account.model_construct(
        None, signature_key=SecretStr((files.folder / "secret").read_text("utf-8").strip())
    )
    url = (files.folder / "url").read_text("utf-8")
    bare = InboundRequest("POST", url, {}, b'{"type": "payment', datetime.now(UTC))
    headers = known.webhook.sign(bare, account) if known.webhook else {}
    (files.folder / "headers.json").write_text(json.dumps(dict(headers)), "utf-8")
    (files.folder / "body").write_bytes(bare.body)
    answer = nowhere(*files.arguments(), "--json")
    assert answer.code == 0
    assert "cannot be read" in answer.json["content"]


def test_the_secret_is_never_shown(nowhere: Any, capture: Capture) -> None:
    for vendor in SENDERS:
        files = capture(vendor)
        secret = (files.folder / "secret").read_text("utf-8").strip()
        for arguments in (files.arguments(), [*files.arguments(), "--json"]):
            answer = nowhere(*arguments)
            assert secret not in answer.out + answer.err


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "hub.example/hooks"},
        {"secret_file": "/nowhere"},
        {"headers": "/nowhere"},
        {"body": "/nowhere"},
        {"at": "yesterday"},
        {"at": "2026-01-15T09:40:00"},
    ],
    ids=lambda changes: "-".join(changes) + " " + next(iter(changes.values())),
)
def test_unusable_input_is_2(nowhere: Any, capture: Capture, changes: dict[str, str]) -> None:
    answer = nowhere(*capture("shopify").arguments(**changes))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("headers.json", b"{"),
        ("headers.json", b'["a"]'),
        ("headers.json", b'{"a": 1}'),
        ("secret", b" \n"),
        ("secret", b"\xff\xfe"),
    ],
    ids=["no JSON", "no object", "no text", "empty secret", "binary secret"],
)
def test_unusable_files_are_2(nowhere: Any, capture: Capture, name: str, content: bytes) -> None:
    files = capture("shopify")
    (files.folder / name).write_bytes(content)
    answer = nowhere(*files.arguments())
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize("vendor", ["nobody", "sheets"])
def test_a_vendor_without_webhooks_is_2(nowhere: Any, capture: Capture, vendor: str) -> None:
    files = replace(capture("shopify"), vendor=vendor)
    assert nowhere(*files.arguments()).code == 2


def test_an_unsigned_set_up_request_is_told_apart(nowhere: Any, capture: Capture) -> None:
    files = capture("woocommerce", headers={}, body=b"webhook_id=12")
    answer = nowhere(*files.arguments(), "--json")
    assert answer.code == 1
    assert "set-up request" in answer.json["content"]
