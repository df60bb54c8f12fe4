"""The shop behind the sandbox: customers, rewards and subscriptions, as GraphQL's fields ask.

Each method answers one field of the schema with what the connector selects of it, and refuses
as Shopify does: in `userErrors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from connectors.kit.sandbox import VendorSandbox

MILA = "gid://shopify/Customer/7001"
OLD_CARD = "gid://shopify/GiftCard/601"
OLD_GRANT = "gid://shopify/StoreCreditAccountCreditTransaction/701"
Answer = dict[str, Any]
Arguments = dict[str, Any]


class StandInShop:
    """One shop with one customer, Mila, who has an old discount."""

    def __init__(self, sandbox: VendorSandbox) -> None:
        self._sandbox = sandbox
        self._numbers = count(501)
        self.customers: dict[str, dict[str, Any]] = {
            MILA: {
                "emailAddress": "mila.brandt@shop.example",
                "phoneNumber": "+15005550123",
                "tags": {"silver"},
                "metafields": {},
            }
        }
        self.discounts = {"mila-4700": "gid://shopify/DiscountCodeNode/500"}
        self.cards: list[dict[str, Any]] = []
        # What is left of each grant; the last one is the first to be spent.
        self.grants: dict[str, list[dict[str, Any]]] = {MILA: []}
        self.nodes: dict[str, dict[str, Any]] = {}
        self._keep_old_rewards()
        self.webhooks: dict[str, dict[str, str]] = {}
        self.fields: dict[str, Callable[[Arguments], Any]] = {
            "shop": lambda _: {"name": "Aroma House"},
            "customerByIdentifier": self._customer,
            "tagsAdd": self._tags_add,
            "tagsRemove": self._tags_remove,
            "metafieldsSet": self._metafields_set,
            "metafieldsDelete": self._metafields_delete,
            "codeDiscountNodeByCode": self._discount_by_code,
            "discountCodeBasicCreate": self._discount,
            "discountCodeFreeShippingCreate": self._discount,
            "discountCodeDeactivate": self._discount_ended,
            "giftCards": self._gift_cards,
            "giftCardCreate": self._gift_card,
            "giftCardDeactivate": self._gift_card_ended,
            "storeCreditAccountCredit": self._credit,
            "storeCreditAccountDebit": self._debit,
            "node": lambda given: self.nodes.get(given["id"]),
            "webhookSubscriptions": self._webhooks_listed,
            "webhookSubscriptionCreate": self._webhook_created,
            "webhookSubscriptionDelete": self._webhook_deleted,
        }

    def answer(self, query: str, variables: Arguments) -> Answer | None:
        """The data for the fields that the query names; None where it names none of them."""
        names = re.findall(r"\b(\w+)\s*(?:\([^)]*\))?\s*(?:@include\(if: \$(\w+)\))?\s*\{", query)
        asked = [name for name, flag in names if name in self.fields and variables.get(flag, True)]
        return {name: self.fields[name](variables) for name in asked} or None

    def _gid(self, kind: str) -> str:
        return f"gid://shopify/{kind}/{next(self._numbers)}"

    def _customer(self, given: Arguments) -> Answer | None:
        for identity, one in self.customers.items():
            if any(one.get(name) == value for name, value in given["identifier"].items()):
                return {"id": identity}
        return None

    def _tags_add(self, given: Arguments) -> Answer:
        return self._change(given["id"], lambda one: one["tags"].update(given["add"]))

    def _tags_remove(self, given: Arguments) -> Answer:
        return self._change(given["id"], lambda one: one["tags"].difference_update(given["remove"]))

    def _metafields_set(self, given: Arguments) -> Answer:
        for field in given["set"]:
            owner = self.customers.get(field["ownerId"])
            if owner is None:
                return _refused("Owner does not exist.", "ownerId", "INVALID")
            owner["metafields"][field["namespace"], field["key"]] = field["value"]
        self._sandbox.record("metafields", set=given["set"])
        return {"userErrors": []}

    def _metafields_delete(self, given: Arguments) -> Answer:
        for field in given["clear"]:
            owner = self.customers.get(field["ownerId"], {"metafields": {}})
            owner["metafields"].pop((field["namespace"], field["key"]), None)
        return {"userErrors": []}

    def _change(self, identity: str, change: Callable[[dict[str, Any]], Any]) -> Answer:
        if identity not in self.customers:
            return _refused("Customer does not exist", "id")
        change(self.customers[identity])
        self._sandbox.record("customer", id=identity)
        return {"userErrors": []}

    def _discount_by_code(self, given: Arguments) -> Answer | None:
        found = self.discounts.get(given["code"].lower())
        return {"id": found} if found else None

    def _discount(self, given: Arguments) -> Answer:
        discount = given["discount"]
        code = discount["code"]
        if code.lower() in self.discounts:
            return {
                "codeDiscountNode": None,
                **_refused("Code must be unique. Please try a different code.", "code", "TAKEN"),
            }
        identity = self.discounts[code.lower()] = self._gid("DiscountCodeNode")
        self._sandbox.record("coupon", id=identity, code=code, discount=discount)
        return {"codeDiscountNode": {"id": identity}, "userErrors": []}

    def _discount_ended(self, given: Arguments) -> Answer:
        if given["id"] not in self.discounts.values():
            refused = _refused("Discount does not exist", "id", "INVALID")
            return {"codeDiscountNode": None, **refused}
        self._sandbox.record("coupon_ended", id=given["id"])
        return {"codeDiscountNode": {"id": given["id"]}, "userErrors": []}

    def _gift_cards(self, given: Arguments) -> Answer:
        return {"nodes": self.cards[::-1][: given["first"]]}

    def _gift_card(self, given: Arguments) -> Answer:
        card = given["input"]
        if any(one["code"] == card["code"] for one in self._sandbox.records if "code" in one):
            refused = _refused("Code has already been taken", "code", "TAKEN")
            return {"giftCard": None, "giftCardCode": None, **refused}
        if card["customerId"] not in self.customers:
            refused = _refused("Customer could not be found", "customerId", "CUSTOMER_NOT_FOUND")
            return {"giftCard": None, "giftCardCode": None, **refused}
        identity = self._gid("GiftCard")
        self.cards.append({"id": identity, "note": card["note"]})
        self.nodes[identity] = _card(identity)
        self._sandbox.record("gift_card", id=identity, code=card["code"], card=card)
        return {"giftCard": {"id": identity}, "giftCardCode": card["code"], "userErrors": []}

    def _credit(self, given: Arguments) -> Answer:
        if given["id"] not in self.customers:
            refused = _refused("Account or owner was not found", "id", "ACCOUNT_NOT_FOUND")
            return {"storeCreditAccountTransaction": None, **refused}
        identity = self._gid("StoreCreditAccountCreditTransaction")
        self._grant(identity, given["id"], given["credit"]["creditAmount"])
        self._sandbox.record("store_credit", id=identity, customer=given["id"], **given["credit"])
        return {"storeCreditAccountTransaction": {"id": identity}, "userErrors": []}

    def _keep_old_rewards(self) -> None:
        """What was issued to Mila before anybody looked: a gift card and five euros."""
        self.nodes[OLD_CARD] = _card(OLD_CARD)
        self._grant(OLD_GRANT, MILA, {"amount": "5.00", "currencyCode": "EUR"})

    def _grant(self, identity: str, owner: str, amount: Answer) -> None:
        account = f"gid://shopify/StoreCreditAccount/{owner.rpartition('/')[2]}"
        self.nodes[identity] = {
            "__typename": "StoreCreditAccountCreditTransaction",
            "remainingAmount": dict(amount),
            "account": {"id": account},
        }
        self.grants[owner].append(self.nodes[identity])

    def spend(self, owner: str, amount: Decimal) -> None:
        """Takes from the newest grants first: they are the ones that expire soonest here."""
        for grant in reversed(self.grants[owner]):
            left = Decimal(grant["remainingAmount"]["amount"])
            taken = min(left, amount)
            grant["remainingAmount"]["amount"] = format(left - taken, "f")
            amount -= taken

    def _gift_card_ended(self, given: Arguments) -> Answer:
        card = self.nodes.get(given["id"])
        if card is None:
            refused = _refused("Gift card not found", "id", "GIFT_CARD_NOT_FOUND")
            return {"giftCard": None, **refused}
        card["enabled"] = False
        self._sandbox.record("gift_card_ended", id=given["id"])
        return {"giftCard": {"id": given["id"]}, "userErrors": []}

    def _debit(self, given: Arguments) -> Answer:
        number = given["id"].rpartition("/")[2]
        owner = next((one for one in self.grants if one.endswith(f"/{number}")), "")
        amount = Decimal(given["debit"]["debitAmount"]["amount"])
        left = [Decimal(one["remainingAmount"]["amount"]) for one in self.grants.get(owner, ())]
        nothing: Answer = {"storeCreditAccountTransaction": None}
        if not owner:
            return nothing | _refused("Account was not found", "id", "ACCOUNT_NOT_FOUND")
        if amount > sum(left):
            return nothing | _refused("Insufficient funds", "debitInput", "INSUFFICIENT_FUNDS")
        self.spend(owner, amount)
        identity = self._gid("StoreCreditAccountDebitTransaction")
        self._sandbox.record("store_credit_taken", id=identity, customer=owner, amount=amount)
        return {"storeCreditAccountTransaction": {"id": identity}, "userErrors": []}

    def _webhooks_listed(self, given: Arguments) -> Answer:
        """Two a page, whatever is asked for, so that everybody has to turn pages."""
        known = list(self.webhooks.values())
        start = int(given["after"] or 0)
        end = start + min(given["first"], 2)
        page = {"hasNextPage": end < len(known), "endCursor": str(end)}
        return {"nodes": known[start:end], "pageInfo": page}

    def _webhook_created(self, given: Arguments) -> Answer:
        webhook = {
            "id": self._gid("WebhookSubscription"),
            "topic": given["topic"],
            "uri": given["webhook"]["uri"],
        }
        same = [(one["topic"], one["uri"]) for one in self.webhooks.values()]
        if (webhook["topic"], webhook["uri"]) in same:
            refused = _refused("Address for this topic has already been taken", "webhook")
            return {"webhookSubscription": None, **refused}
        self.webhooks[webhook["id"]] = webhook
        return {"webhookSubscription": webhook, "userErrors": []}

    def _webhook_deleted(self, given: Arguments) -> Answer:
        found = self.webhooks.pop(given["id"], None)
        if found is None:
            refused = _refused("Webhook subscription does not exist", "id")
            return {"deletedWebhookSubscriptionId": None, **refused}
        return {"deletedWebhookSubscriptionId": given["id"], "userErrors": []}


def _refused(message: str, field: str, code: str = "") -> Answer:
    error: Answer = {"field": [field], "message": message}
    return {"userErrors": [{**error, "code": code} if code else error]}


def _card(identity: str) -> Answer:
    return {"__typename": "GiftCard", "id": identity, "enabled": True}
