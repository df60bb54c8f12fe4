"""What the demo's day must come to, worked out by hand from the story and the shipped rules.

One point per EUR, 50 for signing up, 50 for an order of 100 EUR or more, 100 for a starter kit,
50 at 500 points, 25 after a year. Nothing here is computed by the code that it checks.
"""

from __future__ import annotations

from deployments.demo.cast import (
    AOIFE,
    CHLOE,
    EVA,
    HANNA,
    INES,
    JONAS,
    LINA,
    MAREK,
    NOAH,
    SOFIA,
    TOMASZ,
    Person,
)

BALANCES: dict[Person, int] = {
    LINA: 50 + 158 + 272 + 50,
    MAREK: 50,
    SOFIA: 50 + 3 * 250 + 50,
    JONAS: 50,
    CHLOE: 50 + 12,
    AOIFE: 50 + 51 + 25,
    INES: 64,
    TOMASZ: 50 + 156,
    HANNA: 50 + 73,
    EVA: 50 + 42,
    NOAH: 50,
}
"""The 11 members' points at the end of the day.

Lina: sign-up, order 1001 (58 and the kit), order 1011 (342 less 120 returned: 222 and 50),
and the milestone. Jonas cancelled, Marek and Noah gave everything back. Petra bought as a
guest, and never joined.
"""

TEXTS: dict[Person, int] = {LINA: 3, SOFIA: 4, AOIFE: 1}
"""Text messages: one per paid order, one per milestone, to those who agreed to texts.

Chloé withdrew before her order; Marek and Jonas never agreed; the outlet and the tills ask nobody.
"""

EMAILS: dict[Person, int] = {LINA: 1, MAREK: 1, SOFIA: 1, CHLOE: 1, AOIFE: 2}
"""E-mails: a welcome to those who agreed, and Aoife's anniversary."""

CONTACTS = {LINA, MAREK, SOFIA, JONAS, CHLOE, AOIFE, INES, TOMASZ, HANNA, EVA, NOAH}
"""Who is in the CRM at the end: everybody who signed up or bought."""

ORDERS_EARNING = 12
"""Paid orders that earned points: 1001 to 1005 and 1007 to 1011 of the web shop, two of the
outlet. Each is a row in the sheet and an event in the marketing tool."""

CHAT_POSTS = 6
"""Sofia's three orders of 200 EUR, Lina's studio, and two milestones."""

PARKED = 2
"""Petra's guest order and its cancellation wait for her to join."""
