"""A stand-in for Yotpo Loyalty: customers with histories, and one webhook for everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.kit.window import Window
from connectors.yotpo.actions import RewardRedemption
from connectors.yotpo.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "guid": "sandbox-guid",
    "api_key": "sandbox-yotpo-api-key",
    "hook_token": "sandbox-yotpo-hook-token",
    "proof_header": "x-api-secret",
    "proof_header_value": "sandbox-yotpo-header",
}
OPTION = {"id": 301, "name": "5 € off", "amount": 100, "cost_text": "100 points"}
MILA = "mila.brandt@shop.example"


class YotpoSandbox(SendingSandbox):
    """Accepts the sandbox account's GUID and key.

    Args:
        calls: How many a second it lets pass.

    Attributes:
        customers: By e-mail; Mila is there, and did something long ago.
    """

    slug = "yotpo"
    webhook: ClassVar[Webhook] = WEBHOOK
    wrong: ClassVar[Mapping[str, Any]] = {"api_key": "sandbox-yotpo-api-0000"}
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "redeem_points": (RewardRedemption(customer_id="7001", option=301),)
    }

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(8001)
        self.customers: dict[str, dict[str, Any]] = {}
        self.add_customer("7001", MILA, "Mila")
        self.write_history(MILA, "Joined", 50, datetime.now(UTC) - timedelta(days=30))

    def add_customer(self, identity: str, email: str, first_name: str) -> None:
        """Somebody new, with 500 points."""
        self.customers[email] = {
            "first_name": first_name,
            "last_name": "Brandt",
            "email": email,
            "phone_number": "+15005550123" if identity == "7001" else "",
            "third_party_id": identity,
            "points_balance": 500,
            "points_earned": 500,
            "history_items": [],
        }

    def write_history(self, email: str, action: str, points: int, when: datetime) -> dict[str, Any]:
        """A line of somebody's history, newest first, as points were given or taken."""
        line = {
            "id": next(self._numbers),
            "action": action,
            "points": points,
            "status": "Approved",
            "created_at": when.isoformat(),
            "completed_at": when.isoformat(),
        }
        self.customers[email]["history_items"].insert(0, line)
        return line

    def routes(self) -> Sequence[BaseRoute]:
        places = [
            ("/api/v2/customers/recent", self._recent, "GET"),
            ("/api/v2/customers", self._customer, "GET"),
            ("/api/v2/customers", self._upsert, "POST"),
            ("/api/v2/points/adjust", self._adjust, "POST"),
            ("/api/v2/actions", self._action, "POST"),
            ("/api/v2/redemption_options", self._options, "GET"),
            ("/api/v2/redemptions", self._redeem, "POST"),
        ]
        return [Route(path, self._guarded(answer), methods=[verb]) for path, answer, verb in places]

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            given = (request.headers.get("x-guid"), request.headers.get("x-api-key"))
            if given != (SANDBOX_ACCOUNT["guid"], SANDBOX_ACCOUNT["api_key"]):
                return _refused(401, "Unauthorized")
            if self._window.take():
                return _refused(429, "Too many requests")
            found: Response = await answer(request)
            return found

        return guarded

    def _find(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        wanted = {
            "email": given.get("customer_email", ""),
            "third_party_id": given.get("customer_id") or given.get("customer_external_id") or "",
            "phone_number": given.get("customer_phone", ""),
        }
        for one in self.customers.values():
            if any(value and one[name] == value for name, value in wanted.items()):
                return one
        return None

    async def _recent(self, request: Request) -> Response:
        """One customer a page, whatever is asked for, so that cursors have to be followed."""
        place = int(request.query_params.get("page_info") or 0)
        known = [
            {name: value for name, value in one.items() if name != "history_items"}
            for one in self.customers.values()
        ]
        following = str(place + 1) if place + 1 < len(known) else None
        metadata = {"next_page_info": following}
        return JSONResponse({"customers": known[place : place + 1], "metadata": metadata})

    async def _customer(self, request: Request) -> Response:
        found = self._find(request.query_params)
        if found is None:
            return _refused(404, "Customer not found")
        with_history = request.query_params.get("with_history") == "true"
        return JSONResponse(
            {name: one for name, one in found.items() if with_history or name != "history_items"}
        )

    async def _upsert(self, request: Request) -> Response:
        given = await request.json()
        if not given.get("email"):
            return _refused(422, "email is required")
        email = given["email"].lower()
        if email not in self.customers:
            self.add_customer(given.get("id", ""), email, "")
        names = ("first_name", "last_name", "phone_number")
        self.customers[email] |= {name: given[name] for name in names if name in given}
        self.record("customer", **given)
        return JSONResponse({"email": email, "third_party_id": _identity(self.customers[email])})

    async def _adjust(self, request: Request) -> Response:
        given = await request.json()
        found = self._find(given)
        if found is None:
            return _refused(404, "Customer not found")
        points = given["point_adjustment_amount"]
        if found["points_balance"] + points < 0:
            return _refused(422, "Not enough points")
        found["points_balance"] += points
        self.write_history(found["email"], given["history_title"], points, datetime.now(UTC))
        self.record("points", email=found["email"], **given)
        return JSONResponse({"points_balance": found["points_balance"]})

    async def _action(self, request: Request) -> Response:
        """Every action has a campaign here, worth 25 points unless the call says otherwise."""
        given = await request.json()
        found = self._find(given)
        if found is None or not given.get("action_name"):
            return _refused(422, "customer_email and action_name are required")
        points = given.get("reward_points", 25)
        when = datetime.fromisoformat(given["created_at"])
        self.write_history(found["email"], given["history_title"], points, when)
        found["points_balance"] += points
        self.record("action", **given)
        return JSONResponse({})

    async def _options(self, request: Request) -> Response:
        return JSONResponse([OPTION])

    async def _redeem(self, request: Request) -> Response:
        given = await request.json()
        found = self._find(given)
        if found is None or given.get("redemption_option_id") != OPTION["id"]:
            return _refused(404, "Not found")
        if found["points_balance"] < 100:
            return _refused(422, "Not enough points")
        found["points_balance"] -= 100
        line = self.write_history(found["email"], "Redeemed 5 € off", -100, datetime.now(UTC))
        self.record("redemption", id=line["id"], **given)
        return JSONResponse({"point_redemption_id": line["id"], "coupon_code": f"Y{line['id']}"})

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila is awarded points and spends some; Jonas does nothing."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        self.add_customer("7002", "jonas.weber@shop.example", "Jonas")
        lines = [
            self.write_history(MILA, "Wrote a review", 25, at),
            self.write_history(MILA, "Redeemed 5 € off", -100, at + timedelta(minutes=5)),
        ]
        return [("loyalty_event", {"email": MILA, "event": line["action"]}) for line in lines]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        """The request as it comes to the registered address, with the token in its query."""
        made = super().prepare(hook_url, topic, payload, account=account, delivery_id=delivery_id)
        assert self.webhook.query is not None
        return replace(made, query=self.webhook.query(account))


def _identity(customer: dict[str, Any]) -> str:
    return str(customer["third_party_id"])


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)
