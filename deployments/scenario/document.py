"""Reads a scenario file; whatever is wrong in it is named with its place and, if near, the right
word.

YAML only in its plain parts: no anchors, aliases or tags (`rules.yaml_documents`), so that a
small file cannot become a big one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from deployments.scenario.lines import line_of
from deployments.scenario.parts import Name, Part
from deployments.scenario.settings import Settings, merged
from deployments.scenario.steps import KINDS, Concurrent, SettingsChange, Simulate, Step
from rules.language.errors import suggest
from rules.wording import in_words
from rules.yaml_documents import MAX_SIZE, YamlError, read_yaml

MAX_CASES = 10_000
MAX_STEPS = 1_000
SHOWN = 20
"""So many problems are told at once; the rest is only counted."""

Place = tuple[str | int, ...]


class UnusableFile(Exception):
    """A scenario file that cannot be played; the text says all that is wrong, and where."""


class Case(Part):
    """One story: a programme and what happens in it.

    Attributes:
        unknown: Choices of it that this version has not; such a case is not played and differs,
            and the others of the file are played all the same.
    """

    id: Name
    settings: Settings
    raw_settings: dict[str, Any]
    steps: tuple[Step | Concurrent, ...]
    reason: str = ""
    source: str = ""
    unknown: tuple[str, ...] = ()


def read_file(path: Path) -> list[Case]:
    """The cases of a file, in order.

    Raises:
        UnusableFile: It cannot be read, or something in it is not known.
    """
    try:
        if path.stat().st_size > MAX_SIZE * 4:
            raise UnusableFile(f"{path}: the file is larger than {MAX_SIZE:,} characters")
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UnusableFile(f"{path}: this is not text in UTF-8") from None
    except OSError as error:
        raise UnusableFile(f"{path}: {error.strerror or error}") from None
    return read_text(text, name=str(path))


def read_text(text: str, *, name: str = "scenarios") -> list[Case]:
    """The same for a text."""
    try:
        documents = list(read_yaml(text, name=name))
    except YamlError as error:
        raise UnusableFile(str(error)) from None
    if len(documents) != 1 or documents[0] is None:
        told = "is empty" if not documents or documents[0] is None else "has several documents"
        raise UnusableFile(f"{name} {told}: a scenario file is one mapping with `cases`")
    reader = _Reader(name, text)
    cases = reader.cases(documents[0])
    reader.raise_problems()
    return cases


class _Reader:
    """Turns the plain values into cases and gathers what is wrong."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.problems: list[str] = []
        self.unknown: list[str] | None = None

    def raise_problems(self) -> None:
        if self.problems:
            more = len(self.problems) - SHOWN
            tail = [f"and {more} more"] if more > 0 else []
            raise UnusableFile("\n".join([*self.problems[:SHOWN], *tail]))

    def wrong(self, place: Place, whose: str, problem: str) -> None:
        self.problems.append(self.told(place, whose, problem))

    def told(self, place: Place, whose: str, problem: str) -> str:
        line = line_of(self.text, place)
        where = ", ".join(part for part in (f"{self.name}, line {line}", whose) if part)
        return f"{where}: {problem}"

    def cases(self, document: Any) -> list[Case]:
        if not self.is_mapping(document, (), ""):
            return []
        self.keys(document, ("version", "defaults", "cases", "invariants"), place=(), whose="")
        version = document.get("version", 1)
        if version != 1:
            self.wrong(("version",), "", f"version {version!r} is not known: this hub reads 1")
        defaults = document.get("defaults") or {}
        if not self.is_mapping(defaults, ("defaults",), "defaults"):
            defaults = {}
        self.settings(defaults, ("defaults",), "defaults")
        self.raise_problems()
        found = document.get("cases")
        if not isinstance(found, list) or not found:
            self.wrong(("cases",) if found else (), "", "`cases` has to be a list of cases")
            return []
        if len(found) > MAX_CASES:
            self.wrong(("cases",), "", f"more than {MAX_CASES:,} cases: make several files")
            return []
        cases = [self.case(one, at, defaults) for at, one in enumerate(found)]
        self.each_once(found)
        return [one for one in cases if one is not None]

    def each_once(self, found: Sequence[Any]) -> None:
        seen: dict[str, int] = {}
        for at, one in enumerate(found):
            case_id = str(one.get("id")) if isinstance(one, dict) and "id" in one else None
            if case_id is not None and case_id in seen:
                first = line_of(self.text, ("cases", seen[case_id], "id"))
                told = f"the id is that of another case, in line {first}"
                self.wrong(("cases", at, "id"), f"case {case_id}", told)
            elif case_id is not None:
                seen[case_id] = at

    def case(self, found: Any, at: int, defaults: dict[str, Any]) -> Case | None:
        place: Place = ("cases", at)
        if not self.is_mapping(found, place, f"case {at + 1}"):
            return None
        whose = f"case {str(found.get('id', at + 1))[:80]}"
        known = ("id", "settings", "events", "reason", "source")
        self.keys(found, known, place=place, whose=whose)
        if not isinstance(found.get("id"), (str, int)) or not str(found["id"]):
            self.wrong(place, whose, "the key `id` is missing")
        raw = found.get("settings") or {}
        if not self.is_mapping(raw, (*place, "settings"), whose):
            return None
        self.unknown = []
        settings = self.settings(merged(defaults, raw), (*place, "settings"), whose, given=raw)
        steps = list(self.steps(found.get("events"), (*place, "events"), whose))
        unknown, self.unknown = self.unknown, None
        if self.problems:
            return None
        return Case(
            id=str(found["id"]),
            settings=settings or Settings(),
            raw_settings=merged(defaults, raw),
            steps=tuple(steps),
            reason=str(found.get("reason") or ""),
            source=str(found.get("source") or ""),
            unknown=tuple(unknown),
        )

    def settings(
        self, raw: dict[str, Any], place: Place, whose: str, *, given: dict[str, Any] | None = None
    ) -> Settings | None:
        try:
            return Settings.model_validate(raw)
        except ValidationError as error:
            # What is wrong in the defaults is told once, there, and not for every case.
            for one in error.errors(include_url=False):
                top = one["loc"][0] if one["loc"] else ""
                if given is None or top in given or not one["loc"]:
                    self.finding(one, (Settings, place), whose)
            return None

    def steps(self, found: Any, place: Place, whose: str) -> Iterator[Step | Concurrent]:
        if not isinstance(found, list) or not found:
            self.wrong(place, whose, "`events` has to be a list of steps")
            return
        if len(found) > MAX_STEPS:
            self.wrong(place, whose, f"more than {MAX_STEPS:,} steps")
            return
        for at, one in enumerate(found):
            step = self.step(one, (*place, at), f"{whose}, step {at + 1}")
            if step is not None:
                yield step

    def step(
        self, found: Any, place: Place, whose: str, *, is_part: bool = False
    ) -> Step | Concurrent | None:
        if not self.is_mapping(found, place, whose):
            return None
        if "concurrent" in found and not is_part:
            return self.concurrent(found, place, whose)
        kind = found.get("do")
        if kind is None:
            self.wrong(place, whose, "the key `do` is missing: it says what happens")
            return None
        model = KINDS.get(str(kind))
        if model is None:
            near = suggest(str(kind), KINDS) or f"There are: {', '.join(KINDS)}."
            self.wrong((*place, "do"), whose, f"there is no event kind `{str(kind)[:60]}`. {near}")
            return None
        step = self.model(model, found, place=place, whose=f"{whose} ({kind})")
        if step is not None and step.at is None and not is_part:
            self.wrong(place, f"{whose} ({kind})", "the key `at` is missing")
        if isinstance(step, (SettingsChange, Simulate)):
            self.settings(step.set, (*place, "set"), f"{whose} ({kind})", given=step.set)
        return step

    def concurrent(self, found: dict[str, Any], place: Place, whose: str) -> Concurrent | None:
        group = self.model(Concurrent, found, place=place, whose=whose)
        if group is None:
            return None
        parts = [
            self.step(one, (*place, "concurrent", at), f"{whose}, part {at + 1}", is_part=True)
            for at, one in enumerate(group.concurrent)
        ]
        return group.model_copy(update={"concurrent": tuple(p for p in parts if p is not None)})

    def model(self, model: Any, found: Any, *, place: Place, whose: str) -> Any:
        try:
            return model.model_validate(found)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self.finding(one, (model, place), whose)
            return None

    def finding(self, error: Any, of: tuple[type[BaseModel], Place], whose: str) -> None:
        model, place = of
        loc = tuple(part for part in error["loc"] if part not in _TAGS)
        told = _told(error, _keys_at(model, loc[:-1]))
        path = ".".join(str(part) for part in loc)
        known = error["type"] in ("extra_forbidden", "missing") and len(loc) == 1
        problem = self.told((*place, *loc), whose, told if known else f"{path}: {told}")
        if error["type"] in _CHOICES and self.unknown is not None:
            self.unknown.append(problem)
        else:
            self.problems.append(problem)

    def is_mapping(self, value: Any, place: Place, whose: str) -> bool:
        if isinstance(value, dict):
            return True
        told = "a mapping (`key: value`) is needed here"
        self.wrong(place, whose, f"{told}, not {str(value)[:40]!r}")
        return False

    def keys(
        self, found: dict[str, Any], known: Sequence[str], *, place: Place, whose: str
    ) -> None:
        for key in found:
            if key not in known:
                near = suggest(str(key), known) or f"There are: {', '.join(known)}."
                told = f"there is no key `{str(key)[:60]}` here. {near}"
                self.wrong((*place, key), whose, told)


def _told(error: Any, keys: Sequence[str]) -> str:
    if error["type"] == "union_tag_invalid":
        tag = str(error["ctx"]["tag"])
        near = suggest(tag, _TAGS) or f"There are: {', '.join(sorted(_TAGS))}."
        return f"there is no kind `{tag[:60]}`. {near}"
    return in_words(error, keys)


_CHOICES = ("literal_error", "enum", "union_tag_invalid")
"""What pydantic calls a value that is none of those to choose from."""

_TAGS = {"earn_filter", "multiplier", "flat", "document"}
"""Pydantic names the chosen kind of a rule in the place; the file has no such step."""


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that are known at a place below a model, as far as they can be told."""
    current: Any = model
    for part in loc:
        for name, field in current.model_fields.items():
            if part in (name, field.alias):
                current = next(_models_in(field.annotation), None)
                break
        # A part that is no field is a name that the file gives: a member, a place in a list.
        if current is None:
            return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)
