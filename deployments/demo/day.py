"""A day of a small chain of aromatherapy shops, told in webhooks.

The web shop runs on Shopify, the outlet on WooCommerce, the tills on Square; all sell in EUR.
The story holds what a loyalty programme meets: sign-ups with and without consent, a starter
kit, a guest, somebody unknown, a member of one year, a member who crosses 500 points, edits,
refunds, cancellations, and webhooks that come twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.demo import shopify_payloads as shopify
from deployments.demo import square_payloads as square
from deployments.demo import woocommerce_payloads as woo
from deployments.demo.cast import (
    AOIFE,
    BALM,
    CHLOE,
    DIFFUSER,
    EVA,
    GIFT_BOX,
    HANNA,
    INES,
    JONAS,
    KIT,
    LAVENDER,
    LINA,
    MAREK,
    NEROLI,
    NOAH,
    PETRA,
    SOFIA,
    TOMASZ,
    DemoDay,
)
from deployments.demo.story import DemoWebhook, Story
from loyalty.events import EventType as E


def day(now: datetime) -> list[DemoWebhook]:
    """The webhooks of the day before `now`, in order of arrival.

    Args:
        now: Aware. Ids and times depend on its date alone: called twice on one day, it tells
            the same facts; on another day, new ones.
    """
    story = Story(DemoDay.of(now))
    _sign_ups(story)
    _web_shop_morning(story)
    _tills(story)
    _outlet(story)
    _consents(story)
    _afternoon(story)
    _second_thoughts(story)
    return story.told


def _sign_ups(story: Story) -> None:
    today = story.day
    web = [
        (LINA, "Lina signs up, e-mail and SMS welcome."),
        (MAREK, "Marek signs up: e-mail yes, SMS no."),
        (SOFIA, "Sofia signs up; she is going to buy a lot today."),
        (JONAS, "Jonas signs up and wants no messages at all."),
        (CHLOE, "Chloé signs up with a leaf in her name."),
    ]
    for person, comment in web:
        body = shopify.customer(today, person)
        facts = [(E.CUSTOMER_CREATED, body["id"])]
        story.add("shopify customers/create", body, comment, clock=person.joined, facts=facts)
    body = shopify.customer(today, AOIFE)
    facts = [(E.CUSTOMER_CREATED, body["id"])]
    comment = "Aoife's record arrives; she joined one year ago."
    story.add("shopify customers/create", body, comment, clock="8:45", facts=facts)
    for person in (TOMASZ, HANNA):
        body = woo.customer(today, person)
        facts = [(E.CUSTOMER_CREATED, body["id"])]
        comment = f"{person.first} registers at the outlet, which asks for no consent."
        story.add("woocommerce customer.created", body, comment, clock=person.joined, facts=facts)
    for person in (EVA, NOAH):
        body = square.customer_created(today, person)
        facts = [(E.CUSTOMER_CREATED, square.customer_id(today, person))]
        comment = f"{person.first} gets a customer card at the till."
        story.add("square customer.created", body, comment, clock=person.joined, facts=facts)


def _web_shop_morning(story: Story) -> None:
    today = story.day
    kit = shopify.order(today, 1001, [(KIT, 1), (LAVENDER, 1)], at=today.at("9:10"), buyer=LINA)
    paid = [(E.ORDER_PAID, kit["id"])]
    story.add("shopify orders/paid", kit, "Lina buys the starter kit.", clock="9:10", facts=paid)
    again = shopify.updated(kit, at=today.at("9:11"))
    story.add(
        "shopify orders/updated", again, "Shopify saves the order once more; nothing changed.",
        clock="9:11", facts=[(E.ORDER_EDITED, f"{kit['id']}:{story.instant('9:11')}")],
    )  # fmt: skip
    story.add(
        "shopify orders/paid", kit, "The first webhook again: our answer got lost.",
        clock="9:14", facts=paid,
    )  # fmt: skip
    orders = [
        (1002, [(BALM, 1)], MAREK, "9:20", "A small order: 12.90 EUR."),
        (1003, [(GIFT_BOX, 1)], SOFIA, "9:31", "Sofia's first gift box: 200 EUR."),
        (1004, [(NEROLI, 1), (LAVENDER, 2)], AOIFE, "9:48", "Aoife buys on her anniversary."),
        (1005, [(NEROLI, 2)], INES, "10:02", "Inês buys; nobody has heard of her so far."),
        (1006, [(LAVENDER, 2)], None, "10:10", "A guest: no customer, no address at all."),
    ]
    for n, basket, buyer, clock, comment in orders:
        body = shopify.order(today, n, basket, at=today.at(clock), buyer=buyer)
        facts = [(E.ORDER_PAID, body["id"])]
        story.add("shopify orders/paid", body, comment, clock=clock, facts=facts)


def _tills(story: Story) -> None:
    today = story.day
    early = square.payment(today, 2001, "42.00", at=today.at("10:30"), status="APPROVED", buyer=EVA)
    story.add("square payment.created", early, "Eva's card is authorised only.", clock="10:30")
    done = square.payment(today, 2001, "42.00", at=today.at("10:31"), event="updated", buyer=EVA)
    key = done["data"]["id"]
    facts = [(E.PAYMENT_COMPLETED, key)]
    comment = "Eva's payment is completed: 42 EUR."
    story.add("square payment.updated", done, comment, clock="10:31", facts=facts)
    comment = "Square sends the update a second time."
    story.add("square payment.updated", done, comment, clock="10:33", facts=facts)
    sales = [
        (2002, "7.20", None, "10:41", "Cash, and nobody gave a name."),
        (2003, "128.40", NOAH, "10:55", "Noah buys a diffuser and oil."),
        (2004, "19.90", None, "11:20", "Cash again."),
    ]
    for n, amount, buyer, clock, comment in sales:
        body = square.payment(today, n, amount, at=today.at(clock), buyer=buyer)
        facts = [(E.PAYMENT_COMPLETED, body["data"]["id"])]
        story.add("square payment.created", body, comment, clock=clock, facts=facts)


def _outlet(story: Story) -> None:
    today = story.day
    placed = woo.order(
        today, 3001, [(KIT, 1), (BALM, 1)], at=today.at("11:30"), buyer=TOMASZ,
        coupon=Decimal(5),
    )  # fmt: skip
    comment = "Tomasz orders a starter kit with a coupon; the payment is still open."
    story.add("woocommerce order.created", placed, comment, clock="11:30")
    moment = today.at("11:33")
    paid = woo.with_status(placed, "processing", at=moment, paid=moment)
    facts = [(E.ORDER_PAID, paid["id"])]
    comment = "Tomasz has paid: 56.90 EUR."
    story.add("woocommerce order.updated", paid, comment, clock="11:33", facts=facts)
    sent = woo.with_status(paid, "completed", at=today.at("12:10"))
    comment = "The parcel is sent; WooCommerce tells the whole order again."
    story.add("woocommerce order.updated", sent, comment, clock="12:10", facts=facts)
    for n, basket, buyer, is_guest, clock, comment in (
        (3002, [(LAVENDER, 2)], PETRA, True, "12:20", "Petra buys without an account."),
        (3003, [(NEROLI, 2), (LAVENDER, 2)], HANNA, False, "12:34", "Hanna buys oils: 83 EUR."),
    ):
        body = woo.order(today, n, basket, at=today.at(clock), buyer=buyer, is_guest=is_guest)
        body = woo.with_status(body, "processing", at=today.at(clock), paid=today.at(clock))
        facts = [(E.ORDER_PAID, body["id"])]
        story.add("woocommerce order.created", body, comment, clock=clock, facts=facts)


def _consents(story: Story) -> None:
    today = story.day
    yes = shopify.email_consent(today, JONAS, "subscribed", at=today.at("13:00"))
    key = f"{yes['customer_id']}:email:subscribed:{story.instant('13:00')}"
    story.add(
        "shopify customers_email_marketing_consent/update", yes,
        "Jonas changes his mind: e-mails are welcome.",
        clock="13:00", facts=[(E.CUSTOMER_OPTED_IN, key)],
    )  # fmt: skip
    no = shopify.sms_consent(today, CHLOE, "unsubscribed", at=today.at("13:05"))
    key = f"{no['id']}:sms:unsubscribed:{story.instant('13:05')}"
    story.add(
        "shopify customers_marketing_consent/update", no, "Chloé wants no more texts.",
        clock="13:05", facts=[(E.CUSTOMER_UPDATED, key)],
    )  # fmt: skip
    moved = shopify.customer(today, MAREK, updated=today.at("13:10"))
    facts = [(E.CUSTOMER_UPDATED, f"{moved['id']}:{story.instant('13:10')}")]
    comment = "Marek's record is saved."
    story.add("shopify customers/update", moved, comment, clock="13:10", facts=facts)


def _afternoon(story: Story) -> None:
    today = story.day
    jonas = replace(JONAS, email_consent="subscribed")
    chloe = replace(CHLOE, sms_consent="unsubscribed")
    orders = [
        (1007, [(GIFT_BOX, 1)], SOFIA, "14:02", "Sofia's second gift box: 400 EUR so far."),
        (1008, [(NEROLI, 1), (BALM, 2)], jonas, "14:15", "Jonas buys for 57.80 EUR."),
        (1009, [(BALM, 1)], chloe, "14:24", "Chloé's first order."),
        (1010, [(GIFT_BOX, 1)], SOFIA, "14:40", "Sofia's third: 600 EUR, past 500 points."),
    ]
    for n, basket, buyer, clock, comment in orders:
        body = shopify.order(today, n, basket, at=today.at(clock), buyer=buyer)
        facts = [(E.ORDER_PAID, body["id"])]
        story.add("shopify orders/paid", body, comment, clock=clock, facts=facts)
    small = shopify.order(
        today, 1011, [(DIFFUSER, 2), (NEROLI, 2)], at=today.at("15:00"), buyer=LINA
    )
    comment = "Lina furnishes a studio: 304 EUR."
    facts = [(E.ORDER_PAID, small["id"])]
    story.add("shopify orders/paid", small, comment, clock="15:00", facts=facts)
    large = shopify.order(
        today, 1011, [(DIFFUSER, 2), (NEROLI, 2), (LAVENDER, 4)], at=today.at("15:00"), buyer=LINA
    )
    edited = shopify.updated(large, at=today.at("15:20"))
    facts = [(E.ORDER_EDITED, f"{large['id']}:{story.instant('15:20')}")]
    comment = "Four oils are added to the order: 342 EUR now."
    story.add("shopify orders/updated", edited, comment, clock="15:20", facts=facts)
    back = shopify.refund(today, 5001, edited, {0: 1}, at=today.at("17:30"))
    facts = [(E.ORDER_REFUNDED, back["id"])]
    comment = "One diffuser comes back: 120 EUR of 342 are refunded."
    story.add("shopify refunds/create", back, comment, clock="17:30", facts=facts)


def _second_thoughts(story: Story) -> None:
    today = story.day
    balm = shopify.order(today, 1002, [(BALM, 1)], at=today.at("9:20"), buyer=MAREK)
    back = shopify.refund(today, 5002, balm, {0: 1}, at=today.at("17:40"))
    facts: list[tuple[E, Any]] = [(E.ORDER_REFUNDED, back["id"])]
    comment = "Marek returns the balm: the whole order is refunded."
    story.add("shopify refunds/create", back, comment, clock="17:40", facts=facts)
    comment = "The same refund is delivered again."
    story.add("shopify refunds/create", back, comment, clock="17:45", facts=facts)
    basket = [(NEROLI, 1), (BALM, 2)]
    jonas = replace(JONAS, email_consent="subscribed")
    order = shopify.order(today, 1008, basket, at=today.at("14:15"), buyer=jonas)
    off = shopify.cancelled(order, "customer", at=today.at("18:00"))
    facts = [(E.ORDER_CANCELLED, off["id"])]
    comment = "Jonas cancels before the parcel is packed."
    story.add("shopify orders/cancelled", off, comment, clock="18:00", facts=facts)
    oils = woo.order(today, 3003, [(NEROLI, 2), (LAVENDER, 2)], at=today.at("12:34"), buyer=HANNA)
    oils = woo.with_status(oils, "completed", at=today.at("13:30"), paid=today.at("12:34"))
    part = woo.with_refund(today, 5003, oils, Decimal("9.50"), at=today.at("18:10"))
    facts = [(E.ORDER_PAID, oils["id"]), (E.ORDER_REFUNDED, today.number(5003))]
    comment = "One of Hanna's oils leaked: 9.50 EUR go back. The sale is told again with it."
    story.add("woocommerce order.updated", part, comment, clock="18:10", facts=facts)
    _last_calls(story)


def _last_calls(story: Story) -> None:
    today = story.day
    guest = woo.order(
        today, 3002, [(LAVENDER, 2)], at=today.at("12:20"), buyer=PETRA, is_guest=True
    )
    off = woo.with_status(guest, "cancelled", at=today.at("18:20"))
    facts: list[tuple[E, Any]] = [(E.ORDER_CANCELLED, off["id"])]
    comment = "Petra's order cannot be sent and is cancelled."
    story.add("woocommerce order.updated", off, comment, clock="18:20", facts=facts)
    paid = square.payment(today, 2003, "128.40", at=today.at("10:55"), buyer=NOAH)
    begun = square.refund(
        today, 5004, paid, "128.40", at=today.at("18:30"), event="created", status="PENDING"
    )
    story.add("square refund.created", begun, "Noah's refund is under way.", clock="18:30")
    done = square.refund(
        today, 5004, paid, "128.40", at=today.at("18:31"), event="updated", status="COMPLETED"
    )
    facts = [(E.ORDER_REFUNDED, done["data"]["id"])]
    comment = "Noah has his 128.40 EUR back."
    story.add("square refund.updated", done, comment, clock="18:31", facts=facts)
