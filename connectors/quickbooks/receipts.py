"""Sales receipts that the hub books, and customers that it looks for.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/salesreceipt. A
receipt carries the job's mark in its private note: by it a lost answer is found again, and the
poll knows it for the hub's own.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import SalesReceipt, Whom
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.kit.values import json_number
from connectors.quickbooks.client import quoted

if TYPE_CHECKING:
    from connectors.quickbooks.account import QuickbooksAccount
    from connectors.quickbooks.client import QuickbooksClient, Record

MARK = "loyalty-hub-"
MAX_NUMBER = 21


class Booked(Sent):
    """The receipt's number, and the total that QuickBooks worked out where it is another one."""

    other_total: Decimal | None = None


class CustomerFound(Sent):
    """A customer's number, and what they owe in the home currency."""

    name: str = ""
    balance: Decimal | None = None


def mark_of(job: Job) -> str:
    """What a job's receipt is found by; it tells nothing of the job."""
    return f"{MARK}{sha256(job.key.encode()).hexdigest()[:24]}"


def is_our_own(note: str) -> bool:
    """Whether the hub booked the receipt with this private note."""
    return MARK in note


async def write_receipt(client: QuickbooksClient, job: Job) -> Booked:
    """Books a sale that was paid."""
    given: SalesReceipt = job.input
    body = receipt(client.account, job)
    customer = await client.customer_of(given)
    if customer is not None:
        body["CustomerRef"] = {"value": str(customer.get("Id"))}
    booked = await client.create_receipt(body, str(uuid5(NAMESPACE_URL, job.key)))
    return _booked(booked, given)


async def find_receipt(client: QuickbooksClient, job: Job) -> Booked | None:
    """The receipt with this job's mark."""
    given: SalesReceipt = job.input
    number = quoted(_number(given))
    for one in await client.query("SalesReceipt", f"where DocNumber = '{number}'"):
        if isinstance(one, dict) and mark_of(job) in str(one.get("PrivateNote", "")):
            return _booked(one, given)
    return None


def _booked(found: Record, given: SalesReceipt) -> Booked:
    total = found.get("TotalAmt")
    told = Decimal(str(total)) if isinstance(total, (int, Decimal)) else None
    other = told if told is not None and told != given.total else None
    return Booked(vendor_id=str(found.get("Id", "")), other_total=other)


async def find_customer(client: QuickbooksClient, job: Job) -> CustomerFound:
    """Asks for a customer; NotFound where there is none, or where several share the address."""
    whom: Whom = job.input
    found = await client.customer_of(whom)
    if found is None:
        raise NotFound("QuickBooks has no customer, or several, with this number or e-mail")
    balance = found.get("Balance")
    owed = Decimal(str(balance)) if isinstance(balance, (int, Decimal)) else None
    name = str(found.get("DisplayName") or "")[:500]
    return CustomerFound(vendor_id=str(found.get("Id", "")), name=name, balance=owed)


def receipt(account: QuickbooksAccount, job: Job) -> Record:
    """The body of a sales receipt, without its customer.

    Raises:
        InvalidRequest: No item is configured, or the parts do not make the total.
    """
    given: SalesReceipt = job.input
    if not account.item_id:
        raise InvalidRequest(
            "enter the number of a product or service (item_id) in the connection's block: the "
            "receipt's lines are booked on it"
        )
    goods = sum((line.amount for line in given.lines), Decimal(0))
    made = goods + given.shipping + given.tax - given.discount
    if made != given.total:
        raise InvalidRequest(
            f"the receipt's lines, shipping and tax less the discount make {made}, and its total "
            f"says {given.total}: the accounts would not balance"
        )
    body: Record = {
        "DocNumber": _number(given),
        "TxnDate": given.time.astimezone(ZoneInfo(account.zone)).date().isoformat(),
        "CurrencyRef": {"value": given.currency},
        "PrivateNote": f"Order {given.number} ({mark_of(job)})",
        "Line": _lines(account, given),
    }
    if given.tax:
        body["TxnTaxDetail"] = {"TotalTax": json_number(given.tax, "tax")}
    if given.email:
        body["BillEmail"] = {"Address": given.email}
    if given.name:
        body["CustomerMemo"] = {"value": given.name}
    return body


def _lines(account: QuickbooksAccount, given: SalesReceipt) -> list[Record]:
    found = [
        _line(account, line.amount, " ".join(filter(None, (line.title, line.sku))), line.quantity)
        for line in given.lines
    ]
    if given.shipping:
        found.append(_line(account, given.shipping, "Shipping", 1))
    if given.discount:
        detail = {"PercentBased": False}
        amount = json_number(given.discount, "discount")
        found.append(
            {"Amount": amount, "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}
        )
    return found


def _line(account: QuickbooksAccount, amount: Decimal, title: str, quantity: int) -> Record:
    """Unit prices are left out: rounded, they would not make the line's amount."""
    detail: Record = {"ItemRef": {"value": account.item_id}}
    unit = amount / quantity
    if unit == unit.quantize(Decimal("0.01")):
        detail |= {"Qty": quantity, "UnitPrice": json_number(unit, "unit price")}
    else:
        title = f"{quantity} x {title}"
    if account.tax_code:
        detail["TaxCodeRef"] = {"value": account.tax_code}
    return {
        "Amount": json_number(amount, "amount"),
        "Description": title[:4000],
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }


def _number(given: SalesReceipt) -> str:
    """QuickBooks takes 21 characters; of a longer number its end, which tells orders apart."""
    return given.number[-MAX_NUMBER:]
