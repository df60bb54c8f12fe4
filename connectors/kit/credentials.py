"""A vendor's account as a Prefect block, so that operations enter it in the Prefect UI.

Prefect saves a block edited in its UI without running the validators; `account()` validates
again, and so does whoever loads the stored document.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

from prefect.blocks.core import Block
from prefect.plugins import load_prefect_collections

from connectors.kit.account import Account
from connectors.kit.errors import ConnectorError
from connectors.kit.oauth import TokenStore
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

        Where the vendor's token can be renewed once only, the check goes through the hub's own
        store of tokens, as every call does: a renewal beside it would take the connection's
        refresh token away from the hub.

        Raises:
            NotChecked: It could not be asked without doing harm; the text says what to do.
            AuthError: The vendor refuses the credentials.
            ConnectorError: Anything else that went wrong, in words.
        """
        known = manifest(self._connector)
        account = self.account()
        if known.connect_with is None:
            return await _checked(known.open(account))
        async with _hub_tokens(self._connector, self._block_document_name) as tokens:
            return await _checked(known.open(account, tokens=tokens))


async def _checked(client: Any) -> str:
    try:
        return str(await client.check())
    finally:
        await client.aclose()


class NotChecked(ConnectorError):
    """Asking would have used something up that the hub needs."""


OpenTokens = Callable[[str], AbstractAsyncContextManager[TokenStore]]
"""The hub's store of a connection's token; OSError or ValueError where it is out of reach."""

_open_tokens: OpenTokens | None = None


def use_tokens(opened: OpenTokens) -> None:
    """The hub makes its store of tokens known (`deployments.collection` does)."""
    global _open_tokens
    _open_tokens = opened


@asynccontextmanager
async def _hub_tokens(connector: str, name: str | None) -> AsyncIterator[TokenStore]:
    if not name:
        raise NotChecked(
            "not checked: save the block first. This vendor's refresh token is good once, so that "
            "it is only used through the hub, under the block's name"
        )
    if _open_tokens is None:
        load_prefect_collections()  # It imports the hub's entry point, which calls `use_tokens`.
    if _open_tokens is None:
        raise NotChecked("not checked: the hub is not installed here; check it where the hub runs")
    async with AsyncExitStack() as stack:
        try:
            tokens = await stack.enter_async_context(_open_tokens(f"{connector}/{name}"))
        except (OSError, ValueError) as error:
            raise NotChecked(
                f"not checked: the hub's database cannot be reached from here ({error}), and a "
                "check beside it would use up the refresh token; set HUB_HOME or HUB_DATABASE_URL, "
                "or say `hub doctor` where the hub runs"
            ) from None
        yield tokens
