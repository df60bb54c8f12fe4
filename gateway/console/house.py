"""What the pages of the console work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.commit import GroupCommit
from gateway.connections import ConnectionTable
from gateway.figures import FiguresDesk
from loyalty.links import Links
from loyalty.settings import HubSettings
from loyalty.store.console_key import ConsoleKey
from loyalty.store.database import Database
from loyalty.store.vault import Vault


@dataclass(frozen=True, slots=True)
class House:
    """The parts of the gateway that pages need; they stay the gateway's.

    Attributes:
        commit: Keeps events: `await house.commit.keep(Work(incoming=[Incoming(…)]))`.
        clock: Aware; the only clock of the pages.
    """

    settings: HubSettings
    database: Database
    vault: Vault
    links: Links
    commit: GroupCommit
    table: ConnectionTable
    figures: FiguresDesk
    clock: Callable[[], datetime]
    console_key: ConsoleKey
    prefect_ui_url: str = ""

    @property
    def is_https(self) -> bool:
        """Whether people reach the gateway by https, so that cookies can insist on it."""
        return self.settings.base_url.startswith("https://")
