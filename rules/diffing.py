"""What changed between two rule sets, rule by rule: in words for people, as data for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from loyalty.events import Frozen
from rules.ruleset import RuleSet

Path = tuple[str | int, ...]

LONGEST = 160
"""Characters of a value that a sentence shows."""

_NOTHING = object()


class FieldChange(Frozen):
    """One place of a rule that is otherwise now. A side that was not there is None."""

    place: str
    before: Any = None
    after: Any = None
    says: str


class RuleChange(Frozen):
    """A rule that is new, gone, or changed."""

    rule: str
    kind: Literal["added", "removed", "changed"]
    says: str
    fields: tuple[FieldChange, ...] = ()


class RuleSetDiff(Frozen):
    """Everything that changed on the way from one version to another."""

    before: str
    after: str
    rules: tuple[RuleChange, ...] = ()
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether both mean the same."""
        return not self.rules

    def lines(self) -> list[str]:
        """The change in sentences, one rule after another, its details indented."""
        if self.is_empty:
            return ["Nothing changed."]
        told = []
        for one in self.rules:
            told.append(one.says)
            told += [f"  {field.says}" for field in one.fields]
        return told


def diff(before: RuleSet, after: RuleSet) -> RuleSetDiff:
    """What changed from one rule set to another; rules are the same ones by their ids."""
    old = {one["id"]: one for one in before.documents()}
    new = {one["id"]: one for one in after.documents()}
    changes = []
    for rule in sorted(old.keys() | new.keys()):
        if rule not in old:
            says = f"+ {rule} is new: {_purpose(new[rule])}"
            changes.append(RuleChange(rule=rule, kind="added", says=says))
        elif rule not in new:
            says = f"- {rule} is gone: {_purpose(old[rule])}"
            changes.append(RuleChange(rule=rule, kind="removed", says=says))
        elif old[rule] != new[rule]:
            fields = tuple(_changes(old[rule], new[rule], ()))
            changes.append(
                RuleChange(rule=rule, kind="changed", says=f"~ {rule} changed:", fields=fields)
            )
    same = sum(old[rule] == new.get(rule) for rule in old)
    return RuleSetDiff(
        before=before.version, after=after.version, rules=tuple(changes), unchanged=same
    )


def _purpose(document: Mapping[str, Any]) -> str:
    described = str(document.get("description") or "").strip()
    listens = ", ".join(document.get("on", ()))
    return described or f"on {listens}"


def _changes(before: Any, after: Any, at: Path) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key, _NOTHING), after.get(key, _NOTHING), (*at, key))
    elif isinstance(before, list) and isinstance(after, list) and _is_aligned(before, after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, (*at, index))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _parts(before, after, at)
    else:
        yield _change(at, before, after)


def _is_aligned(before: list[Any], after: list[Any]) -> bool:
    """Whether both lists have the same length and differ in one place: that was edited."""
    same = [old == new for old, new in zip(before, after, strict=False)]
    return len(before) == len(after) and same.count(False) == 1


def _parts(before: list[Any], after: list[Any], at: Path) -> Iterator[FieldChange]:
    """Items that are gone and items that are new; that only the order changed is said once."""
    gone, new = _less(before, after), _less(after, before)
    for index, item in gone:
        yield _change((*at, index), item, _NOTHING)
    for index, item in new:
        yield _change((*at, index), _NOTHING, item)
    if not gone and not new:
        place = _place(at)
        says = f"{place}: the same, in another order"
        yield FieldChange(place=place, before=before, after=after, says=says)


def _less(one: list[Any], other: list[Any]) -> list[tuple[int, Any]]:
    left = [_text(item) for item in other]
    found = []
    for index, item in enumerate(one):
        text = _text(item)
        if text in left:
            left.remove(text)
        else:
            found.append((index, item))
    return found


def _change(at: Path, before: Any, after: Any) -> FieldChange:
    place = _place(at)
    if before is _NOTHING:
        return FieldChange(place=place, after=after, says=f"{place}: new, {_shown(after)}")
    if after is _NOTHING:
        return FieldChange(place=place, before=before, says=f"{place}: gone, was {_shown(before)}")
    says = f"{place}: was {_shown(before)}, is {_shown(after)}"
    return FieldChange(place=place, before=before, after=after, says=says)


def _place(at: Path) -> str:
    written = ""
    for part in at:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    return written


def _shown(value: Any) -> str:
    text = f"`{value}`" if isinstance(value, str) else _text(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
