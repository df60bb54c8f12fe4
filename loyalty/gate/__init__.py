"""The one gate that every message to a person passes; it fails closed and says why.

Pure: what is known of an address comes in (`Knowledge`), a verdict goes out (`judge`). The store
loads what is known and keeps every verdict (`loyalty.store.gate`).
"""

from loyalty.gate.caps import Use
from loyalty.gate.judging import Knowledge, Message, Verdict, judge
from loyalty.gate.keywords import Intent, classify
from loyalty.gate.quiet import awake_at, is_quiet
from loyalty.gate.reasons import Reason, told
from loyalty.gate.windows import window_closes, window_is_open
from loyalty.gate.words import EVERYTHING, MARKETING, About, Words, about

__all__ = [
    "EVERYTHING",
    "MARKETING",
    "About",
    "Intent",
    "Knowledge",
    "Message",
    "Reason",
    "Use",
    "Verdict",
    "Words",
    "about",
    "awake_at",
    "classify",
    "is_quiet",
    "judge",
    "told",
    "window_closes",
    "window_is_open",
]
