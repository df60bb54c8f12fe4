"""Texts that the hub itself sends, by name: what they are for and which values they are given.

Whoever announces something gives exactly these values; texts are checked against them before
they are used, and previews are filled in with the samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from loyalty.events import Channel

Scalar = str | int | Decimal | bool | None
Purpose = Literal["marketing", "transactional"]


@dataclass(frozen=True, slots=True)
class Announced:
    """A text that is sent without a rule.

    Attributes:
        values: What `values` holds, each with a sample. Days and instants are ISO 8601 texts,
            points are in the programme's smallest unit.
    """

    purpose: Purpose
    values: Mapping[str, Scalar]
    channels: tuple[str, ...] = (Channel.EMAIL.value,)


_BOTH = (Channel.EMAIL.value, Channel.SMS.value)
_LINK = "https://hub.example/x/sample"
_CODE: dict[str, Scalar] = {
    "reward": "5 € voucher",
    "code": "TEA-7Q4M",
    "ends_at": "2026-12-31T23:00:00+00:00",
    "link": _LINK,
}

ANNOUNCED: Mapping[str, Announced] = {
    "confirm_optin": Announced("transactional", {"link": _LINK, "hours": 48}, _BOTH),
    "invitation": Announced(
        "marketing",
        {"points": 100, "shop": "Tea House", "link": _LINK, "until": "2026-12-31"},
        _BOTH,
    ),
    "magic_link": Announced("transactional", {"link": _LINK, "minutes": 15}),
    "referral_reward": Announced("transactional", {"points": 200, "balance": 640}, _BOTH),
    "friend_reward": Announced("transactional", {"points": 100, "balance": 150}, _BOTH),
    "reward_issued": Announced("transactional", _CODE, _BOTH),
    "reward_reminder": Announced("marketing", _CODE, _BOTH),
    "expiry_reminder": Announced(
        "marketing", {"points": 120, "last_day": "2026-12-31", "balance": 640}, _BOTH
    ),
    "points_digest": Announced("marketing", {"points": 75, "count": 3, "balance": 640}, _BOTH),
    "sms_help": Announced("transactional", {}, (Channel.SMS.value,)),
    "gift_code_thanks": Announced("transactional", {"points": 50, "balance": 640}, _BOTH),
    "chat_invitation": Announced("transactional", {"link": _LINK, "minutes": 60}, ("chat",)),
}  # fmt: skip
"""`balance` is what the recipient has after it; `link` leads to the page where it goes on."""
