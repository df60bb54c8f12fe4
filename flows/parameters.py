"""Parameters that several flows share, described for the form in the Prefect UI."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MaxEvents = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        title="Most events",
        description="How many waiting events this run takes at most; the rest waits for the next.",
    ),
]

WaitMinutes = Annotated[
    float,
    Field(
        ge=0,
        le=1440,
        title="Wait, in minutes",
        description="How long to stand by for the first event. 0 takes what is waiting now.",
    ),
]
