"""What the hub does at Wix: loyalty points, coupons, labels and custom fields of contacts."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import (
    CouponIssue,
    CustomerChange,
    Issued,
    PointsChange,
    PointsHeld,
)
from connectors.wix.contacts import update_contact
from connectors.wix.coupons import find_coupon, issue_coupon
from connectors.wix.loyalty import change_points, find_points

CHANGE_POINTS = Action(
    name="change_points",
    title="Give a member points, or take some.",
    input=PointsChange,
    output=PointsHeld,
    idempotency=Idempotency.SEARCH_FIRST,
    run=change_points,
    find=find_points,
    capability=Capability.POINTS,
    sample="change_points.response.json",
    scopes=("Manage Loyalty", "Read Contacts"),
)

ISSUE_COUPON = Action(
    name="issue_coupon",
    title="Issue a coupon with a code.",
    input=CouponIssue,
    output=Issued,
    idempotency=Idempotency.SEARCH_FIRST,
    run=issue_coupon,
    find=find_coupon,
    capability=Capability.COUPON,
    sample="issue_coupon.response.json",
    scopes=("Manage Coupons",),
)

UPDATE_CONTACT = Action(
    name="update_contact",
    title="Change a contact's labels and custom fields.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_contact,
    capability=Capability.CUSTOMER,
    sample="update_contact.response.json",
    scopes=("Read Contacts", "Manage Contacts", "Manage Contact Labels"),
)

ACTIONS: tuple[Action, ...] = (CHANGE_POINTS, ISSUE_COUPON, UPDATE_CONTACT)
