"""One good input of each capability, invented: what the conformance suite sends to sandboxes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import (
    AudienceMember,
    ChatPost,
    CouponEnd,
    CouponIssue,
    CrmContact,
    CustomerChange,
    EmailMessage,
    GiftCardEnd,
    GiftCardIssue,
    JourneyEntry,
    ListMembership,
    PointsChange,
    PushMessage,
    ReceiptLine,
    RowUpsert,
    SalesReceipt,
    SheetRow,
    SmsMessage,
    StoreCreditEnd,
    StoreCreditGrant,
    SubscribeAct,
    TicketOpen,
    TrackedEvent,
    WebhookCall,
)

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
EMAIL = "mila.brandt@shop.example"
PHONE = "+15005550123"

EXAMPLES: Mapping[Capability, Payload] = {
    Capability.SMS: SmsMessage(to=PHONE, body="You have 120 points."),
    Capability.EMAIL: EmailMessage(to=EMAIL, subject="Your points", text="You have 120 points."),
    Capability.CRM: CrmContact(
        email=EMAIL, first_name="Mila", last_name="Brandt", properties={"tier": "Gold"}
    ),
    Capability.AUDIENCE: AudienceMember(email=EMAIL, first_name="Mila", tags=("gold",)),
    Capability.TRACK: TrackedEvent(
        name="Points earned", time=AT, email=EMAIL, properties={"points": 120}
    ),
    Capability.CHAT: ChatPost(text="Mila reached Gold."),
    Capability.SHEET: SheetRow(values=("2026-11-02", "Mila", 120)),
    Capability.WEBHOOK: WebhookCall(type="order.paid", timestamp=AT, data={"points": 120}),
    Capability.COUPON: CouponIssue(
        email=EMAIL, customer_id="7001", code="MILA-4711", title="Ten off", kind="amount",
        value=Decimal("10.00"), currency="EUR", minimum=Decimal("30.00"), starts_at=AT,
    ),
    Capability.COUPON_END: CouponEnd(code="MILA-4700", reason="Voided"),
    Capability.GIFT_CARD: GiftCardIssue(
        email=EMAIL, customer_id="7001", code="GIFT47110815", amount=Decimal("25.00"),
        currency="EUR",
    ),
    Capability.GIFT_CARD_END: GiftCardEnd(code="GIFT47000815", issued_by="reward:1:issue"),
    Capability.STORE_CREDIT: StoreCreditGrant(
        email=EMAIL, customer_id="7001", amount=Decimal("5.00"), currency="EUR"
    ),
    Capability.STORE_CREDIT_END: StoreCreditEnd(
        email=EMAIL, customer_id="7001", amount=Decimal("5.00"), currency="EUR"
    ),
    Capability.POINTS: PointsChange(
        email=EMAIL, customer_id="7001", external_id="m-1", points=120, reason="An order",
        balance=320,
    ),
    Capability.CUSTOMER: CustomerChange(
        email=EMAIL, customer_id="7001", add_tags=("gold",), remove_tags=("silver",),
        fields={"points": 120, "tier": "Gold"},
    ),
    Capability.TICKET: TicketOpen(
        subject="A refund took back more than there was", body="Mila owes 40 points.", email=EMAIL,
        name="Mila Brandt",
    ),
    Capability.PUSH: PushMessage(to="U" + "0" * 32, text="You have 120 points."),
    Capability.ROW: RowUpsert(
        key_column="member", key="m-1", values={"points": 120, "tier": "Gold"}
    ),
    Capability.JOURNEY: JourneyEntry(email=EMAIL, external_id="m-1", journey="welcome", time=AT),
    Capability.SUBSCRIBE: SubscribeAct(
        channel="email", address=EMAIL, acted_at=AT, source="the sign-up form"
    ),
    Capability.LIST: ListMembership(email=EMAIL, external_id="m-1", list="gold"),
    Capability.RECEIPT: SalesReceipt(
        email=EMAIL, name="Mila Brandt", number="1001", time=AT, currency="EUR",
        lines=(ReceiptLine(title="Sencha", quantity=2, amount=Decimal("24.00")),),
        tax=Decimal("4.56"), total=Decimal("28.56"),
    ),
}  # fmt: skip
