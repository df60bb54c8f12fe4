"""What each kind of event is about: the names that rules see when it happens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel

from loyalty.events import DATA_MODELS, Event, EventType
from loyalty.facts import MemberFacts, RatedLine, RatedOrder, RatedPayment, Result
from loyalty.programme import Programme
from rules.language.scope import Name, Scope, Slots
from rules.language.types import record_of

EVENT, MEMBER, PROGRAMME, DATA, RESULT = range(5)
"""The slots that every rule's environment begins with."""

_DATA_NAMES: dict[EventType, str] = {
    EventType.CUSTOMER_CREATED: "customer",
    EventType.CUSTOMER_UPDATED: "customer",
    EventType.CUSTOMER_OPTED_IN: "customer",
    EventType.INVITATION_CLAIMED: "invitation",
    EventType.ORDER_PAID: "order",
    EventType.ORDER_EDITED: "order",
    EventType.ORDER_CANCELLED: "cancellation",
    EventType.ORDER_REFUNDED: "refund",
    EventType.PAYMENT_COMPLETED: "payment",
    EventType.REFUND_REVERSED: "refund_reversal",
    EventType.REWARD_REDEEMED: "redemption",
    EventType.REWARD_HELD: "hold",
    EventType.REWARD_CAPTURED: "hold_end",
    EventType.REWARD_RELEASED: "hold_end",
    EventType.GIFT_CODE_REDEEMED: "gift_code",
    EventType.REWARD_REQUESTED: "reward_request",
    EventType.REWARD_ISSUED: "reward",
    EventType.REWARD_FAILED: "reward",
    EventType.REWARD_USED: "reward",
    EventType.REWARD_EXPIRED: "reward",
    EventType.REWARD_VOIDED: "reward",
    EventType.POINTS_ADJUSTED: "adjustment",
    EventType.ADJUSTMENT_APPROVED: "approval",
    EventType.ACTIVITY_REPORTED: "activity",
    EventType.CHAT_RECEIVED: "chat",
    EventType.CHAT_INVITED: "chat_invitation",
    EventType.CHAT_BOUND: "binding",
    EventType.REFERRAL_ATTACHED: "referral",
    EventType.REFERRAL_DECIDED: "decision",
    EventType.REFERRAL_EARNED: "referral_reward",
    EventType.REFERRAL_CANCELLED: "referral_end",
    EventType.MEMBER_MERGED: "merge",
    EventType.MEMBER_UNMERGED: "merge",
    EventType.MEMBER_ERASED: "erasure",
    EventType.MEMBER_BLOCKED: "block",
    EventType.MEMBER_UNBLOCKED: "block",
    EventType.SIGN_IN_ASKED: "sign_in",
    EventType.MILESTONE_REACHED: "milestone",
    EventType.TIER_CHANGED: "tier_change",
    EventType.ANNIVERSARY_DUE: "occasion",
    EventType.BIRTHDAY_DUE: "occasion",
    EventType.MESSAGE_DELIVERED: "message",
    EventType.MESSAGE_BOUNCED: "message",
    EventType.MESSAGE_OPENED: "message",
    EventType.MESSAGE_CLICKED: "message",
    EventType.MESSAGE_UNSUBSCRIBED: "message",
    EventType.SMS_RECEIVED: "sms",
    EventType.MESSAGE_COMPLAINED: "message",
    EventType.CONSENT_GIVEN: "consent",
    EventType.CONSENT_WITHDRAWN: "consent",
    EventType.CONSENT_IMPORTED: "consent_import",
    EventType.CONSENT_REQUESTED: "consent_request",
    EventType.CONSENT_CONFIRMED: "confirmation",
    EventType.REVIEW_DECIDED: "review",
}

_RATED: dict[str, type[BaseModel]] = {"order": RatedOrder, "payment": RatedPayment}

NAMES = frozenset({"event", "member", "programme", "result", "line", *_DATA_NAMES.values()})
"""Every name that means something in some rule; named values choose others."""


def data_name(event_type: EventType) -> str:
    """The name under which rules and texts see an event's data: `order`, `customer`, …"""
    return _DATA_NAMES[event_type]


def data_model(event_type: EventType) -> type[BaseModel]:
    """The model of an event's data as rules see it; purchases come rated, with `eligible`."""
    return _RATED.get(data_name(event_type), DATA_MODELS[event_type])


@cache
def _names(event_type: EventType) -> Mapping[str, Name]:
    return {
        "event": Name(EVENT, record_of(Event, ("type", "store", "key", "time"))),
        data_name(event_type): Name(DATA, record_of(data_model(event_type))),
        "member": Name(MEMBER, record_of(MemberFacts)),
        "programme": Name(PROGRAMME, record_of(Programme, ("name", "currency", "zone"))),
    }


def scope_of(event_type: EventType, lets: Mapping[str, str] | None = None) -> Scope:
    """What conditions and awards see when such an event happens.

    Args:
        event_type: One of the rule's `on`.
        lets: The rule's named values.
    """
    return Scope(
        names=_names(event_type),
        where=f"a rule for {event_type.value}",
        slots=Slots(used=RESULT + 1),
        lets=lets or {},
    )


def after_booking(scope: Scope) -> Scope:
    """The same, for what is done once the books are written: they see `result` as well."""
    return scope.with_names({"result": Name(RESULT, record_of(Result))})


def on_a_line(scope: Scope) -> Scope:
    """The same, for a condition on one line of the order: it sees `line` as well.

    Slots and named values are those of the scope, and named values do not see the line. The
    line is put into the slot `scope.names["line"].slot`. An event without lines gets no `line`.
    """
    order = scope.names.get("order")
    if order is None or "line" in scope.names:
        return scope
    return scope.with_names({"line": Name(scope.slots.take(), record_of(RatedLine))})


def line_scope(event_type: EventType, lets: Mapping[str, str] | None = None) -> Scope:
    """What a condition on one line sees when such an event happens (see `on_a_line`)."""
    return on_a_line(scope_of(event_type, lets))
