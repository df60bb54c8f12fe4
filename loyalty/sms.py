"""What a text message costs: its encoding and how many segments it is sent in.

3GPP TS 23.038 has the characters, 3GPP TS 23.040 the header that joins segments. A segment has
140 octets: 160 septets or 70 UTF-16 units alone, 153 or 67 where several belong together.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each is an escape and a character: two septets, never in two segments."""

_PLAINER = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-",
    "…": "...", "\u00a0": " ", "\u202f": " ", "•": "*", "×": "x", "\t": " ", "`": "'",
}  # fmt: skip

_ISOLATES = "\u2066\u2067\u2068\u2069"

_ROOM: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Culprit:
    """A character that GSM-7 has not, and so makes the whole message UCS-2.

    Attributes:
        position: Of its first appearance, from 1.
        instead: What could stand there; empty where nothing is as good.
    """

    character: str
    name: str
    position: int
    instead: str


@dataclass(frozen=True, slots=True)
class SmsSize:
    """What a message costs.

    Attributes:
        units: Septets or UTF-16 units.
        left: Units that are free in the last segment.
    """

    encoding: Encoding
    segments: int
    units: int
    left: int
    culprits: tuple[Culprit, ...]

    @property
    def warning(self) -> str:
        """In words what makes the message dearer; empty where nothing does."""
        if not self.culprits:
            return ""
        first, more = self.culprits[0], len(self.culprits) - 1
        others = f" and {more} more" if more else ""
        instead = f"; write {first.instead!r} instead" if first.instead.strip() else ""
        return (
            f"{first.name} (character {first.position}){others} makes this a UCS-2 message of "
            f"{self.segments} segment{'s' * (self.segments != 1)} with 70 instead of 160 "
            f"characters each{instead}"
        )


def measure(text: str) -> SmsSize:
    """The encoding and the segments of a message."""
    foreign = [one for one in dict.fromkeys(text) if one not in _BASIC and one not in _EXTENDED]
    encoding: Encoding = "UCS-2" if foreign else "GSM-7"
    sizes = [_utf16(one) if foreign else _septets(one) for one in text]
    segments, left = _packed(sizes, *_ROOM[encoding])
    # Isolates stand around what is written from right to left: they are not the reason.
    foreign.sort(key=_ISOLATES.__contains__)
    culprits = tuple(_culprit(one, text.index(one) + 1) for one in foreign)
    return SmsSize(encoding, segments, sum(sizes), left, culprits)


def _septets(character: str) -> int:
    return 2 if character in _EXTENDED else 1


def _utf16(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


def _packed(sizes: list[int], alone: int, together: int) -> tuple[int, int]:
    """Segments and what is free in the last; a character is never in two of them."""
    total = sum(sizes)
    if total <= alone:
        return min(1, total), alone - total
    segments, free = 1, together
    for size in sizes:
        if size > free:
            segments, free = segments + 1, together
        free -= size
    return segments, free


def _culprit(character: str, position: int) -> Culprit:
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return Culprit(character, name, position, _PLAINER.get(character, ""))


def single_spaces(text: str) -> str:
    """The text with plain spaces: the narrow ones that CLDR puts into numbers are not in GSM-7."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
