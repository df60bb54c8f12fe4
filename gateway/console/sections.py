"""The sections of the console, in the order of the menu. A new one adds its line here.

A section's module has a `router` (`fastapi.APIRouter`) with addresses below its own; its pages
take a `Visit` (gateway/console/visit.py) and answer `visit.page("campaigns/list.html", …)` with a
template below gateway/templates that extends `console/base.html`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from gateway.console import (
    campaigns,
    conversations,
    deliveries,
    gift_codes,
    home,
    log,
    members,
    referrals,
    reviews,
    rewards,
    texts,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the console.

    Attributes:
        address: Where it begins, and its entry in the menu leads to.
    """

    title: str
    address: str
    router: APIRouter


SECTIONS: tuple[Section, ...] = (
    Section("Home", "/console", home.router),
    Section("Members", "/console/members", members.router),
    Section("Campaigns", campaigns.ADDRESS, campaigns.router),
    Section("Gift codes", gift_codes.ADDRESS, gift_codes.router),
    Section("Rewards", rewards.ADDRESS, rewards.router),
    Section("Referrals", referrals.ADDRESS, referrals.router),
    Section("Conversations", conversations.ADDRESS, conversations.router),
    Section("Texts", texts.ADDRESS, texts.router),
    Section("Deliveries", "/console/deliveries", deliveries.router),
    Section("Reviews", "/console/reviews", reviews.router),
    Section("Log", "/console/log", log.router),
)
