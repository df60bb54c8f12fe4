"""Every kind of event, and which deployment works it off."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """Every kind of event the hub knows."""

    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_OPTED_IN = "customer.opted_in"
    INVITATION_CLAIMED = "invitation.claimed"
    ORDER_PAID = "order.paid"
    ORDER_EDITED = "order.edited"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_REFUNDED = "order.refunded"
    PAYMENT_COMPLETED = "payment.completed"
    REFUND_REVERSED = "refund.reversed"
    REWARD_REDEEMED = "reward.redeemed"
    REWARD_HELD = "reward.held"
    REWARD_CAPTURED = "reward.captured"
    REWARD_RELEASED = "reward.released"
    GIFT_CODE_REDEEMED = "gift_code.redeemed"
    REWARD_REQUESTED = "reward.requested"
    REWARD_ISSUED = "reward.issued"
    REWARD_FAILED = "reward.failed"
    REWARD_USED = "reward.used"
    REWARD_EXPIRED = "reward.expired"
    REWARD_VOIDED = "reward.voided"
    POINTS_ADJUSTED = "points.adjusted"
    ADJUSTMENT_APPROVED = "adjustment.approved"
    ACTIVITY_REPORTED = "activity.reported"
    CHAT_RECEIVED = "chat.received"
    CHAT_INVITED = "chat.invited"
    CHAT_BOUND = "chat.bound"
    REFERRAL_ATTACHED = "referral.attached"
    REFERRAL_DECIDED = "referral.decided"
    REFERRAL_EARNED = "referral.earned"
    REFERRAL_CANCELLED = "referral.cancelled"
    MEMBER_MERGED = "member.merged"
    MEMBER_UNMERGED = "member.unmerged"
    MEMBER_ERASED = "member.erased"
    MEMBER_BLOCKED = "member.blocked"
    MEMBER_UNBLOCKED = "member.unblocked"
    SIGN_IN_ASKED = "sign_in.asked"
    MILESTONE_REACHED = "milestone.reached"
    TIER_CHANGED = "tier.changed"
    ANNIVERSARY_DUE = "anniversary.due"
    BIRTHDAY_DUE = "birthday.due"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_BOUNCED = "message.bounced"
    MESSAGE_OPENED = "message.opened"
    MESSAGE_CLICKED = "message.clicked"
    MESSAGE_UNSUBSCRIBED = "message.unsubscribed"
    SMS_RECEIVED = "sms.received"
    MESSAGE_COMPLAINED = "message.complained"
    CONSENT_GIVEN = "consent.given"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_IMPORTED = "consent.imported"
    CONSENT_REQUESTED = "consent.requested"
    CONSENT_CONFIRMED = "consent.confirmed"
    REVIEW_DECIDED = "review.decided"


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"


class ConsentState(StrEnum):
    """What a person last said about one channel; `pending` waits for their confirmation."""

    GRANTED = "granted"
    PENDING = "pending"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """What a message is for: marketing needs consent; transactional is what a person waits for."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"


TRIGGERS: dict[str, tuple[EventType, ...]] = {
    "orders": (EventType.ORDER_PAID, EventType.ORDER_EDITED, EventType.PAYMENT_COMPLETED),
    "refunds": (
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
        EventType.REFUND_REVERSED,
    ),
    "sign-ups": (
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.CUSTOMER_OPTED_IN,
        EventType.INVITATION_CLAIMED,
        EventType.REFERRAL_ATTACHED,
    ),
    "milestones": (
        EventType.MILESTONE_REACHED,
        EventType.TIER_CHANGED,
        EventType.ANNIVERSARY_DUE,
        EventType.BIRTHDAY_DUE,
    ),
    "redemptions": (
        EventType.REWARD_REDEEMED,
        EventType.REWARD_HELD,
        EventType.REWARD_CAPTURED,
        EventType.REWARD_RELEASED,
        EventType.GIFT_CODE_REDEEMED,
        EventType.REWARD_REQUESTED,
        EventType.REWARD_ISSUED,
        EventType.REWARD_FAILED,
        EventType.REWARD_USED,
        EventType.REWARD_EXPIRED,
        EventType.REWARD_VOIDED,
        EventType.POINTS_ADJUSTED,
        EventType.ADJUSTMENT_APPROVED,
    ),
    "members": (
        EventType.ACTIVITY_REPORTED,
        EventType.CHAT_INVITED,
        EventType.CHAT_BOUND,
        EventType.REFERRAL_DECIDED,
        EventType.REFERRAL_EARNED,
        EventType.REFERRAL_CANCELLED,
        EventType.MEMBER_MERGED,
        EventType.MEMBER_UNMERGED,
        EventType.MEMBER_ERASED,
        EventType.MEMBER_BLOCKED,
        EventType.MEMBER_UNBLOCKED,
        EventType.SIGN_IN_ASKED,
    ),
    "feedback": (
        EventType.MESSAGE_DELIVERED,
        EventType.MESSAGE_BOUNCED,
        EventType.MESSAGE_OPENED,
        EventType.MESSAGE_CLICKED,
        EventType.MESSAGE_UNSUBSCRIBED,
        EventType.SMS_RECEIVED,
        EventType.MESSAGE_COMPLAINED,
        EventType.CONSENT_GIVEN,
        EventType.CONSENT_WITHDRAWN,
        EventType.CONSENT_IMPORTED,
        EventType.CONSENT_REQUESTED,
        EventType.CONSENT_CONFIRMED,
        EventType.REVIEW_DECIDED,
        EventType.CHAT_RECEIVED,
    ),
}
"""Which deployment works off which events; every event type belongs to exactly one."""


TRIGGER_OF: dict[EventType, str] = {
    event_type: trigger for trigger, types in TRIGGERS.items() for event_type in types
}
