"""Taking back gift cards and store credit that were issued.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/giftCardDeactivate and
storeCreditAccountDebit. A card is looked at first, so that ending it twice is harmless; of credit
only what is left of the very grant is taken, as far as Shopify's answer to it is known.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import GiftCardEnd, StoreCreditEnd
from connectors.kit.errors import ConnectorBug
from connectors.shopify.customers import customer_gid, text_of
from connectors.shopify.rewards import find_card, money

if TYPE_CHECKING:
    from connectors.shopify.client import ShopifyClient

CARD = """
query($id: ID!) { node(id: $id) { __typename ... on GiftCard { id enabled } } }
"""
DEACTIVATE_CARD = """
mutation($id: ID!) {
  giftCardDeactivate(id: $id) {
    giftCard { id }
    userErrors { field message code }
  }
}
"""
GRANT = """
query($id: ID!) {
  node(id: $id) {
    __typename
    ... on StoreCreditAccountCreditTransaction {
      remainingAmount { amount currencyCode }
      account { id }
    }
  }
}
"""
DEBIT = """
mutation($id: ID!, $debit: StoreCreditAccountDebitInput!) {
  storeCreditAccountDebit(id: $id, debitInput: $debit) {
    storeCreditAccountTransaction { id }
    userErrors { field message code }
  }
}
"""


async def disable_gift_card(client: ShopifyClient, job: Job) -> Sent:
    """Deactivates a gift card for good; one that is not there or was ended already stays so."""
    end: GiftCardEnd = job.input
    known = end.issued_id or await find_card(client, end.issued_by)
    card = (await client.query(CARD, {"id": known})).get("node") if known else None
    if not card:
        return Sent()
    if card.get("enabled"):
        await client.mutate(DEACTIVATE_CARD, {"id": known})
    return Sent(vendor_id=known)


async def take_store_credit(client: ShopifyClient, job: Job) -> Sent:
    """Takes back what is left of a grant; nothing where it was spent.

    Where Shopify's answer to the grant is not known, the whole amount is taken from the account,
    and Shopify refuses that where there is less.
    """
    end: StoreCreditEnd = job.input
    account, amount = await _what_is_left(client, end)
    if amount == 0:
        return Sent()
    debit = {"debitAmount": money(amount, end.currency)}
    data = await client.mutate(DEBIT, {"id": account, "debit": debit})
    made = data.get("storeCreditAccountDebit") or {}
    return Sent(vendor_id=text_of(made.get("storeCreditAccountTransaction"), "id"))


async def _what_is_left(client: ShopifyClient, end: StoreCreditEnd) -> tuple[str, Decimal]:
    """The account to take from, and how much."""
    if not end.issued_id:
        return await customer_gid(client, end), end.amount
    grant = (await client.query(GRANT, {"id": end.issued_id})).get("node")
    if not grant:
        return await customer_gid(client, end), end.amount
    left: Any = grant.get("remainingAmount") or {}
    if left.get("currencyCode") != end.currency:
        raise ConnectorBug("Shopify tells the rest of a grant in another currency")
    try:
        rest = Decimal(str(left.get("amount")))
    except InvalidOperation:
        raise ConnectorBug("Shopify does not say how much is left of a grant") from None
    return text_of(grant.get("account"), "id"), min(max(rest, Decimal(0)), end.amount)
