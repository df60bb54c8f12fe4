"""What the hub does at Square: the seller's loyalty programme."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import PointsChange, PointsHeld
from connectors.square.inputs import LoyaltyEnrolment, PurchasePoints, RewardChoice, RewardUse
from connectors.square.loyalty import (
    accumulate_points,
    change_points,
    create_loyalty_account,
    create_reward,
    redeem_reward,
)

SCOPES = ("LOYALTY_READ", "LOYALTY_WRITE", "CUSTOMERS_READ")

CHANGE_POINTS = Action(
    name="change_points",
    title="Add or take points of a loyalty account.",
    input=PointsChange,
    output=PointsHeld,
    idempotency=Idempotency.NATIVE_KEY,
    run=change_points,
    capability=Capability.POINTS,
    sample="change_points.response.json",
    scopes=SCOPES,
)

CREATE_LOYALTY_ACCOUNT = Action(
    name="create_loyalty_account",
    title="Enrol somebody in the loyalty programme.",
    input=LoyaltyEnrolment,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=create_loyalty_account,
    sample="create_loyalty_account.response.json",
    scopes=("LOYALTY_READ", "LOYALTY_WRITE"),
)

ACCUMULATE_POINTS = Action(
    name="accumulate_points",
    title="Add the points of a purchase.",
    input=PurchasePoints,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=accumulate_points,
    sample="accumulate_points.response.json",
    scopes=SCOPES,
)

CREATE_REWARD = Action(
    name="create_reward",
    title="Create a reward for points.",
    input=RewardChoice,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=create_reward,
    sample="create_reward.response.json",
    scopes=SCOPES,
)

REDEEM_REWARD = Action(
    name="redeem_reward",
    title="Use a reward up.",
    input=RewardUse,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=redeem_reward,
    sample="redeem_reward.response.json",
    scopes=("LOYALTY_READ", "LOYALTY_WRITE"),
)

ACTIONS: tuple[Action, ...] = (
    CHANGE_POINTS,
    CREATE_LOYALTY_ACCOUNT,
    ACCUMULATE_POINTS,
    CREATE_REWARD,
    REDEEM_REWARD,
)
