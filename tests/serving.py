"""Serves an ASGI application on loopback, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.server import ServerState


@asynccontextmanager
async def served(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """uvicorn's protocol and lifespan without its server, which looks every tenth of a second
    whether it has started and whether it may stop; what is being answered at the end is left."""
    # asyncio sets this only on sockets made for TCP by name; without it every reply waits 40 ms
    # for the caller's delayed acknowledgement. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config.load()
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    assert not lifespan.should_exit
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=state, app_state=lifespan.state
        ),
        sock=listener,
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for task in list(state.tasks):
            task.cancel()
        await lifespan.shutdown()
