"""Links prove what they were made for, and nothing else."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.fernet import Fernet
from itsdangerous import URLSafeSerializer
from pydantic import SecretStr

from loyalty.links import LinkInvalid, LinkKind, Links
from loyalty.store.vault import Vault

KEY = b"k" * 32
LINKS = Links(KEY, "https://hub.example.com")
TOKEN = LINKS.token(LinkKind.JOIN, {"invitation": "0198", "to": "päivi@example.com"})


def test_a_token_gives_back_what_it_was_made_of() -> None:
    content = LINKS.read(LinkKind.JOIN, TOKEN)
    assert content == {"invitation": "0198", "to": "päivi@example.com"}
    assert LINKS.url(LinkKind.JOIN, content) == f"https://hub.example.com/j/{TOKEN}"


@pytest.mark.parametrize("at", [*range(0, len(TOKEN), 7), len(TOKEN) - 1])
def test_a_token_altered_by_one_character_is_refused(at: int) -> None:
    for other in "ABCDwxyz019-_.":
        if other != TOKEN[at]:
            with pytest.raises(LinkInvalid):
                LINKS.read(LinkKind.JOIN, TOKEN[:at] + other + TOKEN[at + 1 :])


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-4], TOKEN + "=", "ü" * 10, "a." * 5_000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(LinkKind.JOIN, token)


def test_a_token_is_worth_nothing_as_another_kind_or_with_another_key() -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(LinkKind.SIGN_IN, TOKEN)
    with pytest.raises(LinkInvalid):
        Links(b"o" * 32, LINKS.base_url).read(LinkKind.JOIN, TOKEN)


def test_the_key_of_links_is_derived_and_stays_the_same() -> None:
    key = SecretStr(Fernet.generate_key().decode())
    derived = Vault(key).derived("links")
    assert derived == Vault(key).derived("links") != Vault(key).derived("sessions")
    assert len(derived) == 32
    assert key.get_secret_value().encode() not in derived
    assert repr(Links(derived, "https://x")) == "Links(base_url='https://x')"


@pytest.mark.parametrize(
    "content",
    [
        {"d": "0198c2a5f1b47c3e9a6d5b2f8e1c4a70"},
        {"t": "https://shop.example/sale?a=1&b=2", "é": "päivi@example.com"},
        {"t": "short and shrinks: " + "a" * 60},
        {"t": "https://shop.example/" + "sale/" * 60},
    ],
    ids=["short", "middling", "short-compressed", "long-compressed"],
)
def test_links_in_mails_of_years_ago_are_still_read(content: dict[str, str]) -> None:
    library = URLSafeSerializer(KEY, salt="link:l", signer_kwargs={"digest_method": hashlib.sha256})
    assert LINKS.read(LinkKind.CLICK, library.dumps(content)) == content
    assert library.loads(LINKS.token(LinkKind.CLICK, content)) == content


def test_long_addresses_are_made_shorter() -> None:
    assert len(LINKS.token(LinkKind.CLICK, {"t": "https://shop.example/" + "sale/" * 60})) < 200
