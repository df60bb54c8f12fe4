"""Identifiers made by the writer: UUID version 7 (RFC 9562), ordered by time."""

from __future__ import annotations

import itertools
import random
import secrets
from datetime import datetime
from uuid import UUID

_random = random.Random(secrets.randbits(256))
_counter = itertools.count(secrets.randbits(10))


def new_id(now: datetime) -> UUID:
    """A UUID v7 of the instant; those of one process and millisecond keep their order."""
    millis = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    sequence = next(_counter) & 0xFFF
    value = (millis << 80) | (7 << 76) | (sequence << 64) | (2 << 62) | _random.getrandbits(62)
    return UUID(int=value)
