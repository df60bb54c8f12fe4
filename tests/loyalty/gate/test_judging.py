"""The gate fails closed, says why, and lets through what a person waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from loyalty.events import ConsentState, Purpose
from loyalty.gate import EVERYTHING, MARKETING, About, Reason, judge, told
from tests.loyalty.gate.asked import (
    EMAIL,
    GRANTED,
    NOON,
    PENDING,
    PHONE,
    WITHDRAWN,
    agreed,
    knowing,
    message,
    night,
    programme,
    stopped,
)

ANY = programme()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, Reason.NO_CONSENT),
        (PENDING, Reason.NOT_CONFIRMED),
        (WITHDRAWN, Reason.OPTED_OUT),
        (GRANTED, None),
    ],
)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_marketing_goes_only_with_consent(
    channel: str, state: ConsentState | None, reason: Reason | None
) -> None:
    known = knowing(*([(channel, MARKETING, state)] if state else []))
    verdict = judge(message(channel), known, ANY, now=NOON)
    assert (verdict.outcome, verdict.reason) == ("suppress" if reason else "send", reason)
    assert verdict.told == ("" if reason is None else told(reason, channel))
    waited_for = message(channel, purpose=Purpose.TRANSACTIONAL)
    assert judge(waited_for, known, ANY, now=NOON).outcome == "send"


def test_consent_to_one_channel_is_none_to_the_other() -> None:
    assert judge(message("sms"), agreed("email"), ANY, now=NOON).reason is Reason.NO_CONSENT


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("lifted_by", ["any_word", "needs_keyword"])
def test_a_stop_from_the_handset_stops_everything_on_the_channel(
    purpose: Purpose, lifted_by: str
) -> None:
    terms = programme(sms={"handset_optout": lifted_by})
    verdict = judge(message("sms", purpose=purpose), stopped(), terms, now=NOON)
    assert verdict.reason is Reason.OPTED_OUT


@pytest.mark.parametrize(
    ("lifted_by", "purpose", "outcome"),
    [
        ("any_word", MARKETING, "send"),
        ("needs_keyword", MARKETING, "suppress"),
        ("any_word", EVERYTHING, "suppress"),
        ("needs_keyword", EVERYTHING, "suppress"),
    ],
)
def test_what_lifts_a_stop_is_the_programmes_choice(
    lifted_by: str, purpose: str, outcome: str
) -> None:
    """A yes to everything without one to marketing is none to marketing."""
    known = stopped()
    known.words.hear(
        About("sms", PHONE, purpose), store="hub", state=GRANTED, at=NOON - timedelta(hours=1)
    )
    terms = programme(sms={"handset_optout": lifted_by})
    assert judge(message("sms"), known, terms, now=NOON).outcome == outcome


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("reason", [Reason.HARD_BOUNCE, Reason.COMPLAINT, Reason.PAUSED_FOR_REVIEW])
def test_a_stopped_address_gets_nothing_of_any_kind(purpose: Purpose, reason: Reason) -> None:
    known = agreed()
    known.stopped["email", EMAIL] = reason
    assert judge(message(purpose=purpose), known, ANY, now=NOON).reason is reason
    elsewhere = message(purpose=purpose, address="new@example.com")
    assert judge(elsewhere, known, ANY, now=NOON).reason is not reason


@pytest.mark.parametrize("purpose", Purpose)
def test_nothing_goes_nowhere_or_to_the_forgotten(purpose: Purpose) -> None:
    nowhere = message(purpose=purpose, address="")
    assert judge(nowhere, agreed(), ANY, now=NOON).reason is Reason.NO_ADDRESS
    gone = message(purpose=purpose, is_erased=True)
    assert judge(gone, agreed(), ANY, now=NOON).reason is Reason.ERASED


def test_leaving_a_topic_leaves_the_others() -> None:
    known = agreed()
    about = About("email", EMAIL, MARKETING, "offers")
    known.words.hear(about, store="hub", state=WITHDRAWN, at=NOON)
    assert judge(message(topic="offers"), known, ANY, now=NOON).reason is Reason.OPTED_OUT
    assert judge(message(topic="news"), known, ANY, now=NOON).outcome == "send"
    assert judge(message(), known, ANY, now=NOON).outcome == "send"


@pytest.mark.parametrize(
    ("zone", "unknown", "outcome", "reason"),
    [
        ("Europe/Berlin", "suppress", "defer", Reason.QUIET_HOURS),
        ("", "suppress", "suppress", Reason.UNKNOWN_ZONE),
        ("Europe/Nowhere", "suppress", "suppress", Reason.UNKNOWN_ZONE),
        ("", "program", "defer", Reason.QUIET_HOURS),
        ("America/Chicago", "suppress", "send", None),
    ],
)
def test_an_unknown_zone_fails_closed(
    zone: str, unknown: str, outcome: str, reason: Reason | None
) -> None:
    late = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    terms = programme(**night(), unknown_zone=unknown)
    verdict = judge(message("sms", zone=zone), agreed("sms"), terms, now=late)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    if outcome == "defer":
        assert verdict.send_at == datetime(2026, 3, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keeps", "hour", "outcome"),
    [("exempt", 23, "send"), ("hours", 23, "defer"), ("hours", 12, "send")],
)
def test_what_a_person_waits_for_goes_at_any_time_unless_told_otherwise(
    keeps: str, hour: int, outcome: str
) -> None:
    """And on Sundays and holidays in any case: 1 March is a Sunday."""
    terms = programme(**night(no_weekdays=[7], transactional=keeps))
    receipt = message("sms", zone="UTC", purpose=Purpose.TRANSACTIONAL)
    sunday = datetime(2026, 3, 1, hour, tzinfo=UTC)
    assert judge(receipt, agreed("sms"), terms, now=sunday).outcome == outcome


@pytest.mark.parametrize(
    ("valid_hours", "outcome"), [(9.5, "suppress"), (9.51, "defer"), (0, "suppress")]
)
def test_what_would_come_too_late_does_not_come(valid_hours: float, outcome: str) -> None:
    """At half past ten in the evening, eight in the morning is nine and a half hours off."""
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    valid_until = evening + timedelta(hours=valid_hours)
    asked = message("sms", zone="UTC", valid_until=valid_until)
    verdict = judge(asked, agreed("sms"), programme(**night()), now=evening)
    assert verdict.outcome == outcome
    if outcome == "suppress":
        assert verdict.reason is Reason.WOULD_BE_LATE


def test_a_message_about_something_long_ago_is_not_sent() -> None:
    terms = ANY.model_copy(update={"max_lateness_hours": 24})
    for age, outcome in ((24, "send"), (25, "suppress")):
        asked = message(about_at=NOON - timedelta(hours=age))
        assert judge(asked, agreed(), terms, now=NOON).outcome == outcome


def test_a_message_for_later_waits_and_keeps_the_quiet_hours_of_then() -> None:
    known, terms = agreed("sms"), programme(**night())
    for hour, goes_at in ((20, 20), (23, 32)):
        planned_for = NOON.replace(hour=hour)
        asked = message("sms", zone="UTC", not_before=planned_for)
        verdict = judge(asked, known, terms, now=NOON)
        assert verdict.outcome == "defer"
        assert verdict.send_at == NOON.replace(hour=0) + timedelta(hours=goes_at)


def test_every_reason_has_words_for_people() -> None:
    for reason in Reason:
        for channel in ("email", "sms", "messenger"):
            code, _, sentence = told(reason, channel).partition(": ")
            assert code == reason.value
            assert len(sentence) > 10
            assert "{" not in sentence


def test_a_verdict_says_what_it_rests_on_and_names_nobody() -> None:
    verdict = judge(message("sms", zone="UTC", topic="news"), agreed("sms"), ANY, now=NOON)
    assert verdict.known == {
        "purpose": "marketing",
        "consent": "granted",
        "said_at": "2026-03-02T01:00:00+00:00",
        "zone": "UTC",
        "topic": "news",
    }
    assert PHONE not in str(verdict.known)
