"""The tables. Uniqueness, and that the ledger only grows, live here and not in code.

Identifiers are UUIDs of version 7 made by the writer (`loyalty.store.ids`), so that what
belongs together is written in few statements; the inbox counts, since its order matters.
"""

from loyalty.store.tables.base import metadata
from loyalty.store.tables.books import (
    adjustments,
    allocations,
    debts,
    entries,
    holds,
    limit_uses,
    lots,
    milestones_reached,
    redemptions,
    sales,
)
from loyalty.store.tables.campaigns import (
    campaigns,
    claims,
    customer_imports,
    invitations,
    shop_customers,
)
from loyalty.store.tables.chats import chat_contacts, chat_invitations
from loyalty.store.tables.console import console_sessions, errands, wrong_keys
from loyalty.store.tables.gate import opt_in_requests, reviews, suppressions, verdicts
from loyalty.store.tables.gift_codes import (
    gift_code_batches,
    gift_code_guards,
    gift_code_upload_chunks,
    gift_code_upload_problems,
    gift_code_uploads,
    gift_code_uses,
    gift_codes,
)
from loyalty.store.tables.hooks_out import hooks_out
from loyalty.store.tables.intake import connections, inbox, polls, rejects, subscriptions, tokens
from loyalty.store.tables.lifecycle import (
    digests,
    engagements,
    expiry_reminders,
    fallbacks,
    wallet_passes,
)
from loyalty.store.tables.people import consents, identities, members, merges
from loyalty.store.tables.referrals import referral_codes, referrals, traits
from loyalty.store.tables.rewards import catalogue_items, rewards
from loyalty.store.tables.rulebook import (
    audit,
    programmes,
    rule_sets,
    rule_switches,
    settings,
    triggers,
    workers,
)
from loyalty.store.tables.sending import attempts, budgets, deliveries
from loyalty.store.tables.widget import member_sessions, request_rates, sign_ins

__all__ = [
    "adjustments",
    "allocations",
    "attempts",
    "audit",
    "budgets",
    "campaigns",
    "catalogue_items",
    "chat_contacts",
    "chat_invitations",
    "claims",
    "connections",
    "consents",
    "console_sessions",
    "customer_imports",
    "debts",
    "deliveries",
    "digests",
    "engagements",
    "entries",
    "errands",
    "expiry_reminders",
    "fallbacks",
    "gift_code_batches",
    "gift_code_guards",
    "gift_code_upload_chunks",
    "gift_code_upload_problems",
    "gift_code_uploads",
    "gift_code_uses",
    "gift_codes",
    "holds",
    "hooks_out",
    "identities",
    "inbox",
    "invitations",
    "limit_uses",
    "lots",
    "member_sessions",
    "members",
    "merges",
    "metadata",
    "milestones_reached",
    "opt_in_requests",
    "polls",
    "programmes",
    "redemptions",
    "referral_codes",
    "referrals",
    "rejects",
    "request_rates",
    "reviews",
    "rewards",
    "rule_sets",
    "rule_switches",
    "sales",
    "settings",
    "shop_customers",
    "sign_ins",
    "subscriptions",
    "suppressions",
    "tokens",
    "traits",
    "triggers",
    "verdicts",
    "wallet_passes",
    "workers",
    "wrong_keys",
]
