"""Puts the widget and the portal into the gateway."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.console.house import House
from gateway.widget import acting, pages, reading, signing_in
from gateway.widget.desk import Desk


def add_widget(app: FastAPI, house: House) -> None:
    """Adds every address of the widget, and what other pages ask who is signed in."""
    desk = Desk(house)
    app.state.widget = desk
    app.state.member_sessions = desk.sessions
    for one in (signing_in.router, signing_in.vouch_router, reading.router, acting.router):
        app.include_router(one)
    app.include_router(pages.router)
