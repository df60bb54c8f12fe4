"""The parts of Lightspeed's customers and sales that are used.

https://x-series-api.lightspeedhq.com/reference/listsales and listcustomers; times are UTC.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from connectors.kit.payload import (
    Contact,
    Country,
    Id,
    Items,
    Money,
    OptionalId,
    Text,
    UtcInstant,
    VendorModel,
)


def _day(value: Any) -> Any:
    """A birthday; what is no date is left out, since nobody's sale depends on it."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


class CustomerPayload(VendorModel):
    id: Id
    email: Contact = None
    mobile: Contact = None
    phone: Contact = None
    first_name: Text = ""
    last_name: Text = ""
    date_of_birth: Annotated[date | None, BeforeValidator(_day)] = None
    physical_country_id: Country = ""
    do_not_email: bool | None = False
    enable_promotional_sms: bool | None = None
    created_at: UtcInstant | None = None
    updated_at: UtcInstant
    deleted_at: UtcInstant | None = None


class LinePayload(VendorModel):
    """A line; `price_total` is after its discount and without tax."""

    id: Id
    product_id: OptionalId = None
    quantity: Money = Decimal(1)
    price: Money = Decimal(0)
    price_total: Money = Decimal(0)
    tax_total: Money = Decimal(0)
    is_return: bool | None = False
    status: Text = ""
    note: Text = ""

    @property
    def goes_back(self) -> bool:
        """Whether it takes something back."""
        return bool(self.is_return) or self.quantity < 0


class PaymentPayload(VendorModel):
    name: Text = ""
    amount: Money = Decimal(0)


class SalePayload(VendorModel):
    id: Id
    customer_id: OptionalId = None
    invoice_number: Text = ""
    status: Text = ""
    state: Text = ""
    source: Text = ""
    return_for: OptionalId = None
    total_price: Money
    total_tax: Money = Decimal(0)
    sale_date: UtcInstant
    updated_at: UtcInstant
    deleted_at: UtcInstant | None = None
    line_items: Items[LinePayload] = ()
    payments: Items[PaymentPayload] = ()

    @property
    def is_paid(self) -> bool:
        """Whether it is closed: parked, on account and lay-by sales are still owed."""
        if self.state:
            return self.state.lower() == "closed"
        return self.status == "CLOSED" or self.status.endswith("_CLOSED")

    @property
    def is_void(self) -> bool:
        """Whether it was called off."""
        told = {self.status.lower(), self.state.lower()}
        return self.deleted_at is not None or bool(told & {"voided", "void"})
