"""A vendor's account as a Prefect block, so that operations enter it in the Prefect UI.

Prefect saves a block edited in its UI without running the validators; `account()` validates
again, and so does whoever loads the stored document.
"""

from __future__ import annotations

from typing import Any, ClassVar

from prefect.blocks.core import Block

from connectors.kit.account import Account
from connectors.kit.registry import manifest


class CredentialsBlock(Block):
    """Base of the credentials blocks. Subclasses also inherit the vendor's Account.

    The block's name is the connection's name: `main` of the Twilio block is `twilio/main`.
    """

    _connector: ClassVar[str]

    def account(self) -> Account:
        """The validated account; pydantic's ValidationError names the field that is wrong."""
        model = manifest(self._connector).account
        return model.model_validate({name: getattr(self, name) for name in model.model_fields})

    async def check(self) -> str:
        """Makes one harmless call and says in a sentence whose account answered.

        Raises:
            AuthError: The vendor refuses the credentials.
            ConnectorError: Anything else that went wrong, in words.
        """
        client: Any = manifest(self._connector).open(self.account())
        try:
            return str(await client.check())
        finally:
            await client.aclose()
