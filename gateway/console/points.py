"""Points as people write and read them: decimals outside, whole numbers in the books."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MOST = 1_000_000_000


def shown_points(points: int, scale: int) -> str:
    """A number of the books as people read it: 1250 is `12.50` with a scale of 2."""
    whole = f"{Decimal(points).scaleb(-scale):,f}"
    return whole.replace(",", "\u202f")


def read_points(text: str, scale: int) -> int | None:
    """What a person typed, as a number of the books; None where it is none or too fine."""
    cleaned = text.strip().replace("\u202f", "").replace(" ", "").replace("\u2212", "-")
    if len(cleaned) > 20:
        return None
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    scaled = value.scaleb(scale)
    if scaled != scaled.to_integral_value() or not -MOST <= scaled <= MOST:
        return None
    return int(scaled)
