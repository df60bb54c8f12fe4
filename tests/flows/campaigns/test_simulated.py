"""Invitations in a simulation: they pay again what they promised, and rules hear of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flows.simulation import Simulation, Trial, simulate
from flows.simulation.telling import lines
from rules import RuleSet
from tests.flows.campaigns.drive import Drive, person
from tests.flows.simulation.house import put_in_force

THANKS: dict[str, Any] = {
    "id": "thanks",
    "on": ["invitation.claimed"],
    "then": [{"award": {"points": "3", "flat": True}}],
}


async def tried(drive: Drive, *documents: dict[str, Any]) -> Simulation:
    desk = drive.desk
    await put_in_force(desk.database, desk.rules, desk.programme, now=drive.now)
    trial = Trial(
        rules=RuleSet.load(documents) if documents else desk.rules,
        programme=desk.programme,
        since=drive.now - timedelta(days=30),
        until=drive.now + timedelta(days=30),
    )
    return await simulate(desk.database, trial, processes=1)


@pytest.mark.parametrize("way", ["by the link", "by the address"])
async def test_an_invitation_pays_again_what_it_promised(drive: Drive, way: str) -> None:
    await drive.send(person(1))
    if way == "by the link":
        assert await drive.claim("c1", person(1)) == ("done", "")
    else:
        await drive.sign_up(person(1))
    found = await tried(drive)
    assert (found.actual_points, found.simulated_points) == (10, 10)
    assert found.members == ()
    assert "1 invitations paid again what they promised." in lines(found)


async def test_a_rule_on_joining_is_heard(drive: Drive) -> None:
    await drive.send(person(1), person(2))
    await drive.claim("c1", person(1))
    await drive.claim("c1", person(2))
    found = await tried(drive, THANKS)
    assert (found.actual_points, found.simulated_points, found.invitations) == (10, 13, 1)
