"""`explain` says why a captured request is refused, and finds what would make it genuine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors.kit import registry
from connectors.kit.verification import explain
from connectors.kit.webhook import InboundRequest
from tests.gateway import till

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
URL = "https://hub.example/hooks/till/main"
BODY = b'{"sales":[1],"note":"a/b \xc3\xa9"}'


def captured(*, url: str = URL, body: bytes = BODY, at: datetime = NOW) -> InboundRequest:
    request = InboundRequest("POST", url, {}, body, at)
    return replace(request, headers=dict(till.sign(request, till.ACCOUNT)))


def hints(request: InboundRequest, account: till.TillAccount = till.ACCOUNT) -> str:
    found = explain(till.WEBHOOK, request, account)
    assert not found.valid
    assert found.reason
    text = " ".join([found.reason, *found.hints])
    assert till.SECRET not in text
    assert till.TOKEN not in text
    return text


def test_a_genuine_request_is_said_to_be_so() -> None:
    found = explain(till.WEBHOOK, captured(), till.ACCOUNT)
    assert (found.valid, found.hints) == (True, ())


def test_a_missing_header_is_named() -> None:
    request = captured()
    bare = replace(request, headers={"x-till-timestamp": request.headers["x-till-timestamp"]})
    assert "no x-till-signature header" in hints(bare)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(90, "90 minutes before the time of receipt"), (-90, "90 minutes ahead")],
)
def test_a_stale_timestamp_is_told_from_a_wrong_signature(minutes: int, words: str) -> None:
    request = replace(captured(), received_at=NOW + timedelta(minutes=minutes))
    assert words in hints(request)


@pytest.mark.parametrize(
    "signed_for",
    [
        "http://hub.example/hooks/till/main",
        "https://hub.example:443/hooks/till/main",
        "http://hub.example:4300/hooks/till/main",
        "https://hub.example/hooks/till/main/",
    ],
)
def test_the_address_that_would_match_is_told(signed_for: str) -> None:
    request = replace(captured(url=signed_for), url=URL)
    assert f"signed for {signed_for}, not for {URL}" in hints(request)
    assert "HUB_PUBLIC_URL" in hints(request)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (BODY + b"\n", "a line break at its end was added"),
        (b"\xef\xbb\xbf" + BODY, "a byte order mark was added"),
        (b'{ "sales": [ 1 ], "note": "a/b \xc3\xa9" }', "written anew"),
    ],
)
def test_a_changed_body_is_recognised(changed: bytes, words: str) -> None:
    assert words in hints(replace(captured(), body=changed))


def test_php_escapes_are_recognised() -> None:
    signed = b'{"sales":[1],"note":"a\\/b \\u00e9"}'
    assert "escaped or unescaped" in hints(replace(captured(body=signed), body=BODY))


def test_an_old_capture_with_another_address_says_both() -> None:
    request = captured(url="http://hub.example/hooks/till/main")
    text = hints(replace(request, url=URL, received_at=NOW + timedelta(hours=2)))
    assert "signed for http://hub.example/hooks/till/main" in text
    assert "120 minutes before" in text


def test_a_secret_in_the_wrong_field_is_recognised() -> None:
    swapped = till.TillAccount(signing_secret=SecretStr(till.TOKEN), token=SecretStr(till.SECRET))
    assert "signed with token" in hints(captured(), swapped)


def test_a_secret_with_a_space_around_it_is_recognised() -> None:
    pasted = till.TillAccount(
        signing_secret=SecretStr(till.SECRET + " "), token=SecretStr("another-token")
    )
    assert "without the spaces" in hints(captured(), pasted)


def test_a_wrong_secret_ends_with_what_to_compare() -> None:
    other = till.TillAccount(signing_secret=SecretStr("other"), token=SecretStr("token"))
    assert "compare the webhook secret" in hints(captured(), other)


def test_an_account_of_one_secret_alone_is_enough() -> None:
    alone = till.TillAccount.model_construct(None, signing_secret=SecretStr(till.SECRET))
    assert explain(till.WEBHOOK, captured(), alone).valid
    assert "a line break at its end was added" in hints(
        replace(captured(), body=BODY + b"\n"), alone
    )


def test_a_check_that_fails_is_a_refusal() -> None:
    request = captured()
    crashing = replace(request, headers={**request.headers, "x-till-crash": "1"})
    assert "the check itself failed (RuntimeError)" in hints(crashing)


@pytest.mark.parametrize("slug", ["shopify", "woocommerce", "square", "twilio"])
@pytest.mark.parametrize(
    "headers", [{}, {"x-a": "\xff", "date": "nonsense", "t": "t=99999999999"}], ids=["none", "odd"]
)
def test_any_request_to_any_connector_is_explained_without_an_error(
    slug: str, headers: dict[str, str]
) -> None:
    manifest = registry.manifest(slug)
    assert manifest.webhook is not None
    account = manifest.account.model_construct(
        **{name: SecretStr("secret") for name in manifest.account.model_fields}
    )
    found = explain(manifest.webhook, InboundRequest("POST", URL, headers, b"\xff{", NOW), account)
    assert not found.valid
    assert found.hints
