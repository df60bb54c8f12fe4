"""What `hub referrals` does: lists recommendations, and decides about those that are held."""

from __future__ import annotations

from uuid import UUID

from connectors.kit.redact import without_people
from deployments.cli.answers import Failure, answering, say, show_rows, unusable, write_json
from deployments.cli.desk import Desk, actor, at_desk
from loyalty import referral_events
from loyalty.referrals import ReferralState
from loyalty.store import audit, inbox, referrals
from loyalty.store.referrals import Listed


@answering
def run_list(*, state: str, limit: int, as_json: bool) -> int:
    """Lists recommendations, those that moved last first; people by their ids."""
    states = [one.value for one in ReferralState]
    if state and state not in states:
        raise unusable(f"there is no state {state!r}", f"one is {', '.join(states)}")

    async def find(desk: Desk) -> list[Listed]:
        async with desk.database.begin() as connection:
            return await referrals.listed(connection, state=state, limit=limit)

    found = [one.referral for one in at_desk(find)]
    if as_json:
        write_json(
            {
                "referrals": [
                    {
                        "friend": one.friend_id,
                        "referrer": one.referrer_id,
                        "state": one.state.value,
                        "reasons": list(one.reasons),
                        "joined_at": one.joined_at,
                        "counted_at": one.counted_at,
                        "sale": one.sale,
                        "decided_by": without_people(one.decided_by),
                    }
                    for one in found
                ]
            }
        )
    elif not found:
        say("No recommendations match." if state else "No recommendations yet.")
    else:
        show_rows(
            ("friend", "by", "state", "why", "joined"),
            [
                (one.friend_id, one.referrer_id, one.state.value, ", ".join(one.reasons),
                 one.joined_at)
                for one in found
            ],
        )  # fmt: skip
    return 0


@answering
def run_decide(friend: str, *, approved: bool, reason: str, as_json: bool) -> int:
    """Approves or refuses a recommendation that is held; a worker books what follows."""
    try:
        number = UUID(friend)
    except ValueError:
        told = f"{friend!r} is no id of a member"
        raise unusable(told, "`hub referrals list --state held` shows the friends' ids") from None

    async def decide(desk: Desk) -> ReferralState:
        event = referral_events.decided(
            number, approved=approved, by=actor(), at=desk.now, reason=reason
        )
        async with desk.database.begin() as connection:
            found = (await referrals.of_friends(connection, [number])).get(number)
            if found is None or found.state is not ReferralState.HELD:
                told = "nobody recommended this member" if found is None else found.state.value
                raise Failure(
                    f"there is nothing to decide: {told}",
                    "`hub referrals list --state held` shows what waits for a decision",
                )
            await inbox.emit(connection, [event], now=desk.now)
            action = "referral.approved" if approved else "referral.refused"
            await audit.note(
                connection,
                actor=actor(),
                action=action,
                subject=friend,
                now=desk.now,
                detail={"why": reason} if reason else None,
            )
        return found.state

    at_desk(decide)
    word = "approved" if approved else "refused"
    if as_json:
        write_json({"friend": friend, "decision": word})
    else:
        say(f"The recommendation is {word}: a worker books it.")
    return 0
