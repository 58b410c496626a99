"""What access tokens say, and what refresh tokens are made of."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import jwt
import pytest
from pydantic import SecretStr

from app.api.errors import Unauthorized
from app.auth.tokens import (
    LEEWAY_SECONDS,
    AccessClaims,
    hash_opaque_token,
    issue_access_token,
    new_opaque_token,
    read_access_token,
)
from app.models import User
from app.models.columns import now
from app.settings import Settings

SETTINGS = Settings(secret_key="a secret of these tests, long enough", access_token_minutes=7)
SOMEBODY = User(id=42, token_version=3)


def decoded(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SETTINGS.secret_key.get_secret_value(), algorithms=["HS256"])
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
        token = issue_access_token(
            SOMEBODY, SETTINGS.model_copy(update={"secret_key": SecretStr("another secret " * 3)})
        )
        with pytest.raises(Unauthorized, match="Invalid or expired token"):
            read_access_token(token, SETTINGS)

    @pytest.mark.parametrize("user_id", [1, 2**31, 2**63 - 1])
    def test_any_id_of_64_bits_is_read(self, user_id: int) -> None:
        token = issue_access_token(User(id=user_id, token_version=0), SETTINGS)
        assert read_access_token(token, SETTINGS) == AccessClaims(user_id, 0)

    def test_why_it_was_refused_stays_inside(self) -> None:
        with pytest.raises(Unauthorized) as refused:
            read_access_token("secret-looking text", SETTINGS)
        assert str(refused.value) == "Invalid or expired token"
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__


class TestClock:
    """The times of a token are whole seconds, to which a reader's clock that is a little wrong compares its own."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Return what sets the reader's clock to so many seconds after the token was issued."""

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return cls.fromtimestamp(shown[0].timestamp(), tz)

        start = Clock.fromtimestamp(1_800_000_000, UTC)
        shown = [start]
        monkeypatch.setattr("jwt.api_jwt.datetime", Clock)
        monkeypatch.setattr("app.auth.tokens.now", lambda: start)
        return lambda seconds: shown.__setitem__(0, start + timedelta(seconds=seconds))

    @staticmethod
    def is_good(token: str) -> bool:
        try:
            return read_access_token(token, SETTINGS) == AccessClaims(42, 3)
        except Unauthorized:
            return False

    @pytest.mark.parametrize(
        ("seconds", "good"),
        [
            (0, True),
            (420, True),
            (420 + LEEWAY_SECONDS - 0.001, True),
            (420 + LEEWAY_SECONDS, False),
            (3600, False),
            (-LEEWAY_SECONDS, True),
            (-LEEWAY_SECONDS - 0.001, False),
            (-3600, False),
        ],
    )
    def test_it_may_be_ten_seconds_off(self, clock: Callable[[float], None], seconds: float, *, good: bool) -> None:
        token = issue_access_token(SOMEBODY, SETTINGS)
        clock(seconds)
        assert LEEWAY_SECONDS == 10
        assert self.is_good(token) is good

    @pytest.mark.parametrize("seconds", [0, 60])
    def test_a_time_before_which_it_is_not_good_is_obeyed(self, clock: Callable[[float], None], seconds: int) -> None:
        clock(0)
        claims = decoded(issue_access_token(SOMEBODY, SETTINGS))
        token = jwt.encode(
            claims | {"nbf": claims["iat"] + seconds}, SETTINGS.secret_key.get_secret_value(), algorithm="HS256"
        )
        for time, good in ((-LEEWAY_SECONDS - 0.001, False), (-LEEWAY_SECONDS, True)):
            clock(seconds + time)
            assert self.is_good(token) is good


class TestKeys:
    OLD, OLDER = "the secret before it, long enough", "the secret before that, long enough"
    ROTATED = SETTINGS.model_copy(update={"secret_key_fallbacks": (SecretStr(OLD), SecretStr(OLDER))})

    @pytest.mark.parametrize("key", [OLD, OLDER])
    def test_a_token_of_an_earlier_key_is_read(self, key: str) -> None:
        token = issue_access_token(SOMEBODY, SETTINGS.model_copy(update={"secret_key": SecretStr(key)}))
        assert read_access_token(token, self.ROTATED) == AccessClaims(42, 3)

    def test_none_is_issued_with_one(self) -> None:
        token = issue_access_token(SOMEBODY, self.ROTATED)
        assert read_access_token(token, SETTINGS) == AccessClaims(42, 3)
        for key in (self.OLD, self.OLDER):
            with pytest.raises(jwt.InvalidSignatureError):
                jwt.decode(token, key, algorithms=["HS256"])

    def test_one_of_a_key_that_was_taken_out_is_refused(self) -> None:
        token = issue_access_token(SOMEBODY, SETTINGS.model_copy(update={"secret_key": SecretStr(self.OLDER)}))
        for fallbacks in ((), (SecretStr(self.OLD),)):
            settings = SETTINGS.model_copy(update={"secret_key_fallbacks": fallbacks})
            with pytest.raises(Unauthorized, match="Invalid or expired token"):
                read_access_token(token, settings)

    def test_one_of_an_earlier_key_ends_when_it_would_have(self) -> None:
        claims = decoded(issue_access_token(SOMEBODY, SETTINGS)) | {"exp": now() - timedelta(seconds=LEEWAY_SECONDS)}
        with pytest.raises(Unauthorized, match="Invalid or expired token"):
            read_access_token(jwt.encode(claims, self.OLD, algorithm="HS256"), self.ROTATED)


class TestRefreshToken:
    def test_it_is_43_characters_that_need_no_escaping(self) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", new_opaque_token())

    def test_no_two_are_alike(self) -> None:
        assert len({new_opaque_token() for _ in range(100)}) == 100

    def test_the_sha_256_of_its_text_is_stored(self) -> None:
        assert hash_opaque_token("text") == hashlib.sha256(b"text").hexdigest()
        assert len(hash_opaque_token("é")) == 64
