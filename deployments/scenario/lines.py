"""In which line of a YAML text something stands; asked only when there is something to tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line, from 1, of the deepest part of the place that the text has."""
    node = _tree(text)
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for part in place:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


@lru_cache(maxsize=2)
def _tree(text: str) -> Any:
    # The text was read before without anchors and aliases, so the tree is no bigger than it.
    return yaml.compose(text, Loader=_Loader)


def _child(node: Any, part: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark.line + 1, child
    return None
