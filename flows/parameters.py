"""Parameters that several flows share, with their bounds.

Their descriptions are in the flows' docstrings: of an annotation, Prefect's form takes the bounds
and not the text.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MaxEvents = Annotated[int, Field(ge=1, le=1000)]
WaitMinutes = Annotated[float, Field(ge=0, le=1440)]
