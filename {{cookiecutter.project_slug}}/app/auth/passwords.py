"""Password hashing with Argon2id."""

import re
from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP's first choice. Stronger parameters only move the cost to whoever runs the server: the library's defaults take
# eight times as long and 64 MiB a login.
_hasher = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
# Complete, as Argon2 itself reads it: of anything else it would find out without doing the work.
_BASE64 = "(?:[A-Za-z0-9+/]{4}){2,}(?:[A-Za-z0-9+/][AQgw]|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048])?"
_COMPLETE = re.compile(rf"\$argon2(?:id|i|d)\$(?:v=[0-9]+\$)?m=[0-9]+,t=[0-9]+,p=[0-9]+\${_BASE64}\${_BASE64}")


def hash_password(password: str) -> str:
    """Return an Argon2id hash with a salt of its own; takes some 20 ms and 19 MiB."""
    return _hasher.hash(password)


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether the password is right and, where the hash is of older parameters, a new hash to store.

    Without a hash (nobody has that e-mail), or with a text that is none of Argon2 (a user who was imported, a damaged
    row), it is wrong and the work is the same, so that the time taken tells nothing.
    """
    if password_hash is None or _COMPLETE.fullmatch(password_hash) is None:
        _hasher.verify(password, _decoy_hash())
        return False, None
    return _hasher.verify_and_update(password, password_hash)


@lru_cache
def _decoy_hash() -> str:
    return hash_password("the password of nobody")
