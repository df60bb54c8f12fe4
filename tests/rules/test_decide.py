"""Which rules fire, what they award, and that one rule's trouble is no other rule's."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.events import Event, EventType
from loyalty.programme import Programme
from rules import RuleSet, decide
from rules.decision import Decision
from tests.rules.samples import MEMBER, ORDER, OVERFLOW, PROGRAMME, decided, event_of, rule


def points(decision: Decision) -> dict[str, int]:
    """Points by rule."""
    return {award.rule: award.points for award in decision.awards}


class TestConditions:
    @pytest.mark.parametrize(
        ("match", "when", "fires"),
        [
            ("all", [], True),
            ("any", [], True),
            ("all", ["True", "True"], True),
            ("all", ["True", "False"], False),
            ("any", ["False", "True"], True),
            ("any", ["False", "False"], False),
        ],
    )
    def test_all_or_any_of_them_hold(self, match: str, when: list[str], fires: bool) -> None:
        assert bool(decided(rule("a", match=match, when=when)).fired) is fires

    def test_a_later_one_may_rely_on_an_earlier_one(self) -> None:
        when = ["order.customer is not None", 'order.customer.country == "DE"']
        assert decided(rule("a", when=when)).fired == ()
        assert decided(rule("a", when=when)).errors == ()

    def test_with_any_a_later_one_may_rely_on_an_earlier_one_not_holding(self) -> None:
        when = ["member.email is None", 'ends_with(member.email, ".de")']
        assert decided(rule("a", match="any", when=when)).fired == ("a",)

    def test_actions_may_rely_on_the_conditions(self) -> None:
        document = rule(
            "a", "100 / order.tax", when=["order.tax > 0"], otherwise=[{"award": {"points": 1}}]
        )
        assert points(decided(document)) == {"a": 1}

    def test_otherwise_may_rely_on_the_only_condition_not_holding(self) -> None:
        document = rule(
            "a", 1, when=["order.tax == 0"], otherwise=[{"award": {"points": "100 / order.tax"}}]
        )
        assert points(decided(document)) == {"a": 1}


class TestAwards:
    @pytest.mark.parametrize(
        ("wanted", "factor", "granted", "arithmetic"),
        [
            ("floor(order.eligible)", "1", 79, "floor(79.90) = 79"),
            ("order.eligible", "1", 79, "79.90, rounded down to 79"),
            ("50", "1", 50, "50"),
            ("50", "1.00", 50, "50"),
            (
                "floor(order.eligible)",
                "1.5",
                118,
                "floor(79.90) = 79, times 1.5 (gold) = 118.5, rounded down to 118",
            ),
            ("25 * count(order.lines)", "1", 50, "25 * count(order.lines) = 50"),
            (
                "order.eligible * 0.1",
                "2",
                15,
                "79.90 * 0.1 = 7.990, times 2 (gold) = 15.980, rounded down to 15",
            ),
        ],
    )
    def test_points_are_rounded_down_once_after_the_factor(
        self, wanted: str, factor: str, granted: int, arithmetic: str
    ) -> None:
        member = MEMBER.model_copy(update={"tier_factor": Decimal(factor)})
        [award] = decided(rule("a", wanted), member=member).awards
        assert (award.points, award.arithmetic) == (granted, arithmetic)

    def test_equal_factors_are_told_as_they_are_written(self) -> None:
        """The same award told twice must not depend on what was awarded before."""
        for factor in ("1.5", "1.50", "1.5"):
            member = MEMBER.model_copy(update={"tier_factor": Decimal(factor)})
            [award] = decided(rule("a", 10), member=member).awards
            assert f"times {factor} (gold)" in award.arithmetic

    @pytest.mark.parametrize("wanted", ["0", "0.99", "order.total - 79.90", "floor(0.5)"])
    def test_nothing_is_left_out(self, wanted: str) -> None:
        decision = decided(rule("a", wanted))
        assert decision.awards == ()
        assert decision.fired == ("a",)

    @pytest.mark.parametrize(
        ("wanted", "reason"),
        [
            ("-1", "a: the award would be negative (-1 points) (in `-1`)"),
            ("-0.01", "a: the award would be negative (-0.01 points) (in `-0.01`)"),
            (
                "1000000001",
                "a: the award would be more than 1,000,000,000 points (in `1000000001`)",
            ),
            (OVERFLOW, f"a: the number is out of range (in `{OVERFLOW}`)"),
        ],
    )
    def test_a_number_that_cannot_be_granted_fails_the_rule(self, wanted: str, reason: str) -> None:
        decision = decided(rule("a", wanted), rule("b", 5))
        assert decision.errors == (reason,)
        assert decision.fired == ("b",)
        assert points(decision) == {"b": 5}

    def test_an_award_may_have_a_condition_of_its_own(self) -> None:
        award = {"award": {"if": "order.total > 500", "points": 10}}
        decision = decided({"id": "a", "on": "order.paid", "then": [award]})
        assert (decision.fired, decision.awards) == (("a",), ())

    def test_otherwise_awards_when_the_conditions_do_not_hold(self) -> None:
        consolation = [{"award": {"points": 3}}]
        decision = decided(
            rule("a", when=["False"], otherwise=consolation),
            rule("b", when=["True"], otherwise=consolation),
        )
        assert points(decision) == {"a": 3, "b": 10}
        assert (decision.fired, decision.otherwise) == (("b",), ("a",))


class TestTrouble:
    def test_a_rule_that_fails_stops_no_other(self) -> None:
        decision = decided(
            rule("a", when=[f"{OVERFLOW} > 1"], otherwise=[{"award": {"points": 99}}]),
            rule("b"),
            rule("c", f"10 + {OVERFLOW}"),
            rule("d", when=["hour(event.time, member.zone) > 3"]),
        )
        assert points(decision) == {"b": 10}
        assert [error.split(":")[0] for error in decision.errors] == ["a", "c", "d"]
        assert decision.otherwise == ()

    def test_what_is_not_reached_does_not_fail(self) -> None:
        decision = decided(rule("a", when=["False", f"{OVERFLOW} > 1"]))
        assert decision.errors == ()

    def test_data_that_break_their_own_model_fail_only_the_rules_that_look(self) -> None:
        broken = ORDER.model_copy(update={"lines": None})
        decision = decided(rule("a", when=["count(order.lines) > 0"]), rule("b"), data=broken)
        assert points(decision) == {"b": 10}
        assert "met data it was not made for" in decision.errors[0]


class TestCompetition:
    def test_of_a_group_first_only_the_first_by_priority_fires(self) -> None:
        decision = decided(
            rule("a", group="first"),
            rule("b", 20, group="first", priority=1, when=["order.total > 500"]),
            rule("c", 30, group="first", priority=1),
            rule("d", 40),
        )
        assert points(decision) == {"c": 30, "d": 40}

    @pytest.mark.parametrize(("mode", "winner"), [("highest", "b"), ("lowest", "c")])
    def test_of_a_group_by_points_the_best_fires_and_ties_go_to_the_earlier(
        self, mode: str, winner: str
    ) -> None:
        documents = [
            rule(name, wanted, group=mode)
            for name, wanted in zip("abcde", (15, 20, 5, 20, 5), strict=True)
        ]
        assert decided(*documents).fired == (winner,)

    def test_groups_are_apart_by_name(self) -> None:
        decision = decided(
            rule("a", 1, group={"mode": "highest", "name": "x"}),
            rule("b", 2, group={"mode": "highest", "name": "x"}),
            rule("c", 3, group={"mode": "highest", "name": "y"}),
            rule("d", 4, group="highest"),
        )
        assert points(decision) == {"b": 2, "c": 3, "d": 4}

    def test_a_rule_that_fails_does_not_compete(self) -> None:
        decision = decided(rule("a", "-5", group="first", priority=9), rule("b", 5, group="first"))
        assert points(decision) == {"b": 5}

    def test_a_loser_does_nothing_at_all(self) -> None:
        decision = decided(
            rule("a", group="first"),
            rule("b", group="first", otherwise=[{"award": {"points": 1}}]),
        )
        assert points(decision) == {"a": 10}
        assert decision.otherwise == ()

    def test_stop_ends_the_round_when_the_rule_fires(self) -> None:
        documents = [
            rule("a", 1, stop=True, when=["order.total > {}"]),
            rule("b", 2),
            rule("z", 3, priority=1),
        ]
        for limit, expected in ((500, {"z": 3, "b": 2}), (50, {"z": 3, "a": 1})):
            documents[0]["when"] = [f"order.total > {limit}"]
            assert points(decided(*documents)) == expected

    def test_a_loser_of_its_group_does_not_stop_the_round(self) -> None:
        decision = decided(
            rule("a", 1, group="first"), rule("b", 2, group="first", stop=True), rule("c", 3)
        )
        assert points(decision) == {"a": 1, "c": 3}


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        ({"starts": "2026-01-03T23:30:00Z"}, True),
        ({"starts": "2026-01-03T23:30:01Z"}, False),
        ({"ends": "2026-01-03T23:30:01Z"}, True),
        ({"ends": "2026-01-03T23:30:00Z"}, False),
        ({"starts": "2026-01-04T00:30:00+01:00", "ends": "2026-01-05T00:00:00+01:00"}, True),
    ],
)
def test_a_rule_is_in_force_from_its_start_to_before_its_end(
    window: dict[str, str], fires: bool
) -> None:
    decision = decided(rule("a", **window, otherwise=[{"award": {"points": 1}}]))
    assert bool(decision.fired) is fires
    assert decision.otherwise == ()


def test_only_rules_for_the_event_are_asked() -> None:
    documents = [
        rule("a"),
        rule("b", on="customer.created"),
        rule("c", on=["order.edited", "order.paid"]),
    ]
    assert decided(*documents).fired == ("a", "c")


def test_an_order_is_rated_where_the_caller_has_not_done_it() -> None:
    rules = RuleSet.load([rule("a", "floor(order.eligible)")])
    shipping_counts = Programme.model_validate({"eligible": {"shipping": True}})
    order = event_of().data.model_copy(update={"shipping": Decimal("5.10")})
    event = event_of(data=order)
    assert decide(event, MEMBER, PROGRAMME, rules).points == 79
    assert decide(event, MEMBER, shipping_counts, rules).points == 85
    given = ORDER.model_copy(update={"eligible": Decimal(12)})
    assert decide(event, MEMBER, PROGRAMME, rules, data=given).points == 12


def test_the_decision_names_the_version_of_the_rules() -> None:
    rules = RuleSet.load([rule("a")])
    assert decide(event_of(), MEMBER, PROGRAMME, rules).version == rules.version


WORD = {"channel": "email", "address": "a@b.example", "via": "web_form"}

CASES: list[tuple[EventType, dict[str, Any], str]] = [
    (
        EventType.INVITATION_CLAIMED,
        {"invitation_id": "i", "via": "link"},
        'invitation.via == "link"',
    ),
    (EventType.CUSTOMER_CREATED, {"id": "c1", "country": "DE"}, 'customer.country == "DE"'),
    (EventType.CUSTOMER_UPDATED, {"id": "c1"}, "customer.email is None"),
    (
        EventType.CUSTOMER_OPTED_IN,
        {"id": "c1", "consents": {"sms": "granted"}},
        "customer.consents.sms is not None",
    ),
    (EventType.ORDER_EDITED, {"id": "1", "currency": "EUR", "total": "5"}, "order.eligible == 0"),
    (
        EventType.ORDER_CANCELLED,
        {"order_id": "1", "reason": "broken"},
        'cancellation.reason == "broken"',
    ),
    (
        EventType.ORDER_REFUNDED,
        {"id": "1", "order_id": "1", "currency": "EUR", "full": True},
        "refund.full",
    ),
    (
        EventType.PAYMENT_COMPLETED,
        {"id": "1", "currency": "EUR", "amount": "5"},
        "payment.amount > 4",
    ),
    (EventType.REWARD_REDEEMED, {"id": "1", "points": 5}, "100 / redemption.points == 20"),
    (
        EventType.REFUND_REVERSED,
        {"refund_id": "r", "order_id": "1"},
        'refund_reversal.order_id == "1"',
    ),
    (EventType.REWARD_HELD, {"id": "h", "points": 5}, "hold.points == 5"),
    (EventType.REWARD_CAPTURED, {"hold_id": "h"}, "hold_end.used_on is None"),
    (EventType.REWARD_RELEASED, {"hold_id": "h"}, 'hold_end.hold_id == "h"'),
    (
        EventType.REWARD_REQUESTED,
        {"id": "r", "member_id": "m", "item": "mug"},
        'reward_request.item == "mug"',
    ),
    *(
        (kind, {"reward_id": "r", "member_id": "m", "item": "mug"}, 'reward.item == "mug"')
        for kind in (
            EventType.REWARD_ISSUED,
            EventType.REWARD_FAILED,
            EventType.REWARD_USED,
            EventType.REWARD_EXPIRED,
            EventType.REWARD_VOIDED,
        )
    ),
    (
        EventType.GIFT_CODE_REDEEMED,
        {"id": "g", "code": "A-1", "batch": "Spring", "points": 5},
        'gift_code.batch == "Spring" and gift_code.points == 5',
    ),
    (EventType.POINTS_ADJUSTED, {"id": "a", "points": -5}, "adjustment.points < 0"),
    (EventType.ADJUSTMENT_APPROVED, {"adjustment_id": "a", "by": "bo"}, 'approval.by == "bo"'),
    (EventType.ACTIVITY_REPORTED, {"name": "review", "ref": "p"}, 'activity.name == "review"'),
    (
        EventType.MESSAGE_OPENED,
        {"channel": "email", "address": "a@b.example"},
        'message.channel == "email"',
    ),
    (
        EventType.MESSAGE_COMPLAINED,
        {"channel": "email", "address": "a@b.example"},
        'message.address == "a@b.example"',
    ),
    (
        EventType.CONSENT_GIVEN,
        WORD,
        'consent.via == "web_form"',
    ),
    (
        EventType.CONSENT_WITHDRAWN,
        WORD,
        'consent.via != ""',
    ),
    (
        EventType.CONSENT_IMPORTED,
        {"channel": "email", "address": "a@b.example", "state": "granted"},
        'consent_import.state == "granted"',
    ),
    (
        EventType.CONSENT_REQUESTED,
        WORD,
        'consent_request.via == "web_form"',
    ),
    (EventType.CONSENT_CONFIRMED, {"request_id": "r"}, 'confirmation.request_id == "r"'),
    (
        EventType.REVIEW_DECIDED,
        {"review_id": "r", "decision": "stop", "by": "bo"},
        'review.decision == "stop"',
    ),
    (
        EventType.CHAT_RECEIVED,
        {"id": "m", "channel": "line", "body": "hello", "customer": {"id": "U1"}},
        'chat.channel == "line"',
    ),
    (
        EventType.CHAT_INVITED,
        {"invitation_id": "i", "channel": "line", "contact": "U1", "by": "bo"},
        'chat_invitation.by == "bo"',
    ),
    (EventType.CHAT_BOUND, {"invitation_id": "i"}, 'binding.invitation_id == "i"'),
    (EventType.REFERRAL_ATTACHED, {"code": "k7m2"}, 'referral.code == "k7m2"'),
    (
        EventType.REFERRAL_DECIDED,
        {"member_id": "f", "approved": True, "by": "bo"},
        "decision.approved",
    ),
    (
        EventType.REFERRAL_EARNED,
        {
            "member_id": "m",
            "friend_id": "f",
            "side": "friend",
            "points": 5,
            "available_at": "2026-01-01T00:00:00Z",
        },
        'referral_reward.side == "friend"',
    ),
    (
        EventType.REFERRAL_CANCELLED,
        {"member_id": "m", "friend_id": "f", "side": "friend"},
        'referral_end.reason == ""',
    ),
    (
        EventType.MEMBER_MERGED,
        {"source": {"id": "1"}, "target": {"id": "2"}},
        'merge.source.locale == ""',
    ),
    (
        EventType.MEMBER_UNMERGED,
        {"source": {"id": "1"}, "target": {"id": "2"}},
        'merge.target.locale == ""',
    ),
    (EventType.MEMBER_ERASED, {"customer": {"id": "1"}}, 'erasure.customer.locale == ""'),
    (EventType.MEMBER_BLOCKED, {"customer": {"id": "1"}, "by": "Ada"}, 'block.by == "Ada"'),
    (EventType.MEMBER_UNBLOCKED, {"customer": {"id": "1"}, "by": "Ada"}, 'block.reason == ""'),
    (
        EventType.SIGN_IN_ASKED,
        {"sign_in_id": "0199a7c2-5c1e-7a10-8f00-2b9d6c1e4f01"},
        'sign_in.sign_in_id != ""',
    ),
    (
        EventType.MILESTONE_REACHED,
        {"member_id": "1", "milestone": "m", "mark": 500},
        "milestone.mark == 500",
    ),
    (
        EventType.TIER_CHANGED,
        {"member_id": "1", "before": "", "after": "gold"},
        'tier_change.after == "gold"',
    ),
    (
        EventType.ANNIVERSARY_DUE,
        {"member_id": "1", "year": 2026, "years": 3},
        "occasion.years == 3",
    ),
    (EventType.BIRTHDAY_DUE, {"member_id": "1", "year": 2026, "years": 3}, "occasion.year == 2026"),
    (EventType.MESSAGE_DELIVERED, {"channel": "sms", "address": "+49"}, 'message.channel == "sms"'),
    (EventType.MESSAGE_BOUNCED, {"channel": "sms", "address": "+49"}, "not message.permanent"),
    (
        EventType.MESSAGE_CLICKED,
        {"channel": "email", "address": "a"},
        'message.channel in ["email"]',
    ),
    (
        EventType.MESSAGE_UNSUBSCRIBED,
        {"channel": "email", "address": "a"},
        'message.address == "a"',
    ),
    (
        EventType.SMS_RECEIVED,
        {"id": "1", "channel": "sms", "sender": "+49", "body": "Yes"},
        'lower(sms.body) == "yes"',
    ),
]


@pytest.mark.parametrize(("kind", "data", "when"), CASES, ids=[str(case[0]) for case in CASES])
def test_every_kind_of_event_has_its_name(kind: EventType, data: dict[str, Any], when: str) -> None:
    rules = RuleSet.load([rule("a", on=kind.value, when=[when])])
    decision = decide(event_of(kind, data), MEMBER, PROGRAMME, rules)
    assert (decision.fired, decision.errors) == (("a",), ())


def test_no_kind_of_event_is_forgotten() -> None:
    assert {case[0] for case in CASES} | {EventType.ORDER_PAID} == set(EventType)


CLAUSES = st.sampled_from(
    [
        "True",
        "False",
        "order.total > 50",
        "order.customer is not None",
        "member.points > 1000",
        f"{OVERFLOW} > 1",
        "hour(event.time, member.zone) > 1",
        "named > 100",
    ]
)
WANTED = st.sampled_from(["1", "0", "-1", "floor(order.eligible)", "named", OVERFLOW])
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "when": st.lists(CLAUSES, max_size=3),
            "match": st.sampled_from(["all", "any"]),
            "then": WANTED.map(lambda wanted: [{"award": {"points": wanted}}]),
            "otherwise": st.one_of(
                st.just([]), WANTED.map(lambda wanted: [{"award": {"points": wanted}}])
            ),
            "priority": st.integers(-2, 2),
            "group": st.sampled_from(["all", "first", "highest", "lowest"]),
            "let": st.just({"named": "order.total * 2"}),
            "starts": st.sampled_from([None, "2026-02-01T00:00:00Z"]),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_the_decision_depends_on_the_content_alone(
    found: list[dict[str, Any]], random: Any
) -> None:
    """The same with and without explanation, and in whatever order the rules are given."""
    documents = [{"id": f"r{n}", "on": "order.paid", **one} for n, one in enumerate(found)]
    first = decided(*documents)
    random.shuffle(documents)
    second = decided(*documents, explain=False, remember=True)
    assert second == first.model_copy(update={"traces": ()})
    assert len(first.traces) == len(documents)
    assert {trace.rule for trace in first.traces if trace.fired} == set(first.fired)
    assert all(award.points > 0 for award in first.awards)
    assert all(trace.why.endswith(".") for trace in first.traces)


def test_nothing_that_is_given_is_changed() -> None:
    event: Event = event_of()
    before = (event.model_dump_json(), MEMBER.model_dump_json(), ORDER.model_dump_json())
    decided(rule("a", when=["any(x.quantity > 2 for x in order.lines)"]))
    assert (event.model_dump_json(), MEMBER.model_dump_json(), ORDER.model_dump_json()) == before
    assert isinstance(event.time, datetime)
