"""A set of rules: checked and compiled as a whole, named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loyalty.events import EventType
from rules.compiled import CompiledRule
from rules.compiler import compile_rule
from rules.document import RuleDocument
from rules.doubts import needs_approval, warnings
from rules.examples import check_examples
from rules.language import ExpressionError
from rules.problems import RuleProblem, RuleSetError, problems_of
from rules.yaml_documents import YamlError, read_yaml

MAX_RULES = 5_000


class RuleSet:
    """Rules that passed every check. Immutable; equal when their content is.

    Made by `load`, `from_documents` or `from_yaml`; compiling happens there and only there.

    Attributes:
        version: The first twelve hex digits of the SHA-256 of the canonical documents.
        rules: The documents, by id.
    """

    __slots__ = ("_json", "_listening", "rules", "version")

    version: str
    rules: tuple[RuleDocument, ...]
    _json: str
    _listening: Mapping[EventType, tuple[CompiledRule, ...]]

    def __init__(self, rules: Sequence[RuleDocument], compiled: Sequence[CompiledRule]) -> None:
        ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        listening: dict[EventType, list[CompiledRule]] = {}
        for rule in sorted(compiled, key=lambda one: (-one.document.priority, one.id)):
            listening.setdefault(rule.event_type, []).append(rule)
        text = json.dumps(
            [rule.plain() for rule in ordered],
            sort_keys=True, separators=(",", ":"), ensure_ascii=False,
        )  # fmt: skip
        settle = object.__setattr__
        settle(self, "rules", ordered)
        settle(self, "version", hashlib.sha256(text.encode()).hexdigest()[:12])
        settle(self, "_json", text)
        settle(self, "_listening", {kind: tuple(found) for kind, found in listening.items()})

    @classmethod
    def load(cls, documents: Iterable[RuleDocument | Mapping[str, Any]]) -> RuleSet:
        """The rule set of these documents.

        Raises:
            RuleSetError: With everything that is wrong in any of them.
        """
        problems: list[RuleProblem] = []
        rules = list(_read(documents, problems))
        problems += _clashes(rules)
        compiled: list[CompiledRule] = []
        for rule in rules:
            compiled += _compile(rule, problems)
            problems += check_examples(rule)
        if problems:
            raise RuleSetError(list(dict.fromkeys(problems)))
        return cls(rules, compiled)

    @classmethod
    def from_documents(cls, documents: Iterable[Mapping[str, Any]]) -> RuleSet:
        """The rule set of stored documents: the inverse of `documents()`."""
        return cls.load(documents)

    @classmethod
    def from_yaml(cls, *paths: Path | str) -> RuleSet:
        """The rules of these files; a file has one rule, a list of rules, or several documents.

        Raises:
            RuleSetError: Also for files that cannot be read.
        """
        documents: list[Any] = []
        problems: list[RuleProblem] = []
        for path in map(Path, paths):
            try:
                for found in read_yaml(path.read_text(encoding="utf-8"), name=path.name):
                    documents += found if isinstance(found, list) else [found]
            except (YamlError, OSError, UnicodeDecodeError) as error:
                problems.append(RuleProblem(path.name, "", str(error)))
        if problems:
            raise RuleSetError(problems)
        return cls.load(documents)

    def documents(self) -> list[dict[str, Any]]:
        """The documents as plain JSON values, a fresh copy each time."""
        found: list[dict[str, Any]] = json.loads(self._json)
        return found

    def listening(self, event_type: EventType) -> tuple[CompiledRule, ...]:
        """The enabled rules for a kind of event, highest priority first, then by id."""
        return self._listening.get(event_type, ())

    @property
    def needs_approval(self) -> tuple[RuleProblem, ...]:
        """What a second person has to agree to before the rules go live."""
        return needs_approval(self.rules)

    @property
    def warnings(self) -> tuple[RuleProblem, ...]:
        """What is doubtful: rules that can never fire, windows that overlap."""
        return warnings(self.rules)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a rule set does not change: load another one")

    def __len__(self) -> int:
        return len(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and other._json == self._json

    def __hash__(self) -> int:
        return hash(self.version)

    def __repr__(self) -> str:
        return f"<RuleSet {self.version}: {len(self)} rules>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Closures do not travel between processes; documents do.
        return RuleSet.from_documents, (self.documents(),)


def _read(
    documents: Iterable[RuleDocument | Mapping[str, Any]], problems: list[RuleProblem]
) -> Iterator[RuleDocument]:
    for at, document in enumerate(documents):
        if at >= MAX_RULES:
            problems.append(RuleProblem("rules", "", f"more than {MAX_RULES:,} rules"))
            return
        if isinstance(document, RuleDocument):
            yield document
            continue
        title = document.get("id") if isinstance(document, Mapping) else None
        name = title[:64] if isinstance(title, str) and title else f"rule {at + 1}"
        try:
            yield RuleDocument.model_validate(document)
        except ValidationError as error:
            problems += problems_of(error, name)


def _clashes(rules: Sequence[RuleDocument]) -> Iterator[RuleProblem]:
    seen: set[str] = set()
    modes: dict[str, str] = {}
    for rule in rules:
        if rule.id in seen:
            yield RuleProblem(rule.id, "id", "another rule has the same id")
        seen.add(rule.id)
        name, mode = rule.group.name, rule.group.mode
        if name and modes.setdefault(name, mode) != mode:
            told = f"the group `{name}` is {modes[name]} in another rule and {mode} here"
            yield RuleProblem(rule.id, "group", told)


def _compile(rule: RuleDocument, problems: list[RuleProblem]) -> Iterator[CompiledRule]:
    """The rule for each of its events. One that is switched off is checked all the same."""
    for event_type in rule.on:

        def report(place: str, error: ExpressionError | str) -> None:
            problems.append(RuleProblem(rule.id, place, str(error)))

        compiled = compile_rule(rule, event_type, report)
        if compiled is not None and rule.enabled:
            yield compiled
