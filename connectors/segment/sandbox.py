"""A stand-in for Segment: takes messages, drops repeats, signs webhooks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.segment.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "write_key": "sandbox-segment-write-key",
    "shared_secret": "sandbox-segment-shared-secret",
}
KINDS = ("track", "identify", "group")


class SegmentSandbox(SendingSandbox):
    """Takes what the sandbox account's write key sends.

    Attributes:
        seen: The ids of messages that were taken; a second one is dropped, silently.
        dropped: What was answered with 200 and not taken, with the reason.
    """

    slug = "segment"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self.seen: set[str] = set()
        self.dropped: list[str] = []

    def routes(self) -> Sequence[BaseRoute]:
        single = [Route(f"/v1/{kind}", self._single, methods=["POST"]) for kind in KINDS]
        return [*single, Route("/v1/batch", self._batch, methods=["POST"])]

    async def _single(self, request: Request) -> Response:
        body = await request.body()
        if refusal := self._refusal(request, body, 32 * 1024):
            return refusal
        self._take(request.url.path.rpartition("/")[2], orjson.loads(body))
        return JSONResponse({"success": True})

    async def _batch(self, request: Request) -> Response:
        body = await request.body()
        if refusal := self._refusal(request, body, 500 * 1024):
            return refusal
        for place, message in enumerate(orjson.loads(body)["batch"]):
            if place >= 2500 or len(orjson.dumps(message)) > 32 * 1024:
                self.dropped.append("too large")
            else:
                self._take(message["type"], message)
        return JSONResponse({"success": True})

    def _refusal(self, request: Request, body: bytes, most: int) -> Response | None:
        good = b64encode(f"{SANDBOX_ACCOUNT['write_key']}:".encode()).decode()
        if request.headers.get("authorization") != f"Basic {good}":
            return JSONResponse({"success": False}, status_code=401)
        if wait := self._window.take():
            headers = {"Retry-After": str(int(wait) + 1), "X-RateLimit-Reset": str(int(wait) + 1)}
            return JSONResponse({"success": False}, status_code=429, headers=headers)
        if len(body) > most:
            message = "Exceed payload limit"
            return JSONResponse({"success": False, "message": message}, status_code=400)
        return None

    def _take(self, kind: str, message: dict[str, Any]) -> None:
        """As Segment does it: after the answer, and without a word about what it drops."""
        named = {"track": "event", "group": "groupId"}.get(kind)
        if not (message.get("userId") or message.get("anonymousId")):
            self.dropped.append("nobody")
        elif named and not message.get(named):
            self.dropped.append(f"no {named}")
        elif message["messageId"] in self.seen:
            self.dropped.append("repeated")
        else:
            self.seen.add(message["messageId"])
            self.record(kind, **{name: value for name, value in message.items() if name != "type"})

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"user-agent": "Segment.io/1.0"}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return {"messageId": delivery_id, **payload, "type": topic}
