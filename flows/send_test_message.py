"""The flow `send-test-message`: a text to somebody of the team, filled in with samples."""

from __future__ import annotations

from typing import Annotated

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from flows.runtime import runtime
from flows.trial_messages import Trial, try_out

Name = Annotated[str, Field(min_length=1, max_length=100)]
Address = Annotated[str, Field(min_length=3, max_length=254)]
Locale = Annotated[str, Field(max_length=35)]
Key = Annotated[str, Field(max_length=100)]


@flow(name="send-test-message", persist_result=False)
async def send_test_message(
    template: Name, to: Address, locale: Locale = "", name: Name = "Ada Lovelace", key: Key = ""
) -> None:
    """Sends a text of the programme to an address of the team, filled in with samples.

    It goes the way of every message: through the gate, by the connection of the programme's
    routes. Previews without sending are in the console and in `hub templates preview`.

    Args:
        template: The text's name, as in docs/templates.md.
        to: An e-mail address, or a telephone number with its country: +49 170 1234567.
        locale: In which language, such as de or pt-BR; empty for the programme's own.
        name: The recipient's name in the text.
        key: Makes it once, where it is asked for twice; empty for once in each run.
    """
    trial = Trial(key=key or str(flow_run.id), template=template, to=to, locale=locale, name=name)
    async with runtime() as hub:
        terms = await hub.terms()
        async with hub.database.begin() as connection:
            delivery = await try_out(connection, trial, terms.planner, terms.rules)
    if delivery is None:
        get_run_logger().info("it was sent before, under the same key")
        return
    get_run_logger().info(
        "delivery %s is %s%s",
        delivery.id,
        delivery.state,
        f": {delivery.reason}" if delivery.reason else "",
    )
