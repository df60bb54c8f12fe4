"""What the hub does at QuickBooks: it books sales receipts and asks for customers."""

from __future__ import annotations

from connectors.kit.action import Action, ActionClass, Capability, Idempotency
from connectors.kit.capabilities import SalesReceipt, Whom
from connectors.quickbooks.receipts import (
    Booked,
    CustomerFound,
    find_customer,
    find_receipt,
    write_receipt,
)

WRITE_RECEIPT = Action(
    name="write_sales_receipt",
    title="Book a sale as a sales receipt.",
    input=SalesReceipt,
    output=Booked,
    idempotency=Idempotency.SEARCH_FIRST,
    run=write_receipt,
    find=find_receipt,
    capability=Capability.RECEIPT,
    sample="write_sales_receipt.response.json",
    scopes=("com.intuit.quickbooks.accounting",),
)

FIND_CUSTOMER = Action(
    name="find_customer",
    title="Look a customer up.",
    input=Whom,
    output=CustomerFound,
    idempotency=Idempotency.UPSERT,
    run=find_customer,
    action_class=ActionClass.READ,
    sample="find_customer.response.json",
    scopes=("com.intuit.quickbooks.accounting",),
)

ACTIONS: tuple[Action, ...] = (WRITE_RECEIPT, FIND_CUSTOMER)
