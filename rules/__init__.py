"""Rules decide what an event is worth. Pure: no clock, no database, no network.

`RuleSet.load(documents)` checks and compiles; `decide(event, member, programme, rules)` says
which rules fire and what they award; once the books are written, `effects(decision, …)` says
what else is to be done. `rules/language.md` describes what a rule can say.
"""

from rules.decide import Effects, decide, effects
from rules.document import RuleDocument
from rules.problems import RuleProblem, RuleSetError
from rules.ruleset import RuleSet

__all__ = [
    "Effects",
    "RuleDocument",
    "RuleProblem",
    "RuleSet",
    "RuleSetError",
    "decide",
    "effects",
]
