"""Says where an error happened without its message, which may repeat what stands in a body."""

from __future__ import annotations

import traceback
from pathlib import PurePath


def stack_of(error: BaseException) -> str:
    """The innermost frames, a line each, and the type of the error; fit for a log."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    lines = [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([type(error).__name__, *lines])


def place_of(error: BaseException) -> str:
    """The innermost place in one line: `KeyError at shopify/triggers.py:42`."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def _short(filename: str) -> str:
    return str(PurePath(*PurePath(filename).parts[-2:]))
