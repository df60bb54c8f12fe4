"""What operations choose about gift codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loyalty.events import Frozen

TEMPLATE_CODES = ("DEMO-CODE-1", "DEMO-CODE-2")
"""The codes of the sample file, for those who forget to take them out."""


class GiftCodePolicy(Frozen):
    """Which rows are the sample's, how soon guessing is stopped, where a code is redeemed."""

    template_codes: tuple[Annotated[str, Field(max_length=200)], ...] = Field(
        TEMPLATE_CODES, description="Codes of the sample file: such rows are refused."
    )
    max_failures: int = Field(5, ge=1, le=1000, description="So many wrong codes lock a member.")
    lock_minutes: int = Field(15, ge=1, le=10_080, description="How long a lock lasts.")
    max_failures_per_address: int = Field(
        50, ge=1, le=100_000, description="So many wrong codes lock a network address."
    )
    redeem_url: str = Field(
        "",
        max_length=500,
        pattern=r"^(https?://[^\s#]+)?$",
        description="A page with the widget that printed QR codes open; else the first portal.",
    )

    def redeem_page(self, *, base_url: str, sites: Sequence[str]) -> str:
        """The address to which a QR code adds its code; empty where there is no page to open.

        Args:
            base_url: The gateway's public address, without a slash at its end.
            sites: The ids of the sites that show the programme.
        """
        if self.redeem_url:
            return f"{self.redeem_url}#hub-gift="
        return f"{base_url}/portal/{sites[0]}#gift=" if sites else ""
