"""Frequency caps: windows that roll, days of the calendar, and who wins where places are few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.events import Purpose
from loyalty.gate import Knowledge, Message, Reason, Use, judge
from loyalty.messaging_policy import FrequencyCap
from loyalty.programme import Programme
from tests.loyalty.gate.asked import GRANTED, NOON, PHONE, agreed, message, night, programme

TWO_A_DAY = {"frequency_caps": [{"channel": "sms", "class": "marketing", "count": 2, "hours": 24}]}


def _used(*hours_ago: float, priority: int = 0, is_waiting: bool = False) -> Knowledge:
    known = agreed("sms")
    known.uses["sms", PHONE] = [
        Use(UUID(int=100 + at), NOON - timedelta(hours=ago), priority, is_waiting)
        for at, ago in enumerate(hours_ago)
    ]
    return known


@pytest.mark.parametrize(
    ("hours_ago", "outcome"),
    [
        ([], "send"),
        ([1], "send"),
        ([1, 2], "suppress"),
        ([1, 24], "send"),
        ([1, 23.999], "suppress"),
        ([23, 24, 25], "send"),
    ],
)
def test_a_message_leaves_the_window_exactly_when_it_is_over(
    hours_ago: list[float], outcome: str
) -> None:
    verdict = judge(message("sms"), _used(*hours_ago), programme(**TWO_A_DAY), now=NOON)
    assert verdict.outcome == outcome
    assert verdict.reason is (Reason.FREQUENCY_CAP if outcome == "suppress" else None)


def test_caps_are_the_channels_own_and_marketings_alone() -> None:
    known, terms = _used(1, 2, 3), programme(**TWO_A_DAY)
    receipt = message("sms", purpose=Purpose.TRANSACTIONAL)
    assert judge(receipt, known, terms, now=NOON).outcome == "send"
    known.words.hear(("email", "ada@example.com"), store="s", state=GRANTED, at=NOON)
    assert judge(message("email"), known, terms, now=NOON).outcome == "send"


@pytest.mark.parametrize(
    ("zone", "at", "outcome"),
    [
        ("Australia/Sydney", "2026-01-05T12:59:59+00:00", "suppress"),
        ("Australia/Sydney", "2026-01-05T13:00:00+00:00", "send"),
        ("", "2026-01-05T22:59:59+00:00", "suppress"),
        ("", "2026-01-05T23:00:00+00:00", "send"),
    ],
)
def test_a_day_is_the_persons_day_or_where_that_is_unknown_the_programmes(
    zone: str, at: str, outcome: str
) -> None:
    caps = [{"channel": "sms", "count": 1, "per": "day", "zone": "member"}]
    known = agreed("sms")
    known.uses["sms", PHONE] = [Use(UUID(int=9), datetime(2026, 1, 5, 12, 30, tzinfo=UTC))]
    asked = message("sms", zone=zone)
    verdict = judge(asked, known, programme(frequency_caps=caps), now=datetime.fromisoformat(at))
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("mine", "theirs", "outcome"), [(0, 0, "suppress"), (0, 5, "suppress"), (5, 0, "send")]
)
def test_what_waits_keeps_its_place_against_all_but_a_higher_priority(
    mine: int, theirs: int, outcome: str
) -> None:
    known = _used(-8, -8, priority=theirs, is_waiting=True)
    asked = message("sms", number=999, priority=mine)
    assert judge(asked, known, programme(**TWO_A_DAY), now=NOON).outcome == outcome


def test_what_was_sent_has_its_place_whatever_its_priority() -> None:
    known = _used(1, 2, priority=-5)
    asked = message("sms", priority=50)
    assert judge(asked, known, programme(**TWO_A_DAY), now=NOON).outcome == "suppress"


def test_a_message_does_not_stand_in_its_own_way() -> None:
    known = _used(1)
    known.uses["sms", PHONE].append(Use(UUID(int=1), NOON, is_waiting=True))
    assert judge(message("sms"), known, programme(**TWO_A_DAY), now=NOON).outcome == "send"


_WISH = st.tuples(
    st.integers(0, 72),
    st.integers(-1, 1),
    st.sampled_from(["marketing", "transactional"]),
    st.booleans(),
)


@settings(max_examples=80, deadline=None)
@given(wishes=st.lists(_WISH, max_size=25), count=st.integers(0, 3), hours=st.integers(1, 30))
def test_no_window_ever_holds_more_than_the_cap_and_refused_ones_take_no_place(
    wishes: list[tuple[int, int, str, bool]], count: int, hours: int
) -> None:
    """Whatever is asked, in whatever order, some put off by the night and judged again."""
    caps = [{"channel": "sms", "count": count, "hours": hours}]
    terms = programme(frequency_caps=caps, **night())
    known = agreed("sms")
    sent: list[datetime] = []
    waiting: list[tuple[datetime, Message]] = []
    for number, (hour, priority, purpose, is_hushed) in enumerate(sorted(wishes)):
        now = NOON + timedelta(hours=hour)
        _send_what_is_due(waiting, sent, now, known=known, terms=terms)
        asked = message("sms", number=number + 1, zone="UTC", priority=priority,
                        purpose=Purpose(purpose), is_erased=is_hushed)  # fmt: skip
        verdict = judge(asked, known, terms, now=now)
        known.count(asked, verdict, now=now)
        if verdict.outcome == "defer" and verdict.send_at is not None:
            waiting.append((verdict.send_at, asked))
        elif verdict.outcome == "send" and asked.is_marketing:
            sent.append(now)
    _send_what_is_due(waiting, sent, NOON + timedelta(days=9), known=known, terms=terms)
    window = timedelta(hours=hours)
    for at in sent:
        assert sum(at <= other < at + window for other in sent) <= count
    assert len([one for one in known.uses["sms", PHONE] if not one.is_waiting]) == len(sent)


def _send_what_is_due(
    waiting: list[tuple[datetime, Message]],
    sent: list[datetime],
    now: datetime,
    *,
    known: Knowledge,
    terms: Programme,
) -> None:
    due = sorted((one for one in waiting if one[0] <= now), key=_turn)
    waiting[:] = [one for one in waiting if one[0] > now]
    for at, asked in due:
        verdict = judge(asked, known, terms, now=at)
        known.count(asked, verdict, now=at)
        if verdict.outcome == "send":
            sent.append(at)


def _turn(one: tuple[datetime, Message]) -> tuple[datetime, int, UUID]:
    return one[0], -one[1].priority, one[1].id


@pytest.mark.parametrize("wrong", [{}, {"hours": 24, "per": "day"}, {"per": "year"}, {"hours": 0}])
def test_a_cap_has_one_period(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        FrequencyCap.model_validate({"channel": "sms", "count": 1, **wrong})
