"""Steps of members and messages, one module for each family: its steps and how they are played."""

from deployments.scenario.acts import (
    campaigns,
    chats,
    consents,
    fan_out,
    gift_codes,
    mails,
    passes,
    referrals,
    texts,
)
from deployments.scenario.acts.family import Family

FAMILIES: tuple[Family, ...] = (
    chats.FAMILY,
    consents.CONSENTS,
    mails.MAILS,
    fan_out.FAMILY,
    gift_codes.FAMILY,
    passes.FAMILY,
    referrals.FAMILY,
    campaigns.FAMILY,
    texts.FAMILY,
)
"""Every family; a new one is added here."""

FAMILY_OF = {step: family for family in FAMILIES for step in family.steps}

ANSWERS = tuple(answer for family in FAMILIES for answer in family.answers)

__all__ = ["ANSWERS", "FAMILIES", "FAMILY_OF", "Family"]
