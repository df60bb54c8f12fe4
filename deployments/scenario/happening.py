"""What became of a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Happening:
    """What became of a step.

    Attributes:
        results: Of the parts of a concurrent step.
        values: Answers of pure steps and reports, by the key that expects them.
        outcome: What the event left behind, as the run's table shows it.
        written_off: Points let off, in the smallest unit, by member.
    """

    result: str | None = None
    code: str = ""
    reason: str = ""
    results: Counter[str] = field(default_factory=Counter)
    values: dict[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    written_off: Counter[str] = field(default_factory=Counter)
    messages: list[dict[str, Any]] = field(default_factory=list)
