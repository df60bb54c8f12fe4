"""What a module of this folder says of the steps that it plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from deployments.scenario.happening import Happening
from deployments.scenario.steps_base import Step

if TYPE_CHECKING:
    from deployments.scenario.world import World


@dataclass(frozen=True, slots=True)
class Family:
    """Steps that belong together, and how they are played.

    Args:
        steps: The models of the steps; their `do` names the kinds.
        play: Does what a step says at its business time; the hub's clock is `world.engine.now`.
        answers: Keys of `expect` that are held against `Happening.values`.
        writes: Whether such a step may send a message, so that deliveries have to be looked at.
    """

    steps: tuple[type[Step], ...]
    play: Callable[[World, Any, datetime], Awaitable[Happening]]
    answers: tuple[str, ...] = ()
    writes: bool = False
