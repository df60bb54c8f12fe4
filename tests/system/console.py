"""Somebody of the team at the running hub's console over HTTP: signed in, with form tokens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.running_hub import RunningHub


@dataclass
class Console:
    """A session of the console; the cookies are the client's."""

    client: httpx.AsyncClient

    async def get(self, path: str) -> httpx.Response:
        """Opens a page, which is there."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer

    async def post(self, path: str, fields: Mapping[str, str], **more: Any) -> httpx.Response:
        """Sends a form as its page does, with the token; it is taken."""
        page = await self.get("/console")
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
        assert token, page.text[:500]
        answer = await self.client.post(path, data={"csrf": token[1], **fields}, **more)
        assert answer.status_code == 303, answer.text
        return answer


@asynccontextmanager
async def signed_in(hub: RunningHub, who: str) -> AsyncIterator[Console]:
    """The console for somebody who has the installation's key."""
    async with httpx.AsyncClient(base_url=hub.settings.base_url, timeout=15) as client:
        key = (hub.home / "console.key").read_text("utf-8").strip()
        answer = await client.post("/console/sign-in", data={"who": who, "key": key})
        assert answer.status_code == 303, answer.text
        yield Console(client)
