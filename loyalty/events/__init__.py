"""Canonical events: what happened, in the programme's words, whoever reported it.

The envelope follows CloudEvents 1.0 (id, source, type, time, subject, data). The identity of
an event is its business key (store, kind, order or refund id), so that a webhook, its
redelivery, a poll and a CSV row of the same fact are one event.
"""

from loyalty.events.base import MAX_LINES, Frozen, Key, Text, made
from loyalty.events.chats import ChatBound, ChatInvited, ChatMessage
from loyalty.events.consents import (
    Consent,
    ConsentConfirmation,
    ConsentImport,
    ConsentRequest,
    ReviewDecision,
)
from loyalty.events.envelope import DATA_MODELS, Data, Event, stored_event, subject_of
from loyalty.events.gift_codes import GiftCodeUse
from loyalty.events.invitations import InvitationClaim
from loyalty.events.kinds import TRIGGER_OF, TRIGGERS, Channel, ConsentState, EventType, Purpose
from loyalty.events.messages import InboundMessage, MessageReport
from loyalty.events.moments import Milestone, Occasion, TierChange
from loyalty.events.people import (
    Activity,
    Customer,
    Erasure,
    MemberBlock,
    MemberMerge,
    traits,
)
from loyalty.events.referrals import (
    ReferralAttached,
    ReferralCancelled,
    ReferralDecided,
    ReferralEarned,
)
from loyalty.events.rewards import (
    Adjustment,
    AdjustmentApproval,
    Hold,
    HoldEnd,
    Points,
    Redemption,
    RewardRequest,
    RewardStep,
)
from loyalty.events.sales import (
    Cancellation,
    Line,
    Order,
    Payment,
    Refund,
    RefundLine,
    RefundReversal,
    Tender,
)
from loyalty.events.sign_in import SignInRequest

__all__ = [
    "DATA_MODELS",
    "MAX_LINES",
    "TRIGGERS",
    "TRIGGER_OF",
    "Activity",
    "Adjustment",
    "AdjustmentApproval",
    "Cancellation",
    "Channel",
    "ChatBound",
    "ChatInvited",
    "ChatMessage",
    "Consent",
    "ConsentConfirmation",
    "ConsentImport",
    "ConsentRequest",
    "ConsentState",
    "Customer",
    "Data",
    "Erasure",
    "Event",
    "EventType",
    "Frozen",
    "GiftCodeUse",
    "Hold",
    "HoldEnd",
    "InboundMessage",
    "InvitationClaim",
    "Key",
    "Line",
    "MemberBlock",
    "MemberMerge",
    "MessageReport",
    "Milestone",
    "Occasion",
    "Order",
    "Payment",
    "Points",
    "Purpose",
    "Redemption",
    "ReferralAttached",
    "ReferralCancelled",
    "ReferralDecided",
    "ReferralEarned",
    "Refund",
    "RefundLine",
    "RefundReversal",
    "ReviewDecision",
    "RewardRequest",
    "RewardStep",
    "SignInRequest",
    "Tender",
    "Text",
    "TierChange",
    "made",
    "stored_event",
    "subject_of",
    "traits",
]
