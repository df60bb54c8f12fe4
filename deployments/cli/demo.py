"""`hub demo`: everything up, a day of real-looking trade, and a look at what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from deployments.cli.up import start, stop
from deployments.console_address import console_lines
from deployments.demo.storefront import shop_page
from deployments.supervise import StartFailed, Supervisor
from loyalty.settings import HubSettings


def run_demo(*, once: bool, as_json: bool) -> int:
    """Plays the demo; the exit code is 0 only if every expected effect is there exactly once."""

    def say(line: str) -> None:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)

    supervisor = Supervisor(HubSettings(), say, with_sandboxes=True)
    try:
        start(supervisor)
        watch = threading.Thread(target=supervisor.watch, daemon=True)
        watch.start()
        code = _play(supervisor, say, as_json=as_json)
        if not once:
            _stay(supervisor, say)
    except StartFailed as error:
        print(f"hub: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        code = 130
    finally:
        say("stopping …")
        stop(supervisor)
    return code


def _play(supervisor: Supervisor, say: Callable[[str], None], *, as_json: bool) -> int:
    from deployments.demo.check import problems_of
    from deployments.demo.play import play

    settings = supervisor.settings
    now = datetime.now(UTC)
    played = asyncio.run(play(settings, supervisor.hub_url, now=now, say=say))
    effects = ", ".join(f"{count} {kind}" for kind, count in played.findings.effects.items())
    if played.is_well:
        say(f"every expected effect is there, exactly once: {effects}")
    else:
        say("not as expected:\n" + problems_of(played.summary()["problems"]))
    if as_json:
        print(json.dumps(played.summary()), flush=True)
    return 0 if played.is_well else 1


def _stay(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    say("")
    say(f"hub        {supervisor.settings.base_url}")
    say(f"Prefect    {supervisor.prefect_url}")
    for line in console_lines(supervisor.settings):
        say(line.replace("console  ", "console    "))
    say(f"shop page  {shop_page(supervisor.settings)}  (with the members' widget)")
    say(f"mails      {supervisor.sandbox_url}/smtp/")
    say(f"sandboxes  {supervisor.sandbox_url}/twilio/_sandbox/records  (and the other vendors)")
    say("Ctrl-C stops it; the data stays.")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
