"""What stands on every e-mail of the programme: who writes, from where, in which colour."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loyalty.events import Frozen

Address = Annotated[str, Field(max_length=500, pattern=r"^(https?://\S+)?$")]


class Letterhead(Frozen):
    """Head and foot of the programme's e-mails. Marketing needs a postal address in many places
    (CAN-SPAM in the US, § 5 DDG in Germany)."""

    postal_address: str = Field("", max_length=500, description="In one line, as on a letter.")
    website: Address = Field("", description="Where the programme's name leads.")
    support: str = Field("", max_length=254, description="The e-mail address for questions.")
    logo: Address = Field("", description="An image, shown 40 pixels high.")
    colour: str = Field(
        "#1f4e79", pattern=r"^#[0-9a-fA-F]{6}$", description="Of buttons; their text is white."
    )
