"""What the Google Sheets connector can do and what it must not exceed."""

from __future__ import annotations

from connectors.kit.manifest import Client, Limit, Manifest
from connectors.sheets.account import SCOPE, SheetsAccount
from connectors.sheets.actions import ACTIONS
from connectors.sheets.triggers import WEBHOOK


def _connect(account: SheetsAccount) -> Client:
    from connectors.sheets.client import SheetsClient

    return SheetsClient(account)


MANIFEST = Manifest(
    slug="sheets",
    name="Google Sheets",
    docs_url="https://developers.google.com/workspace/sheets/api",
    api_version="v4",
    owner="loyalty-hub",
    account=SheetsAccount,
    limit=Limit(
        burst=18,
        per_second=0.6,
        source="https://developers.google.com/workspace/sheets/api/limits (60 writes a minute "
        "per user: 18 at once and 0.6 a second are 54 in any minute; a batch counts as one)",
        scope="account",
        concurrency=4,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="service account",
    scopes=(SCOPE,),
    data_classes=("email", "phone", "name"),
    exempt={
        "contract": "Google publishes a discovery document, which the suite does not read; the "
        "calls of every action are validated against it in tests/connectors/sheets.",
    },
    known_limits=(
        "Google has no key for an append: after a lost answer the 'hub key' column of the last "
        "10,000 rows is searched. A row that Google writes only after that search is doubled.",
        "A row is found by the first cell of its key column with that text. Who sorts or moves "
        "rows in the very second of an update may have another row changed.",
        "Where two processes add the same new key at the same moment, there are two rows; from "
        "then on the first is kept up to date.",
        "Columns that a row names and the worksheet lacks are added behind the last heading.",
        "Rows begin in column A, and headings in row 1. Who moves or renames the 'hub key' column "
        "should pause the connection for a minute: the hub looks at the headings once a minute.",
        "Text that begins like a formula is kept with an apostrophe in front of it.",
        "Numbers with more than 15 digits are kept as text.",
    ),
)
