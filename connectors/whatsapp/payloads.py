"""What is read of WhatsApp's webhooks.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/.
Times are seconds since 1970, written as text in messages and as numbers in preferences.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from connectors.kit.payload import Id, Items, Maybe, OptionalId, Text, VendorModel

YEAR_2200 = 7_258_118_400


def _moment(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 10:
        raise ValueError("a time is a number of seconds")
    if int(text) >= YEAR_2200:
        raise ValueError("the year is out of range")
    return datetime.fromtimestamp(int(text), UTC)


Seconds = Annotated[AwareDatetime, BeforeValidator(_moment)]


class Said(VendorModel):
    body: Text = ""


class Button(VendorModel):
    payload: Text = ""
    text: Text = ""


class Choice(VendorModel):
    id: Text = ""
    title: Text = ""


class Interactive(VendorModel):
    button_reply: Maybe[Choice] = None
    list_reply: Maybe[Choice] = None


class System(VendorModel):
    type: Text = ""
    wa_id: OptionalId = None


class Incoming(VendorModel):
    """A message of a person's, or the news of a changed number."""

    id: Id
    sender: Annotated[Id, Field(alias="from", max_length=100)]
    timestamp: Seconds
    type: Text = ""
    group_id: OptionalId = None
    text: Maybe[Said] = None
    button: Maybe[Button] = None
    interactive: Maybe[Interactive] = None
    system: Maybe[System] = None

    @property
    def said(self) -> str:
        """The words, whether typed or on the button that was pressed."""
        if self.text:
            return self.text.body
        if self.button:
            return self.button.text
        chosen = self._chosen
        return chosen.title if chosen else ""

    @property
    def pressed(self) -> str:
        """What the button or the line of a list stands for; cut at 200 characters."""
        chosen = self._chosen
        return (self.button.payload if self.button else chosen.id if chosen else "")[:200]

    @property
    def _chosen(self) -> Choice | None:
        found = self.interactive
        return (found.button_reply or found.list_reply) if found else None


class Failure(VendorModel):
    code: Annotated[int, Field(ge=0, lt=10**9)] = 0


class Report(VendorModel):
    """What became of a message of ours."""

    id: Id
    status: Text
    timestamp: Seconds
    recipient_id: Annotated[Id, Field(max_length=100)]
    group_id: OptionalId = None
    errors: Items[Failure] = ()


class Preference(VendorModel):
    """What a person chose in WhatsApp's own menu."""

    wa_id: Annotated[Id, Field(max_length=100)]
    category: Text = ""
    value: Text = ""
    timestamp: Seconds


class Value(VendorModel):
    messages: Items[Incoming] = ()
    statuses: Items[Report] = ()
    user_preferences: Items[Preference] = ()


class Change(VendorModel):
    """Its value is read where the field is one of those that mean something."""

    field: Text = ""
    value: Any = None


class Entry(VendorModel):
    changes: Items[Change] = ()


class Update(VendorModel):
    """One delivery."""

    entry: Items[Entry]
