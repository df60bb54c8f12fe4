"""The seller's loyalty programme behind the sandbox: accounts, points, rewards."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.kit.sandbox import VendorSandbox

PROGRAM = {"id": "PROGRAM-1", "status": "ACTIVE"}
TIER_POINTS = {"TIER-COFFEE": 100, "TIER-CAKE": 250}
AT = "2026-11-02T10:15:00Z"
Record = dict[str, Any]


def refused(code: str, detail: str, status: int, *, field: str = "") -> Response:
    """Square's way of refusing."""
    category = "AUTHENTICATION_ERROR" if status == 401 else "INVALID_REQUEST_ERROR"
    error = {"category": category, "code": code, "detail": detail}
    return JSONResponse({"errors": [{**error, "field": field} if field else error]}, status)


class StandInLoyalty:
    """One programme with one member, Mila. The same idempotency key does the work once."""

    def __init__(self, sandbox: VendorSandbox) -> None:
        self._sandbox = sandbox
        self._numbers = count(501)
        self._answers: dict[str, tuple[Record, Record]] = {}
        mila: Record = {
            "id": "LOYAL-7001",
            "program_id": PROGRAM["id"],
            "customer_id": "7001",
            "mapping": {"phone_number": "+15005550123"},
            "balance": 500,
        }
        self.accounts: dict[str, Record] = {"LOYAL-7001": mila}
        self.rewards: dict[str, Record] = {
            "REWARD-1": {
                "id": "REWARD-1",
                "status": "ISSUED",
                "loyalty_account_id": "LOYAL-7001",
                "reward_tier_id": "TIER-COFFEE",
                "points": 100,
            }
        }

    async def program(self, request: Request) -> Response:
        return JSONResponse({"program": PROGRAM})

    async def account(self, request: Request) -> Response:
        found = self.accounts.get(request.path_params["id"])
        if found is None:
            return refused("NOT_FOUND", "Loyalty account not found.", 404)
        return JSONResponse({"loyalty_account": found})

    async def search(self, request: Request) -> Response:
        query = (await request.json()).get("query", {})
        phones = {one["phone_number"] for one in query.get("mappings", ())}
        ids = set(query.get("customer_ids", ()))
        found = [
            one
            for one in self.accounts.values()
            if one["mapping"]["phone_number"] in phones or one.get("customer_id") in ids
        ]
        return JSONResponse({"loyalty_accounts": found} if found else {})

    async def enrol(self, request: Request) -> Response:
        def work(body: Record) -> Record | Response:
            account = {**body["loyalty_account"], "id": self._id("LOYAL"), "balance": 0}
            phone = account["mapping"]["phone_number"]
            if any(one["mapping"]["phone_number"] == phone for one in self.accounts.values()):
                return refused("CONFLICT", "The phone number has an account already.", 409)
            self.accounts[account["id"]] = account
            self._sandbox.record("loyalty_account", id=account["id"], phone=phone)
            return {"loyalty_account": account}

        return await self._once(request, work)

    async def accumulate(self, request: Request) -> Response:
        def work(body: Record) -> Record | Response:
            given = body["accumulate_points"]
            points = given.get("points") or 12  # Square works an order's points out itself.
            event = self._event("ACCUMULATE_POINTS", request, points)
            return event if isinstance(event, Response) else {"events": [event]}

        return await self._once(request, work)

    async def adjust(self, request: Request) -> Response:
        def work(body: Record) -> Record | Response:
            points = body["adjust_points"]["points"]
            account = self.accounts.get(request.path_params["id"])
            below = account is not None and account["balance"] + points < 0
            if below and not body.get("allow_negative_balance"):
                return refused("BAD_REQUEST", "The balance would be negative.", 400, field="points")
            event = self._event("ADJUST_POINTS", request, points)
            return event if isinstance(event, Response) else {"event": event}

        return await self._once(request, work)

    async def make_reward(self, request: Request) -> Response:
        def work(body: Record) -> Record | Response:
            asked = body["reward"]
            points = TIER_POINTS.get(asked["reward_tier_id"])
            if points is None:
                return refused("NOT_FOUND", "Reward tier not found.", 404)
            account = self.accounts[asked["loyalty_account_id"]]
            if account["balance"] < points:
                return refused("BAD_REQUEST", "Insufficient points.", 400)
            account["balance"] -= points
            reward = {**asked, "id": self._id("REWARD"), "status": "ISSUED", "points": points}
            self.rewards[reward["id"]] = reward
            self._sandbox.record("reward", id=reward["id"], tier=asked["reward_tier_id"])
            return {"reward": reward}

        return await self._once(request, work)

    async def redeem(self, request: Request) -> Response:
        def work(body: Record) -> Record | Response:
            reward = self.rewards.get(request.path_params["id"])
            if reward is None:
                return refused("NOT_FOUND", "Reward not found.", 404)
            if reward["status"] != "ISSUED":
                return refused("BAD_REQUEST", "The reward is redeemed already.", 400)
            reward["status"] = "REDEEMED"
            event = self._told("REDEEM_REWARD", reward["loyalty_account_id"])
            self._sandbox.record("redemption", id=event["id"], reward=reward["id"])
            return {"event": event}

        return await self._once(request, work)

    async def _once(
        self, request: Request, work: Callable[[Record], Record | Response]
    ) -> Response:
        body = await request.json()
        key = body.get("idempotency_key")
        if not key or len(key) > 128:
            return refused("VALUE_EMPTY", "Missing idempotency key.", 400, field="idempotency_key")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != body:
                return refused("IDEMPOTENCY_KEY_REUSED", "Different content for this key.", 400)
            return JSONResponse(answer)
        answer_or_refusal = work(body)
        if isinstance(answer_or_refusal, Response):
            return answer_or_refusal
        self._answers[key] = (body, answer_or_refusal)
        return JSONResponse(answer_or_refusal)

    def _event(self, kind: str, request: Request, points: int) -> Record | Response:
        account = self.accounts.get(request.path_params["id"])
        if account is None:
            return refused("NOT_FOUND", "Loyalty account not found.", 404)
        account["balance"] += points
        event = self._told(kind, account["id"])
        self._sandbox.record("points", id=event["id"], points=points, account=account["id"])
        return event

    def _told(self, kind: str, account_id: str) -> Record:
        event = {"id": self._id("EVENT"), "type": kind, "created_at": AT}
        return {**event, "loyalty_account_id": account_id, "source": "LOYALTY_API"}

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"
