"""The fields that are read of Pipedrive's persons, deals and activities."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from connectors.kit.payload import (
    BlankIsNone,
    Contact,
    Id,
    Items,
    OptionalId,
    Text,
    UtcInstant,
    VendorModel,
)


def _day(value: object) -> object:
    return value if isinstance(value, str) and value else None


Day = Annotated[date | None, BeforeValidator(_day)]
Moment = Annotated[UtcInstant | None, BlankIsNone]


class ValuePayload(VendorModel):
    """An e-mail address or a telephone number."""

    value: Contact = None
    primary: bool = False


class PersonPayload(VendorModel):
    """A person."""

    id: Id
    name: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    emails: Items[ValuePayload] = ()
    phones: Items[ValuePayload] = ()
    birthday: Day = None
    marketing_status: Text = ""
    is_deleted: bool = False
    add_time: UtcInstant
    update_time: Moment = None


class DealPayload(VendorModel):
    """A deal."""

    id: Id
    status: Text = ""
    person_id: OptionalId = None
    is_deleted: bool = False
    won_time: Moment = None
    update_time: Moment = None


class ParticipantPayload(VendorModel):
    """A person who takes part in an activity."""

    person_id: OptionalId = None
    primary: bool = False


class ActivityPayload(VendorModel):
    """An activity."""

    id: Id
    type: Text = ""
    done: bool = False
    is_deleted: bool = False
    person_id: OptionalId = None
    participants: Items[ParticipantPayload] = ()
    marked_as_done_time: Moment = None
    update_time: Moment = None
