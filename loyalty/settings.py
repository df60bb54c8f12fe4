"""What one installation is told by its environment (`HUB_…`); everything else is in the store."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class HubSettings(BaseSettings):
    """The environment of the hub. Every value has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore")

    home: Path = Field(Path(".hub"), description="Where state lives: database, keys, logs.")
    database_url: str = Field("", description="PostgreSQL; empty for the embedded server.")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Fernet key that seals credentials; empty for one in HUB_HOME."
    )
    console_key: SecretStr = Field(
        SecretStr(""), description="Opens the console; empty for one in HUB_HOME (console.key)."
    )
    host: str = Field("127.0.0.1", description="Where the gateway listens.")
    port: int = Field(4300, description="The gateway's port.")
    prefect_port: int = Field(4200, description="The Prefect server's port.")
    sandbox_port: int = Field(4400, description="The vendor sandboxes' port (demo).")
    sandbox_smtp_port: int = Field(4425, description="The mail sandbox's SMTP port (demo).")
    public_url: str = Field("", description="The gateway's address as the vendors know it.")
    work_pool: str = Field("hub", description="The work pool that the warm worker serves.")
    workers: int = Field(1, ge=1, le=16, description="How many warm workers `hub up` starts.")
    standby: int = Field(2, ge=1, le=8, description="Standby runs kept ready per trigger.")
    standby_minutes: float = Field(20.0, gt=0, description="How long a standby run waits.")
    batch: int = Field(1000, ge=1, le=1000, description="Events in one flow run at most.")
    rules: Path | None = Field(
        None, description="A folder with the programme's own rules as YAML, kept in git."
    )
    dask: str = Field(
        "",
        description="Where simulations run: empty for the cores of this machine, `local` for a "
        "Dask cluster of their own, or the address of a Dask scheduler.",
    )
    chunk: int = Field(100, ge=1, le=1000, description="Events in one transaction at most.")

    @cached_property
    def root(self) -> Path:
        """HUB_HOME, made absolute and made."""
        path = self.home.expanduser().resolve()
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def base_url(self) -> str:
        """The gateway's public address; the local one unless HUB_PUBLIC_URL says otherwise."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def prefect_api_url(self) -> str:
        """The Prefect API that `hub up` serves."""
        return f"http://127.0.0.1:{self.prefect_port}/api"
