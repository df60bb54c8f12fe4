"""What the hub does at Square: nothing yet. In this release the connector only listens."""

from __future__ import annotations

from connectors.kit.action import Action

ACTIONS: tuple[Action, ...] = ()
