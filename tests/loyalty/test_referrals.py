"""Who recommends whom: one mailbox in many spellings, and what makes a recommendation doubtful."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from loyalty.referral_policy import ReferralPolicy
from loyalty.referrals import Crowd, Person, Referral, ReferralState, counts, find, mailbox

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = ReferralPolicy(referrer_points=500, friend_points=200, min_order=Decimal("30.00"))
ANNA = Person(
    UUID(int=1), "anna.berg@gmail.com", "+14155550101", frozenset({("address", "a"), ("ip", "n")})
)


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("AnnaBerg+deal@googlemail.com", "annaberg@gmail.com"),
        ("anna.berg@gmail.com", "annaberg@gmail.com"),
        ("Ann+shop@Example.com", "ann@example.com"),
        ("a.b@example.com", "a.b@example.com"),
        ("+only@example.com", "+only@example.com"),
        ("not an address", None),
        (None, None),
    ],
)
def test_a_mailbox_is_one_however_it_is_spelt(address: str | None, same: str | None) -> None:
    assert mailbox(address) == same


@pytest.mark.parametrize(
    ("friend", "crowd", "is_known", "state", "reasons"),
    [
        (Person(UUID(int=2), "bo@example.com"), Crowd(), False, "attached", ()),
        (Person(UUID(int=1)), Crowd(), False, "blocked_self", ("same account",)),
        (Person(UUID(int=2), "annaberg+x@gmail.com"), Crowd(), False, "blocked_self",
         ("same email",)),
        (Person(UUID(int=2), None, "+14155550101"), Crowd(), False, "blocked_self",
         ("same phone",)),
        (Person(UUID(int=2), "bo@example.com"), Crowd(), True, "already_member",
         ("known before",)),
        (Person(UUID(int=2), traits=frozenset({("address", "a")})), Crowd(), False, "held",
         ("same address",)),
        (Person(UUID(int=2), traits=frozenset({("address", "b")})), Crowd(), False, "attached",
         ()),
        (Person(UUID(int=2)), Crowd(of_network=3), False, "held", ("many from one network",)),
        (Person(UUID(int=2)), Crowd(of_network=2), False, "attached", ()),
    ],
)  # fmt: skip
def test_a_newcomer_is_somebody_else_or_is_looked_at(
    friend: Person, crowd: Crowd, is_known: bool, state: str, reasons: tuple[str, ...]
) -> None:
    found = find(friend, ANNA, POLICY, crowd=crowd, is_known=is_known)
    assert (found.state.value, found.reasons) == (state, reasons)


def test_what_the_programme_does_not_compare_makes_no_doubt() -> None:
    policy = POLICY.model_copy(update={"identity": ("email",)})
    friend = Person(UUID(int=2), "bo@example.com", ANNA.phone, ANNA.traits)
    found = find(friend, ANNA, policy, crowd=Crowd(of_network=9), is_known=False)
    assert found.state is ReferralState.ATTACHED


@pytest.mark.parametrize(
    ("spend", "days", "state"),
    [("30.00", 0, "earned"), ("29.99", 0, None), ("30.00", 90, "earned"), ("30.00", 91, "lapsed")],
)
def test_an_order_counts_that_is_big_and_soon_enough(
    spend: str, days: int, state: str | None
) -> None:
    referral = Referral(UUID(int=2), ANNA.id, "c", ReferralState.ATTACHED, NOON)
    found = counts(referral, POLICY, spend=Decimal(spend), at=NOON + timedelta(days=days))
    assert (found and found.value) == state


def test_a_programme_without_a_reward_is_none() -> None:
    with pytest.raises(ValidationError, match="referrer_points"):
        ReferralPolicy()
