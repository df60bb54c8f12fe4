"""Marketing carries a way out in its foot and its headers, through to the mail server's DATA."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from connectors.kit.capabilities import EmailMessage
from connectors.smtp.account import SmtpAccount
from connectors.smtp.mime import build
from flows.letters import Letter, plan_letter
from flows.planning import Planner
from loyalty.consent_links import delivery_named
from loyalty.events import Channel, ConsentState, Purpose
from loyalty.gate import Knowledge
from loyalty.letterhead import Letterhead
from loyalty.links import LinkKind, Links
from loyalty.programme import Programme
from loyalty.store.deliveries import Delivery
from rules.shipped import shipped_rules, shipped_templates
from rules.text_checks import texts_of
from rules.text_samples import Person, sample_of
from tests.flows.booking.desk import ROUTES, connected

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESS = "ada@shop.example"
LINKS = Links(b"k" * 32, "https://hub.tea.example")
TEXTS = texts_of(shipped_templates())
PROGRAMME = Programme(
    name="Tea & Club", routes=ROUTES, letterhead=Letterhead(postal_address="1 Tea Street, Dublin")
)
ACCOUNT = SmtpAccount.model_validate(
    {"host": "127.0.0.1", "from_email": "tea@tea.example", "from_name": "Tea",
     "password": SecretStr("")}
)  # fmt: skip


def planned(template: str, purpose: Purpose, **person: Any) -> Delivery:
    """A letter to somebody who agreed to marketing."""
    known = Knowledge()
    known.words.hear(
        ("email", ADDRESS), store="", state=ConsentState.GRANTED, at=NOW - timedelta(days=1)
    )
    whom = Person(**person)
    context = sample_of(template, "email", shipped_rules(), programme=PROGRAMME, person=whom)
    assert context is not None
    del context["links"]
    letter = Letter(
        id=UUID(int=7), key="k", rule="r", template=template, channel=Channel.EMAIL,
        purpose=purpose, context=context, address=ADDRESS, name=whom.first_name,
        locale=whom.locale, zone="Europe/Berlin",
    )  # fmt: skip
    planner = Planner(PROGRAMME, TEXTS, connected(), "w", NOW, links=LINKS)
    delivery = plan_letter(planner, letter, known)
    assert delivery.state == "pending", delivery.reason
    return delivery


@pytest.mark.parametrize("locale", ["en", "de", "fr"])
def test_marketing_says_how_to_leave_in_foot_and_headers(locale: str) -> None:
    delivery = planned("invitation", Purpose.MARKETING, locale=locale)
    mail = message_from_bytes(
        build("k", EmailMessage(**delivery.input), ACCOUNT, NOW), policy=policy.default
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [link] = re.findall(r"<(https://hub\.tea\.example/u/([\w.-]+))>", mail["List-Unsubscribe"])
    assert delivery_named(LINKS, LinkKind.UNSUBSCRIBE, link[1]) == delivery.id
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        body = part.get_content()
        assert link[0] in body
        assert "https://hub.tea.example/p/" in body
        assert "1 Tea Street, Dublin" in body


def test_a_confirmation_has_nothing_to_leave() -> None:
    delivery = planned("magic_link", Purpose.TRANSACTIONAL)
    assert delivery.input["headers"] == {}
    assert "hub.tea.example" not in delivery.input["html"] + delivery.input["text"]


@pytest.mark.parametrize(
    "name", ["<script>x</script>", "Ada\r\nBcc: eve@example.com", "שלום\u202e", "🎉" * 20]
)
def test_a_hostile_name_makes_one_sound_mail_or_none(name: str) -> None:
    delivery = planned("invitation", Purpose.MARKETING, first_name=name, last_name="")
    mail = EmailMessage(**delivery.input)
    assert "<script>" not in mail.html
    assert "\u202e" not in mail.text + mail.html
    assert "\n" not in mail.subject
