"""Rules as files in git: which files are read, and which of two rules of one name counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.problems import RuleProblem, RuleSetError
from rules.ruleset import RuleSet
from rules.shipped import LAYOUTS, TEMPLATES, shipped_paths
from rules.yaml_documents import YamlError, read_yaml

_SUFFIXES = (".yaml", ".yml")
_NO_RULES = {TEMPLATES, LAYOUTS}
"""Files and folders beside the rules that hold texts."""


class NoSuchFile(ValueError):
    """A path that was named does not exist, or holds no rules."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Files of rules. A rule of `own` takes the place of the one in `shipped` with its id."""

    own: Sequence[Path] = ()
    shipped: Sequence[Path] = ()

    def load(self) -> RuleSet:
        """Checks and compiles them as one set.

        Raises:
            RuleSetError: With everything that is wrong in any of them.
        """
        problems: list[RuleProblem] = []
        own = _documents(self.own, problems)
        named = {one.get("id") for one in own if isinstance(one, dict)}
        shipped = [one for one in _documents(self.shipped, problems) if one["id"] not in named]
        if problems:
            raise RuleSetError(problems)
        return RuleSet.load([*shipped, *own])


def sources(named: Sequence[Path], folder: Path | None) -> Sources:
    """The files to read: those that were named alone, else the shipped rules and the folder's.

    Args:
        named: Files, or folders that are searched to the bottom.
        folder: Where this installation keeps its own rules.

    Raises:
        NoSuchFile: A path that was named is not there, or no rule is in it.
    """
    if named:
        return Sources(own=_files(named))
    return Sources(own=_files([folder]) if folder else (), shipped=shipped_paths())


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES)
            found += [one for one in inside if not _NO_RULES & _names(one, path)]
        elif path.is_file():
            found.append(path)
        else:
            raise NoSuchFile(f"there is no file or folder {path}")
    if not found:
        raise NoSuchFile(f"no YAML files are in {', '.join(map(str, paths))}")
    return list(dict.fromkeys(found))


def _names(file: Path, folder: Path) -> set[str]:
    return {file.stem, *file.relative_to(folder).parts[:-1]}


def _documents(paths: Sequence[Path], problems: list[RuleProblem]) -> list[Any]:
    documents: list[Any] = []
    for path in paths:
        try:
            for found in read_yaml(path.read_text(encoding="utf-8"), name=path.name):
                documents += found if isinstance(found, list) else [found]
        except (YamlError, OSError, UnicodeDecodeError) as error:
            problems.append(RuleProblem(path.name, "", str(error)))
    return documents
