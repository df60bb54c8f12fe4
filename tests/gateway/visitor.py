"""Somebody of the team at the console, over HTTP: signed in, with the token in every form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from loyalty.store.console_key import FILE
from loyalty.store.vault import kept_key
from tests.gateway.conftest import Running

Fields = Mapping[str, str | Sequence[str]]


@dataclass
class Visitor:
    """A person with a cookie.

    The test's gateway believes it is reached by https, so that its cookies are for https only:
    they are carried by hand.
    """

    running: Running
    home: Path
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The console key of the installation."""
        return kept_key(self.home / FILE)

    async def sign_in(self, who: str = "Ines Ops", **fields: str) -> httpx.Response:
        """Shows the key, or what the fields say."""
        given = {"who": who, "key": self.key, **fields}
        return await self._asked("POST", "/console/sign-in", data=given)

    async def get(self, path: str) -> httpx.Response:
        """Opens a page."""
        return await self._asked("GET", path)

    async def post(self, path: str, fields: Fields, **more: Any) -> httpx.Response:
        """Sends a form as the page does, with its token."""
        token = self.token(await self.get("/console"))
        return await self._asked("POST", path, data={"csrf": token, **fields}, **more)

    async def said(self, answer: httpx.Response) -> str:
        """What the page tells that a form leads to."""
        assert answer.status_code == 303, answer.text
        page = await self.get(answer.headers["location"])
        assert page.status_code == 200, page.text
        found = re.search(r'role="status">([^<]*)<', page.text)
        return found[1] if found else ""

    def token(self, page: httpx.Response) -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
        assert found, page.text[:500]
        return found[1]

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        shown = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"cookie": shown, **more.pop("headers", {})}
        answer = await self.running.client.request(method, path, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line or value in ("", '""'):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value.strip('"')
        return answer
