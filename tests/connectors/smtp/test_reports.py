"""Mails about mails: whose they are, whom they are about, and what they can do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.smtp.account import SmtpAccount
from connectors.smtp.client import SmtpClient
from connectors.smtp.mime import message_id
from connectors.smtp.sandbox import SANDBOX_ACCOUNT, SmtpSandbox
from connectors.smtp.triggers import WEBHOOK
from loyalty.events import Event, EventType
from tests.connectors.smtp.test_client import KEY, SEND, Job, mail

ACCOUNT = SmtpAccount(**SANDBOX_ACCOUNT)
SOURCE = Source("smtp", "main")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[3] / "connectors" / "smtp" / "samples"
BOUNCE = (SAMPLES / "delivery-status.eml").read_text()
COMPLAINT = (SAMPLES / "feedback-report.eml").read_text()
OURS = "<0123456789abcdef0123456789abcdef01234567@shop.example>"


def request(body: bytes, **query: str) -> InboundRequest:
    return InboundRequest("POST", "https://hub.example/hooks/smtp/main", {}, body, NOW, query)


def events(text: str) -> list[Event]:
    asked = request(text.encode("utf-8", "surrogateescape"))
    payload = WEBHOOK.decode(asked.body)
    trigger = WEBHOOK.triggers.get(WEBHOOK.topic(asked, payload))
    return list(trigger.parse(payload, asked, SOURCE)) if trigger else []


def bounce(**changes: str) -> str:
    """The sample with other fields; an empty one is left out."""
    lines = []
    for line in BOUNCE.splitlines():
        name = line.partition(":")[0].lower().replace("-", "_")
        if name not in changes:
            lines.append(line)
        elif changes[name]:
            lines.append(f"{line.partition(':')[0]}: {changes[name]}")
    return "\n".join(lines) + "\n"


def test_only_the_word_in_the_address_lets_a_report_in() -> None:
    good = request(b"x", **WEBHOOK.query(ACCOUNT))  # type: ignore[misc]
    WEBHOOK.verify(good, ACCOUNT)
    without = ACCOUNT.model_copy(update={"hook_token": None})
    for asked, account in ((request(b"x"), ACCOUNT), (request(b"x", token="a"), ACCOUNT),
                           (request(b"x", token=""), without), (good, without)):  # fmt: skip
        with pytest.raises(BadSignature):
            WEBHOOK.verify(asked, account)


def test_an_unknown_mailbox_is_a_bounce_for_good() -> None:
    (event,) = events(BOUNCE)
    assert event.type is EventType.MESSAGE_BOUNCED
    assert (event.data.address, event.data.permanent) == ("ann@buyer.example", True)
    assert event.data.vendor_message_id == OURS
    assert event.data.detail.startswith("5.1.1 550 5.1.1")
    assert "ann@buyer.example" not in event.data.detail
    assert event.subject == "contact:ann@buyer.example"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [("5.1.2", True), ("5.2.1", True), ("5.2.2", False), ("5.7.1", False), ("4.4.1", False),
     ("5.1.1 (unknown)", True), ("", False)],
)  # fmt: skip
def test_only_an_address_that_is_dead_is_dead(status: str, permanent: bool) -> None:
    (event,) = events(bounce(status=status))
    assert event.data.permanent is permanent


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("FAILED", [EventType.MESSAGE_BOUNCED]),
        ("delivered", [EventType.MESSAGE_DELIVERED]),
        ("delayed", []),
        ("relayed", []),
        ("expanded", []),
        ("", []),
    ],
)
def test_what_the_server_did_says_what_it_is(action: str, kinds: list[EventType]) -> None:
    assert [event.type for event in events(bounce(action=action))] == kinds


def test_a_forwarded_mail_came_back_from_the_address_that_was_written_to() -> None:
    (event,) = events(bounce(final_recipient="rfc822; <elsewhere@far.example>"))
    assert event.data.address == "ann@buyer.example"
    (event,) = events(bounce(original_recipient="", final_recipient="RFC822;Ben@Buyer.example"))
    assert event.data.address == "Ben@Buyer.example"


def test_each_recipient_has_their_own_outcome() -> None:
    more = (
        "\n\nFinal-Recipient: rfc822; ben@buyer.example\nAction: delivered\nStatus: 2.0.0\n"
        "\nFinal-Recipient: rfc822; cy@buyer.example\nAction: failed\nStatus: 5.2.2\n"
    )
    told = events(BOUNCE.replace("user unknown", "user unknown" + more))
    assert [(one.type.value, one.data.address) for one in told] == [
        ("message.bounced", "ann@buyer.example"),
        ("message.delivered", "ben@buyer.example"),
        ("message.bounced", "cy@buyer.example"),
    ]
    assert len({one.business_key for one in told}) == 3


@pytest.mark.parametrize(
    "theirs", ["", "<newsletter-1@shop.example>", "0123", "<" + "A" * 40 + "@shop.example>"]
)
def test_a_report_on_a_mail_that_is_not_the_hubs_is_ignored(theirs: str) -> None:
    # Without the one of the report itself, only that of the returned mail is left.
    head, _, tail = BOUNCE.rpartition("Message-ID: ")
    assert events(head + f"Message-ID: {theirs}\n" + tail.partition("\n")[2]) == []


def test_what_the_hub_sends_is_known_when_it_comes_back() -> None:
    own = message_id(KEY, ACCOUNT)
    (event,) = events(BOUNCE.replace(OURS, own))
    assert event.data.vendor_message_id == own


def test_a_report_inside_the_returned_mail_proves_nothing() -> None:
    """Somebody may write a report about another, and let that mail come back."""
    outer = (
        "Subject: back\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=outer\n\n"
        "--outer\nContent-Type: message/rfc822\n\n" + BOUNCE + "\n--outer--\n"
    )
    assert events(outer) == []


def test_a_complaint_ends_the_mails() -> None:
    (event,) = events(COMPLAINT)
    assert event.type is EventType.MESSAGE_COMPLAINED
    assert (event.data.address, event.data.permanent) == ("ben@mailbox.example", True)
    (event,) = events(COMPLAINT.replace("Original-Rcpt-To", "X-Hidden"))
    assert event.data.address == "ben@mailbox.example"


@pytest.mark.parametrize("kind", ["not-spam", "fraud", "virus", ""])
def test_other_feedback_is_not_told(kind: str) -> None:
    assert events(COMPLAINT.replace("Feedback-Type: abuse", f"Feedback-Type: {kind}")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Subject: Out of office\n\nI am away.",
        BOUNCE.replace("report-type=delivery-status", "report-type=disposition-notification"),
        BOUNCE.replace("multipart/report", "multipart/mixed"),
        BOUNCE.replace("rfc822;", "x400;").replace("ann@buyer.example", "no address"),
        BOUNCE.replace("boundary=", "x-boundary="),
    ],
    ids=["out of office", "a receipt", "no report", "no address", "no boundary"],
)
def test_what_is_no_report_is_ignored(text: str) -> None:
    assert events(text) == []


@pytest.mark.parametrize("body", ["", "hello", "\n\n"])
def test_what_is_no_mail_is_refused(body: str) -> None:
    with pytest.raises(Unreadable, match="not an e-mail"):
        events(body)


def test_parts_inside_one_another_without_end_are_refused_or_ignored() -> None:
    nested = "".join(
        f"Content-Type: multipart/report; report-type=delivery-status; boundary=b{n}\n\n--b{n}\n"
        for n in range(3000)
    )
    with pytest.raises(Unreadable, match="inside one another"):
        events(nested)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(BOUNCE)), odd=st.binary(max_size=6))
def test_any_mail_ends_in_events_or_a_reason(place: int, odd: bytes) -> None:
    body = BOUNCE.encode()
    text = (body[:place] + odd + body[place + 1 :]).decode("utf-8", "surrogateescape")
    try:
        found = events(text)
    except (Unreadable, ValidationError):
        return
    assert all(event.business_key for event in found)


async def test_mails_come_back_to_the_address_for_bounces() -> None:
    sandbox = SmtpSandbox()
    await sandbox.start()
    fields: dict[str, Any] = {**sandbox.account(), "bounce_email": "bounces@shop.example"}
    one = SmtpClient(SmtpAccount(**fields))
    await SEND(one, Job(KEY, mail()))
    await one.aclose()
    await sandbox.stop()
    assert sandbox.records[0]["sender"] == "bounces@shop.example"
    assert "hello@shop.example" in sandbox.records[0]["headers"]["From"]


@pytest.mark.parametrize("value", ["no address", "a@b\n", "Ann <a@b.example>"])
def test_an_address_for_bounces_is_an_address(value: str) -> None:
    with pytest.raises(ValidationError, match="plain e-mail address"):
        SmtpAccount(**{**SANDBOX_ACCOUNT, "bounce_email": value})
