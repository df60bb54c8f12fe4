"""Gift codes: one spelling for what people type, codes to print, and what a code is worth when.

Printed codes have 32 characters to choose from, without 0, O, 1 and I, and end with a check
character by the Luhn algorithm modulo N (https://en.wikipedia.org/wiki/Luhn_mod_N_algorithm), so
that a slip of the pen is told apart from a code that never was.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of printed codes; what comes behind a batch's prefix is made of these alone."""

MIN_LENGTH, MAX_LENGTH = 2, 40
"""Of a code, without blanks and dashes."""

MAX_TYPED = 200
"""Of what somebody types into the field; whatever is longer is no code."""

_TWINS = str.maketrans(
    "АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABEKMHOPCTXISJABEZHIKMNOPTYX",
)
"""Cyrillic and Greek capitals that look like Latin ones on paper and on a keyboard."""

_SEPARATORS = ("Pd", "Pc", "Zs", "Zl", "Zp", "Cf")
_MISREAD = {"0": "QD", "O": "QD", "1": "LJ", "I": "LJ"}
"""What is meant by a character that no printed code has."""

_SHAPES_TRIED = 64


def normal_form(typed: str) -> str:
    """The one spelling of a code, however it is typed: capitals, no blanks, no dashes.

    Full-width letters, and Cyrillic and Greek ones that look Latin, become the Latin ones. Empty
    where nothing is left, or where something cannot be part of a code.
    """
    if len(typed) > MAX_TYPED:
        return ""
    kept = typed.upper().replace("-", "").replace(" ", "")
    if not (kept.isascii() and kept.isalnum()):
        plain = unicodedata.normalize("NFKC", typed).upper().translate(_TWINS)
        kept = "".join(one for one in plain if not _is_separator(one))
    is_usable = kept.isascii() and kept.isalnum() and MIN_LENGTH <= len(kept) <= MAX_LENGTH
    return kept if is_usable else ""


def _is_separator(one: str) -> bool:
    return one.isspace() or one == "\N{MINUS SIGN}" or unicodedata.category(one) in _SEPARATORS


# --- codes to print ------------------------------------------------------------------------------


def check_character(body: str) -> str:
    """The character that closes a printed code; every single slip in it changes this one."""
    total = 0
    for place, one in enumerate(reversed(body)):
        value = ALPHABET.index(one) * (2 if place % 2 == 0 else 1)
        total += value // len(ALPHABET) + value % len(ALPHABET)
    return ALPHABET[-total % len(ALPHABET)]


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """How the printed codes of a batch look: a prefix, and so many characters behind it.

    Attributes:
        prefix: In normal form; may be empty.
        length: Characters behind it, the check character among them.
    """

    prefix: str
    length: int

    @property
    def possible(self) -> int:
        """How many different codes there are of this shape."""
        return int(len(ALPHABET) ** (self.length - 1))

    def code(self, body: str) -> str:
        """The code with this body, which is one shorter than `length`, in normal form."""
        return self.prefix + body + check_character(body)

    def shown(self, code: str) -> str:
        """A code of this shape as it is printed: in groups of four."""
        body = code.removeprefix(self.prefix)
        groups = [body[at : at + 4] for at in range(0, len(body), 4)]
        return "-".join([self.prefix, *groups] if self.prefix else groups)

    def meant(self, code: str) -> list[str]:
        """The codes of this shape that may be meant by what was typed: 0, O, 1 and I are in none.

        Empty where it is of another shape, or mistyped so that the check character is wrong.
        """
        if not self.fits(code):
            return []
        body = code[len(self.prefix) :]
        choices = [_MISREAD.get(one, one) for one in body]
        tried = product(*choices) if _count(choices) <= _SHAPES_TRIED else ()
        found = ["".join(one) for one in tried]
        return [self.prefix + one for one in found if check_character(one[:-1]) == one[-1]]

    def fits(self, code: str) -> bool:
        """Whether what was typed is as long as these codes and begins as they do."""
        at = len(self.prefix)
        begins = _folded(code[:at]) == _folded(self.prefix)
        return begins and len(code) == at + self.length


def _folded(text: str) -> str:
    return text.replace("O", "0").replace("I", "1")


def _count(choices: Iterable[str]) -> int:
    count = 1
    for one in choices:
        count *= len(one)
    return count


def readings(typed: str, shapes: Iterable[Shape]) -> tuple[str, ...]:
    """The codes that may be meant, likeliest first: as typed, then as printed ones are misread."""
    code = normal_form(typed)
    if not code:
        return ()
    meant = [one for shape in sorted(set(shapes)) for one in shape.meant(code)]
    return tuple(dict.fromkeys([code, *meant]))


def is_mistyped(typed: str, shapes: Iterable[Shape]) -> bool:
    """Whether it looks like a printed code whose check character says that something is wrong."""
    code = normal_form(typed)
    fitting = [shape for shape in shapes if code and shape.fits(code)]
    return bool(fitting) and not any(shape.meant(code) for shape in fitting)


def bodies(noise: Iterator[bytes], length: int) -> Iterator[str]:
    """Bodies of printed codes, without their check character, of random bytes.

    Args:
        noise: Pieces of at least `length` bytes from a source that nobody can foresee.
        length: Of the whole code behind the prefix.
    """
    for piece in noise:
        yield "".join(ALPHABET[byte % len(ALPHABET)] for byte in piece[: length - 1])


# --- what a code is worth when -------------------------------------------------------------------

Refusal = Literal[
    "code_unknown", "code_mistyped", "code_void", "code_used", "code_not_yet_valid",
    "code_expired", "batch_used_up", "batch_limit", "too_many_attempts",
]  # fmt: skip

GUESSES = frozenset({"code_unknown", "code_mistyped"})
"""What counts as guessing: there is no such code."""


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days in the programme's zone; both days belong to it, and either may be open."""

    first: date | None = None
    last: date | None = None

    def is_before(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether the first day has not come."""
        return self.first is not None and at.astimezone(zone).date() < self.first

    def is_after(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether the last day is over."""
        return self.last is not None and at.astimezone(zone).date() > self.last


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What holds for every code of a batch.

    Attributes:
        max_uses: How often one code may be used in all.
        per_member: How often by one member.
        batch_uses: How often all codes of the batch together; None for no limit.
        batch_per_member: How many of them one member may use; None for no limit.
    """

    window: Window = Window()
    max_uses: int = 1
    per_member: int = 1
    batch_uses: int | None = None
    batch_per_member: int | None = None


@dataclass(slots=True)
class GiftCode:
    """A code that exists, and how far it is used up."""

    id: int
    batch_id: UUID
    batch: str
    shown: str
    points: int
    rules: BatchRules
    uses: int = 0
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Uses:
    """How far a member has come with a code and its batch, and everybody with the batch."""

    of_code: int = 0
    of_batch: int = 0
    of_batch_by_all: int = 0


def refusal(code: GiftCode, uses: Uses, at: datetime, zone: ZoneInfo) -> tuple[Refusal, str] | None:
    """Why this member cannot use this code then, for machines and in words; None where they can."""
    rules, window = code.rules, code.rules.window
    if code.is_void:
        return "code_void", "this code was withdrawn"
    if uses.of_code >= rules.per_member:
        return "code_used", "this member has used this code already"
    if window.is_before(at, zone):
        return "code_not_yet_valid", f"this code can be used from {window.first} on"
    if window.is_after(at, zone):
        return "code_expired", f"this code could be used until {window.last}"
    if code.uses >= rules.max_uses:
        return "code_used", "this code was used already"
    if rules.batch_uses is not None and uses.of_batch_by_all >= rules.batch_uses:
        return "batch_used_up", "all uses of this offer are taken"
    if rules.batch_per_member is not None and uses.of_batch >= rules.batch_per_member:
        return "batch_limit", f"one member can use {rules.batch_per_member} codes of this offer"
    return None


# --- guessing ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Guard:
    """Counts wrong codes of one member, or from one network address, and locks.

    Wrong codes are forgotten when none has come for as long as a lock lasts.
    """

    key: str
    failures: int = 0
    failed_at: datetime | None = None
    locked_until: datetime | None = None
    is_changed: bool = False

    def lock_at(self, now: datetime) -> datetime | None:
        """Until when even a right code is refused; None where it is not. The end is open again."""
        is_locked = self.locked_until is not None and now < self.locked_until
        return self.locked_until if is_locked else None

    def fail(self, now: datetime, *, most: int, lock: timedelta) -> None:
        """Counts a wrong code; the one that makes it `most` locks from that instant on."""
        is_old = self.failed_at is not None and now - self.failed_at >= lock
        self.failures = 1 if is_old else self.failures + 1
        self.failed_at, self.is_changed = now, True
        if self.failures >= most:
            self.failures, self.locked_until = 0, now + lock


def pause_after(failures: int) -> float:
    """How many seconds the next code waits after so many wrong ones: nobody notices the first two,
    and a machine notices all that follow."""
    return min(0.25 * 2**failures, 4.0) if failures >= 2 else 0.0


def guard_of_member(member_id: UUID) -> str:
    """Under which a member's wrong codes are counted."""
    return f"member:{member_id}"


def guard_of_origin(origin: str) -> str:
    """Under which wrong codes from one network address are counted; it is a digest already."""
    return f"origin:{origin}"
