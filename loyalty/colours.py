"""How well a colour can be read on another (WCAG 2.2, https://www.w3.org/TR/WCAG22/)."""

from __future__ import annotations

_CHANNEL_WEIGHTS = (0.2126, 0.7152, 0.0722)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours `#rrggbb`, from 1 (none) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return sum(weight * part for weight, part in zip(_CHANNEL_WEIGHTS, linear, strict=True))
