"""Tries rules and a programme on what really happened; nothing is posted.

`simulate(database, trial)` replays the stored events of the members who were there in the
period, from their very first event on, through books in memory and the same desks that book for
real. Before the period each event is worked off under the rules of its time, within it under
those on trial. What really was booked stands beside it, for each member and in all.
"""

from flows.simulation.sharing import simulate
from flows.simulation.trial import Simulation, Trial

__all__ = ["Simulation", "Trial", "simulate"]
