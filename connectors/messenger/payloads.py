"""What is read of Messenger's webhooks.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events. Times are
milliseconds since 1970; a report of delivery has none but its watermark.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from connectors.kit.payload import Id, Items, Maybe, OptionalId, Text, VendorModel

YEAR_2200 = 7_258_118_400_000
Millis = Annotated[int, Field(strict=True, ge=0, lt=YEAR_2200)]


class Party(VendorModel):
    """A person by page-scoped id, or the Page; somebody who is not known yet has none."""

    id: OptionalId = None


class QuickReply(VendorModel):
    payload: Text = ""


class Message(VendorModel):
    mid: Id
    text: Text = ""
    is_echo: bool = False
    quick_reply: Maybe[QuickReply] = None


class Postback(VendorModel):
    mid: OptionalId = None
    payload: Text = ""


class Linking(VendorModel):
    status: Text
    authorization_code: Text = ""


class Delivered(VendorModel):
    mids: Items[Id] = ()
    watermark: Millis


class Read(VendorModel):
    watermark: Millis


class OptIn(VendorModel):
    ref: Text = ""
    payload: Text = ""


class Referral(VendorModel):
    ref: Text = ""
    source: Text = ""


class Messaging(VendorModel):
    """One thing that happened; which of its parts is there says what."""

    sender: Maybe[Party] = None
    timestamp: Millis | None = None
    message: Maybe[Message] = None
    postback: Maybe[Postback] = None
    account_linking: Maybe[Linking] = None
    delivery: Maybe[Delivered] = None
    read: Maybe[Read] = None
    optin: Maybe[OptIn] = None
    referral: Maybe[Referral] = None


class Entry(VendorModel):
    messaging: Items[dict[str, Any]] = ()


class Update(VendorModel):
    """One delivery. `instagram` sends the like of it, which is not read."""

    object: Text
    entry: Items[Entry]


def moment(millis: int) -> datetime:
    """The time of so many milliseconds since 1970."""
    return datetime.fromtimestamp(millis / 1000, UTC)
