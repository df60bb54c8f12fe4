"""Every webhook: what is genuine is taken, nothing else is, and the same fact stays the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.kit.webhook import BadSignature, InboundRequest, Proof
from tests.conformance.bench import not_needed
from tests.conformance.candidate import CANARY, OTHER, RECEIVED, Candidate

pytestmark = pytest.mark.criterion("webhooks")

LATER = timedelta(hours=1)


def test_what_it_hears_is_declared(one: Candidate) -> None:
    """Not every vendor has something to tell: the report names those, so that it is seen."""
    webhook = one.manifest.webhook
    if webhook is None:
        not_needed(f"{one.slug} has no webhook: nothing comes in from there")
    assert webhook.signing_field in one.secrets
    assert set(webhook.claims) <= set(one.manifest.account.model_fields)
    if not webhook.triggers:
        not_needed(f"{one.slug} has no triggers: what comes in is verified and ignored")
    for name, trigger in webhook.triggers.items():
        assert trigger.vendor_event == name
        assert trigger.event_types or trigger.rings or trigger.notice


# --- genuine or not --------------------------------------------------------------------------


def _is_accepted(one: Candidate, request: InboundRequest, secret: str = CANARY) -> bool:
    """Whether the request passes; any refusal but BadSignature is a failure of its own."""
    try:
        one.webhook.verify(request, one.signed_with(secret))
    except BadSignature as error:
        refusal = f"{error!r} {error}"
    else:
        return True
    assert len(refusal) > len("BadSignature('') ")
    assert CANARY not in refusal
    return False


def test_a_genuine_request_is_taken(one: Candidate, signed: str | None) -> None:
    request = one.request(signed)
    assert request.headers or request.query or one.webhook.proof is Proof.SECRET
    assert _is_accepted(one, request)


def test_a_changed_body_is_refused(one: Candidate, signed: str | None) -> None:
    if one.webhook.proof is Proof.SECRET:
        not_needed("its proof is a secret sent along; the body proves nothing")
    good = one.request(signed)
    middle = len(good.body) // 2
    bodies = {
        "appended": good.body + b" ",
        "cut": good.body[:-1],
        "middle": good.body[:middle] + b"~" + good.body[middle + 1 :],
        "emptied": b"",
        "another": b'{"type": "another"}',
    }
    assert all(body != good.body for body in bodies.values())
    taken = [what for what, body in bodies.items() if _is_accepted(one, replace(good, body=body))]
    assert taken == []


def test_wrong_empty_and_missing_headers_are_refused(one: Candidate, signed: str | None) -> None:
    """Each header and query parameter by which the request proves itself is needed, as it is."""
    good = one.request(signed)
    taken = [
        (name, what)
        for name, value in good.query.items()
        for what, query in {
            "missing": {},
            "empty": {**good.query, name: ""},
            "cut": {**good.query, name: value[:-2]},
            "odd": {**good.query, name: "sig\udc80ned"},
        }.items()
        if _is_accepted(one, replace(good, query=query))
    ]
    for name, value in good.headers.items():
        others = {key: text for key, text in good.headers.items() if key != name}
        headers = {
            "missing": others,
            "empty": {**others, name: ""},
            "blank": {**others, name: " "},
            "cut": {**others, name: value[:-2]},
            "wrong": {**others, name: "A" * len(value)},
            "odd": {**others, name: "sig\udc80ned"},
        }
        taken += [
            (name, what)
            for what, given in headers.items()
            if _is_accepted(one, replace(good, headers=given))
        ]
    assert taken == []
    assert not _is_accepted(one, replace(good, headers={}, query={}))


def test_another_secret_is_refused(one: Candidate, signed: str | None) -> None:
    assert not _is_accepted(one, one.request(signed), OTHER)
    assert not _is_accepted(one, one.request(signed, secret=OTHER))
    assert _is_accepted(one, one.request(signed, secret=OTHER), OTHER)


def test_an_empty_secret_proves_nothing(one: Candidate, signed: str | None) -> None:
    """Prefect's UI saves a block unchecked, so an empty secret can reach the check.

    An HMAC's key is filled up with zeros: one zero byte, as it is or in base64, signs like an
    empty key, which is what somebody would try who guesses that the secret was left empty.
    """
    forged = [one.request(signed)]
    for zero in ("\0", "AA=="):
        with suppress(BadSignature):  # it is no key at all to a vendor that wants base64
            forged.append(one.request(signed, secret=zero))
    assert len(forged) > 1
    assert [request for request in forged if _is_accepted(one, request, "")] == []


def test_a_signed_time_goes_stale(one: Candidate, signed: str | None) -> None:
    """Where the vendor signs a time, a request kept for an hour is refused, either way."""
    good = one.request(signed)
    if one.request(signed, received_at=RECEIVED + LATER).headers == good.headers:
        assert _is_accepted(one, replace(good, received_at=RECEIVED + LATER))
    else:
        assert not _is_accepted(one, replace(good, received_at=RECEIVED + LATER))
        assert not _is_accepted(one, replace(good, received_at=RECEIVED - LATER))


# --- what it becomes -------------------------------------------------------------------------


def test_a_sample_is_of_its_own_topic(one: Candidate, topic: str) -> None:
    """Where the body says what it is, it says this; where a header does, the body is silent."""
    request = one.request(topic)
    assert one.webhook.topic(request, one.webhook.decode(request.body)) in ("", topic)


def test_a_sample_becomes_the_declared_events(one: Candidate, topic: str) -> None:
    events = one.events(topic, one.request(topic))
    trigger = one.webhook.triggers[topic]
    assert bool(events) is bool(trigger.event_types)
    assert events or trigger.rings or trigger.notice
    assert {event.type for event in events} <= set(one.webhook.triggers[topic].event_types)
    assert {event.store for event in events} <= {f"{one.slug}/main"}


def test_a_redelivery_is_the_same_fact(one: Candidate, topic: str) -> None:
    first = one.events(topic, one.request(topic))
    second = one.events(topic, one.request(topic, received_at=RECEIVED + LATER))
    keys = [event.business_key for event in first]
    assert [event.business_key for event in second] == keys
    assert len(set(keys)) == len(keys)


def test_another_connection_tells_other_facts(one: Candidate, topic: str) -> None:
    request = one.request(topic)
    mine = {event.business_key for event in one.events(topic, request)}
    theirs = {event.business_key for event in one.events(topic, request, "other")}
    assert len(mine) == len(theirs)
    assert not mine & theirs
