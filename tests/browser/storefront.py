"""A shop's page on another site than the hub, with the strictest policy that allows the widget."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.serving import served

PAGE = """<!doctype html><html lang="{lang}"><head><title>Tea</title>
<meta name="viewport" content="width=device-width">
<script async src="{hub}/widget/tea.js"{attributes}></script></head>
<body><main><h1>Tea House</h1>
<p><a href="/teas">Teas</a> <button>Basket</button></p></main></body></html>"""


@dataclass
class Storefront:
    """The page and what it says of its customer.

    Attributes:
        customer: What `/customer` answers: the shop's word on who is signed in.
    """

    origin: str
    hub: str = ""
    lang: str = "en"
    attributes: str = ""
    customer: str = ""

    async def page(self, request: Request) -> Response:
        """Any page of the shop."""
        policy = (
            f"default-src 'none'; script-src {self.hub}; frame-src {self.hub}; "
            "connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
        )
        text = PAGE.format(lang=self.lang, hub=self.hub, attributes=self.attributes)
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def who(self, request: Request) -> Response:
        """Who is signed in with the shop."""
        return PlainTextResponse(self.customer)


@asynccontextmanager
async def storefront() -> AsyncIterator[Storefront]:
    """A shop at `localhost`: to a browser that is another site than the hub's 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = Storefront(f"http://localhost:{listener.getsockname()[1]}")
    routes = [Route("/customer", found.who), Route("/{rest:path}", found.page)]
    config = uvicorn.Config(Starlette(routes=routes), ws="none", log_config=None, lifespan="on")
    async with served(config, listener):
        yield found
