"""What a value may do to the text around it: nothing.

Names come from shops and people. A mark that turns the direction of writing would turn the rest
of the sentence, a control character may be cut off or shown as a box. What is written from right
to left is isolated, so that numbers and signs beside it stay where they are
(https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates).
"""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

_ISOLATE, _END = "\u2068", "\u2069"
_MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufeff\ud800-\udfff"
_RTL = (
    r"\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefe"
    r"\U00010800-\U00010fff\U0001e800-\U0001efff"
)
_LOOK = re.compile(f"[{_MARKS}{_CONTROLS}{_RTL}]")
_AWAY = re.compile(f"[{_MARKS}{_CONTROLS}]")
_FROM_THE_RIGHT = re.compile(f"[{_RTL}]")


def shown(value: Any) -> Any:
    """A value as a text shows it: nothing for None, harmless where it is text."""
    if value is None:
        return ""
    if not isinstance(value, str) or not _LOOK.search(value):
        return value
    plain = _AWAY.sub("", value)
    if _FROM_THE_RIGHT.search(plain) and not plain.startswith(("http://", "https://")):
        plain = f"{_ISOLATE}{plain}{_END}"
    return Markup(plain) if isinstance(value, Markup) else plain  # noqa: S704 - it was markup
