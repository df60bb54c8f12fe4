"""The address that opens the console once, for whoever started the hub."""

from __future__ import annotations

from datetime import UTC, datetime

from loyalty.settings import HubSettings
from loyalty.store.console_key import FILE, ConsoleKey, ConsoleKeyWeak


def console_address(settings: HubSettings) -> str:
    """The console with a one-time ticket: it opens it once within an hour.

    Raises:
        ConsoleKeyWeak: HUB_CONSOLE_KEY is too short.
    """
    key = ConsoleKey.of(settings.root, settings.console_key)
    return f"{settings.base_url}/console/sign-in?ticket={key.ticket(now=datetime.now(UTC))}"


def console_lines(settings: HubSettings) -> list[str]:
    """What `hub up` and `hub demo` say of the console; the key itself is never printed."""
    try:
        address = console_address(settings)
    except ConsoleKeyWeak as error:
        return [f"console  {error}"]
    kept = "HUB_CONSOLE_KEY" if settings.console_key.get_secret_value() else settings.root / FILE
    return [
        f"console  {address}",
        f"         opens once, within an hour; later `hub console`, or the key in {kept}",
    ]
