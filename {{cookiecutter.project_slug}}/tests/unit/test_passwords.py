"""Hashing of passwords, at the cost that it has in production."""

from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.auth import hash_password, passwords
from app.auth.passwords import verify_password
from tests.hashes import COMPLETE, NOT_OURS, OTHER_VARIANTS

# Argon2id in OWASP's first choice of parameters: 19 MiB, two passes, one lane.
CURRENT = "$argon2id$v=19$m=19456,t=2,p=1$"


# As the application makes it, before `conftest.py` puts a cheap one in its place.
HASHER = passwords._hasher  # noqa: SLF001 - nobody else has any use for it


@pytest.fixture(scope="module", autouse=True)
def full_cost() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.auth.passwords._hasher", HASHER)
        passwords._decoy_hash.cache_clear()  # noqa: SLF001 - as above
        yield
    passwords._decoy_hash.cache_clear()  # noqa: SLF001 - as above


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password("Password1")


@pytest.fixture(scope="module")
def old_hash() -> str:
    return PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),)).hash("Password1")


def test_a_hash_has_the_parameters_that_owasp_recommends(password_hash: str) -> None:
    assert password_hash.startswith(CURRENT)


def test_a_hash_fits_its_column_and_does_not_hold_the_password(password_hash: str) -> None:
    assert len(password_hash) <= 255
    assert "Password1" not in password_hash


def test_each_hash_has_a_salt_of_its_own(password_hash: str) -> None:
    assert hash_password("Password1") != password_hash


def test_the_right_password_is_right_and_its_hash_stays(password_hash: str) -> None:
    assert verify_password("Password1", password_hash) == (True, None)


def test_a_hash_that_was_stored_earlier_is_good() -> None:
    assert verify_password("Password1", COMPLETE) == (True, None)


@pytest.mark.parametrize("sizes", [(16, 22), (16, 16), (24, 16), (64, 8)])
def test_salt_and_digest_may_be_longer_or_shorter(sizes: tuple[int, int]) -> None:
    other = PasswordHash((Argon2Hasher(1, 8, 1, *sizes),)).hash("Password1")
    assert verify_password("Password1", other)[0]
    assert verify_password("Password2", other) == (False, None)


@pytest.mark.parametrize("imported", OTHER_VARIANTS)
def test_another_hash_of_argon2_is_good_and_replaced(imported: str) -> None:
    right, new_hash = verify_password("Password1", imported)
    assert right
    assert new_hash is not None
    assert new_hash.startswith(CURRENT)
    assert verify_password("Password2", imported) == (False, None)


@pytest.mark.parametrize("password", ["password1", "Password", "Password1 ", "Password1\0", "Passwörd1", ""])
def test_another_password_is_wrong(password_hash: str, password: str) -> None:
    assert verify_password(password, password_hash) == (False, None)


@pytest.mark.parametrize("password", ["é🦊\0\n", "x" * 72 + "y", "🦊" * 128])
def test_every_character_counts(password: str) -> None:
    password_hash = hash_password(password)
    assert verify_password(password, password_hash) == (True, None)
    assert verify_password(password[:-1], password_hash) == (False, None)


def test_a_hash_of_older_parameters_is_replaced_by_one_of_the_current(old_hash: str) -> None:
    right, new_hash = verify_password("Password1", old_hash)
    assert right
    assert new_hash is not None
    assert new_hash.startswith(CURRENT)
    assert verify_password("Password1", new_hash) == (True, None)


def test_a_wrong_password_replaces_nothing(old_hash: str) -> None:
    assert verify_password("Password2", old_hash) == (False, None)


@pytest.mark.parametrize("password", ["Password1", "the password of nobody", ""])
def test_no_password_is_right_where_there_is_no_hash(password: str) -> None:
    assert verify_password(password, None) == (False, None)


@pytest.mark.parametrize("stored", [None, *NOT_OURS.values()], ids=["nothing", *NOT_OURS])
def test_the_work_is_the_same_where_there_is_no_hash_of_argon2(
    monkeypatch: pytest.MonkeyPatch, stored: str | None
) -> None:
    assert verify_password("Password1", stored) == (False, None)
    compared: list[str] = []

    def note(_hasher: Argon2Hasher, _password: str, stored: str) -> bool:
        compared.append(stored)
        return True

    monkeypatch.setattr(Argon2Hasher, "verify", note)
    assert verify_password("Password1", stored) == (False, None)
    (instead,) = compared
    assert instead.startswith(CURRENT)
    assert instead != stored
