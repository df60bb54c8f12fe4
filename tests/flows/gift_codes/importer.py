"""Works off one upload and ends: a process for a test to kill."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from uuid import UUID

from flows import gift_code_import
from flows.gift_code_import import import_upload
from loyalty.programme import Programme
from loyalty.store.database import Database


async def main(url: str, upload_id: UUID) -> None:
    """Imports the upload."""
    database = Database(url)
    await import_upload(database, upload_id, Programme(), clock=lambda: datetime.now(UTC))
    await database.aclose()


if __name__ == "__main__":
    gift_code_import.BLOCK = 100
    asyncio.run(main(sys.argv[1], UUID(sys.argv[2])))
