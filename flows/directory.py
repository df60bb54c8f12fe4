"""Which connection does what a rule asks for, and whether it is ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.kit.action import Action, Capability
from connectors.kit.registry import manifest, slugs
from loyalty.programme import Programme
from loyalty.store.connections import StoredConnection


@dataclass(frozen=True, slots=True)
class Route:
    """A connection and the action of it that serves a capability.

    Attributes:
        problem: Why nothing can be sent through it now; empty where it is ready.
    """

    connector: str
    connection: str
    action: str
    problem: str = ""

    @property
    def slug(self) -> str:
        """`twilio/main`; empty where no connection is configured."""
        return f"{self.connector}/{self.connection}" if self.connector else ""


@dataclass(frozen=True)
class Directory:
    """The connections as last seen, and the programme's choice among them."""

    connections: Mapping[str, StoredConnection] = field(default_factory=dict)

    def route(self, capability: Capability, programme: Programme, fixed: str = "") -> Route:
        """The connection that serves the capability: the first that is ready, else the first.

        Args:
            fixed: A connection that the rule itself names.
        """
        wanted = (fixed,) if fixed else programme.routes.get(capability.value, ())
        routes = [self._route(slug, capability) for slug in wanted]
        if fixed:
            return routes[0]
        able = [one for one in routes if one.action]
        if able:
            return next((one for one in able if not one.problem), able[0])
        told = routes[0].problem if routes else f"no connection serves {capability.value}"
        return Route("", "", "", f"{told}: name one that does in the programme's routes")

    def _route(self, slug: str, capability: Capability) -> Route:
        connector, _, name = slug.partition("/")
        if connector not in slugs():
            return Route(connector, name, "", f"there is no connector named {connector!r}")
        action = action_for(connector, capability)
        if action is None:
            return Route(connector, name, "", f"{connector} cannot serve {capability.value}")
        stored = self.connections.get(slug)
        if stored is None or stored.state == "absent":
            problem = f"{slug} has no credentials yet: add its block in the Prefect UI"
            return Route(connector, name, action.name, problem)
        problem = "" if stored.state == "active" else f"{slug} is {stored.state}: {stored.reason}"
        return Route(connector, name, action.name, problem)


def action_for(connector: str, capability: Capability) -> Action | None:
    """The connector's action that serves a capability."""
    for action in manifest(connector).actions:
        if action.capability is capability:
            return action
    return None
