"""A bar in the Prefect UI that shows how far long work has come."""

from __future__ import annotations

import logging
import time
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import PrefectException

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
"""How often the bar is drawn anew at most: work does not wait for its picture."""


class ProgressBar:
    """One bar of a flow run. Where Prefect does not answer, the work goes on without it.

    Args:
        key: Names the artifact: lower case letters, digits and dashes.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._id: UUID | None = None
        self._drawn_at = float("-inf")

    async def show(self, percent: float, said: str) -> None:
        """Draws the bar so far, with a sentence beside it; the end is always drawn."""
        now = time.monotonic()
        if percent < 100 and now - self._drawn_at < PAUSE_SECONDS:
            return
        self._drawn_at = now
        try:
            if self._id is None:
                self._id = await acreate_progress_artifact(percent, self._key, said)
            else:
                await aupdate_progress_artifact(self._id, percent, said)
        except (PrefectException, httpx.HTTPError):
            logger.warning("Prefect did not take the progress of %s", self._key, exc_info=True)
