"""The envelope of an event and its identity (CloudEvents 1.0)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from loyalty.events.base import Frozen, Key, made
from loyalty.events.chats import ChatBound, ChatInvited, ChatMessage
from loyalty.events.consents import (
    Consent,
    ConsentConfirmation,
    ConsentImport,
    ConsentRequest,
    ReviewDecision,
)
from loyalty.events.gift_codes import GiftCodeUse
from loyalty.events.invitations import InvitationClaim
from loyalty.events.kinds import TRIGGER_OF, EventType
from loyalty.events.messages import InboundMessage, MessageReport
from loyalty.events.moments import Milestone, Occasion, TierChange
from loyalty.events.people import Activity, Customer, Erasure, MemberBlock, MemberMerge
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
    Redemption,
    RewardRequest,
    RewardStep,
)
from loyalty.events.sales import (
    Cancellation,
    Order,
    Payment,
    Refund,
    RefundReversal,
)
from loyalty.events.sign_in import SignInRequest

Data = (
    Customer | Order | Refund | Cancellation | Payment | Redemption
    | RefundReversal | Hold | HoldEnd | Adjustment | AdjustmentApproval | Activity
    | ChatMessage | ChatInvited | ChatBound
    | ReferralAttached | ReferralDecided | ReferralEarned | ReferralCancelled
    | MemberMerge | MemberBlock
    | Erasure | GiftCodeUse | InvitationClaim | RewardRequest | RewardStep
    | SignInRequest
    | Milestone | TierChange | Occasion | MessageReport | InboundMessage
    | Consent | ConsentImport | ConsentRequest | ConsentConfirmation | ReviewDecision
)  # fmt: skip


DATA_MODELS: dict[EventType, type[Frozen]] = {
    EventType.CUSTOMER_CREATED: Customer,
    EventType.CUSTOMER_UPDATED: Customer,
    EventType.CUSTOMER_OPTED_IN: Customer,
    EventType.INVITATION_CLAIMED: InvitationClaim,
    EventType.ORDER_PAID: Order,
    EventType.ORDER_EDITED: Order,
    EventType.ORDER_CANCELLED: Cancellation,
    EventType.ORDER_REFUNDED: Refund,
    EventType.PAYMENT_COMPLETED: Payment,
    EventType.REFUND_REVERSED: RefundReversal,
    EventType.REWARD_REDEEMED: Redemption,
    EventType.REWARD_HELD: Hold,
    EventType.REWARD_CAPTURED: HoldEnd,
    EventType.REWARD_RELEASED: HoldEnd,
    EventType.GIFT_CODE_REDEEMED: GiftCodeUse,
    EventType.REWARD_REQUESTED: RewardRequest,
    EventType.REWARD_ISSUED: RewardStep,
    EventType.REWARD_FAILED: RewardStep,
    EventType.REWARD_USED: RewardStep,
    EventType.REWARD_EXPIRED: RewardStep,
    EventType.REWARD_VOIDED: RewardStep,
    EventType.POINTS_ADJUSTED: Adjustment,
    EventType.ADJUSTMENT_APPROVED: AdjustmentApproval,
    EventType.ACTIVITY_REPORTED: Activity,
    EventType.CHAT_RECEIVED: ChatMessage,
    EventType.CHAT_INVITED: ChatInvited,
    EventType.CHAT_BOUND: ChatBound,
    EventType.REFERRAL_ATTACHED: ReferralAttached,
    EventType.REFERRAL_DECIDED: ReferralDecided,
    EventType.REFERRAL_EARNED: ReferralEarned,
    EventType.REFERRAL_CANCELLED: ReferralCancelled,
    EventType.MEMBER_MERGED: MemberMerge,
    EventType.MEMBER_UNMERGED: MemberMerge,
    EventType.MEMBER_ERASED: Erasure,
    EventType.MEMBER_BLOCKED: MemberBlock,
    EventType.MEMBER_UNBLOCKED: MemberBlock,
    EventType.SIGN_IN_ASKED: SignInRequest,
    EventType.MILESTONE_REACHED: Milestone,
    EventType.TIER_CHANGED: TierChange,
    EventType.ANNIVERSARY_DUE: Occasion,
    EventType.BIRTHDAY_DUE: Occasion,
    EventType.MESSAGE_DELIVERED: MessageReport,
    EventType.MESSAGE_BOUNCED: MessageReport,
    EventType.MESSAGE_OPENED: MessageReport,
    EventType.MESSAGE_CLICKED: MessageReport,
    EventType.MESSAGE_UNSUBSCRIBED: MessageReport,
    EventType.SMS_RECEIVED: InboundMessage,
    EventType.MESSAGE_COMPLAINED: MessageReport,
    EventType.CONSENT_GIVEN: Consent,
    EventType.CONSENT_WITHDRAWN: Consent,
    EventType.CONSENT_IMPORTED: ConsentImport,
    EventType.CONSENT_REQUESTED: ConsentRequest,
    EventType.CONSENT_CONFIRMED: ConsentConfirmation,
    EventType.REVIEW_DECIDED: ReviewDecision,
}


class Event(Frozen):
    """One business fact in the CloudEvents envelope.

    `store` names whose ids `key` uses (`shopify/main`); `(store, type, key)` is the identity.
    `time` is business time, when it happened; when the hub heard of it is the inbox's matter.
    """

    type: EventType
    store: Key
    key: Key = Field(
        description="The order, refund, customer … id, with revision where it has one."
    )
    time: AwareDatetime
    subject: Key = Field(description="Whom it concerns; events of one subject keep their order.")
    data: Any = Field(description="The data model of the type (DATA_MODELS).")

    @model_validator(mode="before")
    @classmethod
    def _data_is_of_the_type(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("data"), dict):
            model = DATA_MODELS[EventType(value["type"])]
            value = {**value, "data": model.model_validate(value["data"])}
        return value

    @model_validator(mode="after")
    def _data_fits_the_type(self) -> Event:
        expected = DATA_MODELS[self.type]
        if not isinstance(self.data, expected):
            raise ValueError(f"{self.type} carries {expected.__name__}, not {type(self.data)}")
        return self

    @property
    def business_key(self) -> str:
        """The unique key of the fact: the same for webhook, redelivery, poll and replay."""
        return f"{self.store}:{self.type.value}:{self.key}"

    @property
    def trigger(self) -> str:
        """The deployment that works this event off."""
        return TRIGGER_OF[self.type]

    def cloud_event(self, *, event_id: str) -> dict[str, Any]:
        """The CloudEvents 1.0 JSON form, for outgoing webhooks and artifacts."""
        return {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/{self.store}",
            "type": self.type.value,
            "time": self.time.isoformat(),
            "subject": self.subject,
            "data": self.data.model_dump(mode="json"),
        }


_TYPES = {kind.value: kind for kind in EventType}


def stored_event(
    name: str, *, store: str, key: str, time: datetime, subject: str, data: dict[str, Any] | str
) -> Event:
    """An event as it is stored: its envelope was checked before, and columns keep their types.

    Args:
        name: The type; one that is unknown by now is refused like any other event.
        data: As read from JSON, or as JSON text.

    Raises:
        ValidationError: It cannot be read any more.
    """
    kind = _TYPES.get(name)
    if kind is None:
        return Event(type=name, store=store, key=key, time=time, subject=subject, data=data)
    model = DATA_MODELS[kind]
    known = model.model_validate_json(data) if isinstance(data, str) else model.model_validate(data)
    return made(Event, type=kind, store=store, key=key, time=time, subject=subject, data=known)


def subject_of(store: str, customer: Customer | None, fallback: str) -> str:
    """The ordering key: the same person's events of a store share it.

    Args:
        store: Whose customer ids these are.
        customer: As reported; None for an anonymous sale.
        fallback: The order or payment id, for events that name nobody.
    """
    if customer is None or customer.is_anonymous:
        return f"{store}:{fallback}"
    if customer.id:
        return f"{store}:customer:{customer.id}"
    contact = (customer.email or customer.phone or "").strip().lower()
    return f"contact:{contact}" if contact else f"card:{customer.card}"
