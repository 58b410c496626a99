"""What access tokens say, and what refresh tokens are made of."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.auth.tokens import (
    AccessClaims,
    hash_opaque_token,
    issue_access_token,
    new_opaque_token,
    read_access_token,
)
from app.errors import Unauthorized
from app.models import User
from app.models.columns import now
from app.settings import Settings

SETTINGS = Settings(secret_key="a secret of these tests, long enough", access_token_minutes=7)
SOMEBODY = User(id=42, token_version=3)


def decoded(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, SETTINGS.secret_key, algorithms=["HS256"])
    return claims


class TestAccessToken:
    def test_it_is_signed_with_hs256(self) -> None:
        token = issue_access_token(SOMEBODY, SETTINGS)
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
        assert decoded(token)

    def test_it_says_whose_it_is_and_nothing_private(self) -> None:
        claims = decoded(issue_access_token(SOMEBODY, SETTINGS))
        assert set(claims) == {"sub", "type", "iat", "exp", "jti", "ver"}
        assert (claims["sub"], claims["type"], claims["ver"]) == ("42", "access", 3)

    def test_it_is_good_for_as_long_as_the_settings_say(self) -> None:
        before = now().replace(microsecond=0)
        claims = jwt.decode(issue_access_token(SOMEBODY, SETTINGS), options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 7 * 60
        assert before <= datetime.fromtimestamp(claims["iat"], UTC) <= now()

    def test_no_two_are_alike(self) -> None:
        ids = {decoded(issue_access_token(SOMEBODY, SETTINGS))["jti"] for _ in range(3)}
        assert len(ids) == 3

    def test_what_was_issued_is_read(self) -> None:
        assert read_access_token(issue_access_token(SOMEBODY, SETTINGS), SETTINGS) == AccessClaims(42, 3)

    def test_another_secret_reads_nothing(self) -> None:
        token = issue_access_token(SOMEBODY, SETTINGS.model_copy(update={"secret_key": "another secret " * 3}))
        with pytest.raises(Unauthorized, match="Invalid or expired token"):
            read_access_token(token, SETTINGS)

    def test_its_end_is_its_end(self) -> None:
        claims = decoded(issue_access_token(SOMEBODY, SETTINGS))
        for left, good in ((timedelta(seconds=30), True), (timedelta(0), False), (timedelta(seconds=-1), False)):
            token = jwt.encode(claims | {"exp": now() + left}, SETTINGS.secret_key, algorithm="HS256")
            if good:
                assert read_access_token(token, SETTINGS).user_id == 42
            else:
                with pytest.raises(Unauthorized):
                    read_access_token(token, SETTINGS)

    def test_why_it_was_refused_stays_inside(self) -> None:
        with pytest.raises(Unauthorized) as refused:
            read_access_token("secret-looking text", SETTINGS)
        assert str(refused.value) == "Invalid or expired token"
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__


class TestRefreshToken:
    def test_it_is_43_characters_that_need_no_escaping(self) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", new_opaque_token())

    def test_no_two_are_alike(self) -> None:
        assert len({new_opaque_token() for _ in range(100)}) == 100

    def test_the_sha_256_of_its_text_is_stored(self) -> None:
        assert hash_opaque_token("text") == hashlib.sha256(b"text").hexdigest()
        assert len(hash_opaque_token("é")) == 64
