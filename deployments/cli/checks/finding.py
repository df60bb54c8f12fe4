"""A finding: one thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How one thing is.

    A note is a choice of somebody's that holds nothing up (a pause, a vendor that is not
    configured); once something waits for it, it is a problem.
    """

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        check: What was looked at: `database`, `twilio/main`.
        to_do: What to do, in a sentence; empty where nothing is to be done.
    """

    check: str
    health: Health
    says: str
    to_do: str = ""


def ok(check: str, says: str) -> Finding:
    """All is well with it."""
    return Finding(check, Health.OK, says)


def note(check: str, says: str, to_do: str = "") -> Finding:
    """Worth knowing; nothing is held up by it."""
    return Finding(check, Health.NOTE, says, to_do)


def problem(check: str, says: str, to_do: str) -> Finding:
    """Something is wrong, and this is what to do."""
    return Finding(check, Health.PROBLEM, says, to_do)
