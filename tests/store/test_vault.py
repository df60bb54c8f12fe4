"""Credentials at rest: sealed with one key, which is made once and is nobody else's to read."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from loyalty.store.vault import Vault, VaultError

NO_KEY = SecretStr("")


def test_what_is_sealed_can_be_opened_and_not_read(tmp_path: Path) -> None:
    vault = Vault.of(tmp_path, NO_KEY)
    sealed = vault.seal({"token": "very-secret", "port": 1})
    assert b"very-secret" not in sealed
    assert vault.open(sealed) == {"token": "very-secret", "port": 1}
    assert Vault.of(tmp_path, NO_KEY).open(sealed) == {"token": "very-secret", "port": 1}


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    Vault.of(tmp_path, NO_KEY)
    path = tmp_path / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secret.key"]


def test_another_key_opens_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    sealed = Vault.of(tmp_path, NO_KEY).seal({"token": "very-secret"})
    other = Vault(SecretStr(Fernet.generate_key().decode()))
    for broken in (sealed, sealed[:-1], b"", b"nonsense"):
        with pytest.raises(VaultError, match=r"restore secret.key or HUB_SECRET_KEY"):
            other.open(broken)


def test_a_given_key_is_used_and_none_is_kept(tmp_path: Path) -> None:
    key = SecretStr(Fernet.generate_key().decode())
    assert Vault(key).open(Vault.of(tmp_path, key).seal({"a": 1})) == {"a": 1}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["short", "é" * 44, "x" * 44 + "\n\n"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(VaultError, match="HUB_SECRET_KEY is not a Fernet key") as caught:
        Vault(SecretStr(key))
    assert key not in str(caught.value)


_RACE = """
import sys, time
from pathlib import Path
from pydantic import SecretStr
from loyalty.store.vault import Vault
home, start = Path(sys.argv[1]), float(sys.argv[2])
while time.time() < start: pass
homes = sorted(home.iterdir())
print(" ".join(Vault.of(one, SecretStr("")).seal({"a": 1}).hex() for one in homes))
"""


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    """A file that is there and still empty must be taken for no key by nobody."""
    homes = [tmp_path / str(number) for number in range(40)]
    for home in homes:
        home.mkdir()
    start = str(time.time() + 1.5)
    command = [sys.executable, "-c", _RACE, str(tmp_path), start]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    for process in racing:
        sealed = process.communicate(timeout=30)[0].decode().split()
        assert len(sealed) == len(homes)
        for home, one in zip(sorted(homes), sealed, strict=True):
            assert Vault.of(home, NO_KEY).open(bytes.fromhex(one)) == {"a": 1}
