"""The generated parts of `rules/language.md`: the functions, the names and their fields.

Run `python -m rules.language.reference` after adding a function or a field; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from loyalty.events import EventType
from loyalty.facts import RatedLine, Result
from rules.language.functions import FUNCTIONS
from rules.language.types import ListType, RecordType, Type, record_of, without_empty
from rules.subjects import data_name, scope_of

REFERENCE = Path(__file__).parents[1] / "language.md"


def functions_table() -> str:
    """Every function with its ways to be called and its sentence."""
    rows = ["| function | what it gives |", "|---|---|"]
    for name in sorted(FUNCTIONS):
        function = FUNCTIONS[name]
        forms = "<br>".join(f"`{form}`" for form in function.forms)
        rows.append(f"| {forms} | {function.doc} |")
    return "\n".join(rows)


def names_table() -> str:
    """Every name by the events that have it, with its fields."""
    events: dict[str, list[str]] = {}
    records: dict[str, Type] = {}
    for event_type in EventType:
        subject = data_name(event_type)
        events.setdefault(subject, []).append(f"`{event_type.value}`")
        for name, found in scope_of(event_type).names.items():
            records[name] = found.type
            if name != subject:
                events[name] = ["every event"]
    records["result"] = record_of(Result)
    events["result"] = ["every event, once the books are written"]
    records["line"] = record_of(RatedLine)
    events["line"] = ["conditions on one line of an order"]
    rows = ["| name | in | fields |", "|---|---|---|"]
    for name, record in records.items():
        rows.append(f"| `{name}` | {', '.join(events[name])} | {_fields(record)} |")
    for name, record in _inner(records).items():
        rows.append(f"| {name} | | {_fields(record)} |")
    return "\n".join(rows)


def _fields(record: Type) -> str:
    assert isinstance(record, RecordType)
    return ", ".join(f"`{name}` {kind}" for name, kind in record.fields.items())


def _inner(records: dict[str, Type]) -> dict[str, Type]:
    """The records inside the records, such as the line of an order."""
    found: dict[str, Type] = {}
    todo = list(records.values())
    while todo:
        record = todo.pop(0)
        assert isinstance(record, RecordType)
        for kind in record.fields.values():
            inner = without_empty(kind)
            inner = inner.item if isinstance(inner, ListType) else inner
            if isinstance(inner, RecordType) and not inner.lookup and str(inner) not in found:
                found[str(inner)] = inner
                todo.append(inner)
    return found


def with_tables(text: str) -> str:
    """The reference with its generated parts made anew, between their markers."""
    for name, table in (("functions", functions_table()), ("names", names_table())):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, rest = text.split(begin, 1)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end, 1)[1]}"
    return text


if __name__ == "__main__":
    REFERENCE.write_text(with_tables(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
