"""`hub console`: an address that opens the console once."""

from __future__ import annotations

from deployments.cli.answers import answering, say_whole, unusable, write_json
from deployments.cli.desk import read_settings
from deployments.console_address import console_address
from loyalty.store.console_key import ConsoleKeyWeak


@answering
def run_console(*, as_json: bool) -> int:
    """Prints the address; whoever opens it gives their name and is in."""
    try:
        address = console_address(read_settings())
    except ConsoleKeyWeak as error:
        raise unusable(str(error), "set another HUB_CONSOLE_KEY and start the hub again") from None
    if as_json:
        write_json({"address": address})
    else:
        say_whole(address)
    return 0
