"""Every way in which an access token is refused, where one is needed and where none is."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.tokens import LEEWAY_SECONDS, issue_access_token
from app.models import Post, PostStatus, Role, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PostFactory

Forge = Callable[[User, str], str | bytes]
INVALID = {"detail": "Invalid or expired token"}
OTHER_SECRET = "another secret that is long enough for every one of the algorithms, HS512 too"

# One route that needs a user, and one that shows a user more.
everywhere = pytest.mark.parametrize("path", ["/users/me", "/posts"])


def claims(user: User, **changes: Any) -> dict[str, Any]:
    """Return what a good token says, with changes; `None` takes a claim away."""
    good = {
        "sub": str(user.id),
        "type": "access",
        "iat": now(),
        "exp": now() + timedelta(minutes=1),
        "jti": "jti",
        "ver": user.token_version,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign(secret: str, payload: dict[str, Any], algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(payload, secret, algorithm=algorithm, headers=header)


def ago(seconds: int) -> datetime:
    return now() - timedelta(seconds=seconds)


def tampered(user: User, secret: str) -> str:
    header, _, signature = sign(secret, claims(user)).split(".")
    other = sign(secret, claims(user, exp=now() + timedelta(days=1))).split(".")[1]
    return f"{header}.{other}.{signature}"


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unsigned(user: User, algorithm: str) -> str:
    payload = claims(user, iat=1, exp=9_999_999_999)
    return f"{part(json.dumps({'alg': algorithm}).encode())}.{part(json.dumps(payload).encode())}."


def signed_by_hand(user: User, secret: str, **header: Any) -> str:
    """Return a token with the HMAC of HS256, whatever its header says."""
    payload = unsigned(user, "HS256").split(".")[1]
    signed = f"{part(json.dumps({'alg': 'HS256'} | header).encode())}.{payload}"
    return f"{signed}.{part(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


# A key to be found where the header says.
THEIRS = {"kty": "oct", "k": part(OTHER_SECRET.encode()), "alg": "HS256", "kid": "theirs"}


FORGED: dict[str, Forge] = {
    "signed with another secret": lambda user, _: sign(OTHER_SECRET, claims(user)),
    "not signed": lambda user, _: unsigned(user, "none"),
    "not signed, in capitals": lambda user, _: unsigned(user, "NONE"),
    "said to be signed": lambda user, _: unsigned(user, "HS256"),
    "of a longer algorithm": lambda user, secret: sign(secret, claims(user), "HS512"),
    "of a little longer algorithm": lambda user, secret: sign(secret, claims(user), "HS384"),
    "of a pair of keys": lambda user, secret: signed_by_hand(user, secret, alg="RS256"),
    "of another pair of keys": lambda user, secret: signed_by_hand(user, secret, alg="ES256"),
    "with a key in it": lambda user, _: sign(OTHER_SECRET, claims(user), jwk=THEIRS),
    "with the address of a key": lambda user, _: sign(OTHER_SECRET, claims(user), jku="http://127.0.0.1:1/"),
    "with the address of a certificate": lambda user, _: sign(OTHER_SECRET, claims(user), x5u="http://127.0.0.1:1/"),
    "with the name of a key": lambda user, _: sign(OTHER_SECRET, claims(user), kid="theirs"),
    "with the path of a key": lambda user, _: signed_by_hand(user, "", kid="../../../dev/null"),
    "with the name of a key that is no text": lambda user, secret: signed_by_hand(user, secret, kid=[1]),
    "with what must be understood": lambda user, secret: sign(secret, claims(user), crit=["new"], new=1),
    "with nothing that must be understood": lambda user, secret: sign(secret, claims(user), crit=[]),
    "of an unknown algorithm": lambda user, _: unsigned(user, "HS1"),
    "tampered": tampered,
    "cut short": lambda user, secret: sign(secret, claims(user))[:-1],
    "without its signature": lambda user, secret: sign(secret, claims(user)).rpartition(".")[0] + ".",
    "expired": lambda user, secret: sign(secret, claims(user, exp=ago(LEEWAY_SECONDS))),
    "issued in the future": lambda user, secret: sign(secret, claims(user, iat=ago(-60))),
    "not good yet": lambda user, secret: sign(secret, claims(user, nbf=ago(-60))),
    "of type refresh": lambda user, secret: sign(secret, claims(user, type="refresh")),
    "of an empty type": lambda user, secret: sign(secret, claims(user, type="")),
    "of a type that is no text": lambda user, secret: sign(secret, claims(user, type=["access"])),
    "with a subject that is no number": lambda user, secret: sign(secret, claims(user, sub="user@example.com")),
    "with a subject of too many digits": lambda user, secret: sign(secret, claims(user, sub="9" * 5000)),
    "with a subject that is no text": lambda user, secret: sign(secret, claims(user) | {"sub": user.id}),
    "of nobody": lambda user, secret: sign(secret, claims(user, sub=str(user.id + 1000))),
    "of user 0": lambda user, secret: sign(secret, claims(user, sub="0")),
    "of a version to come": lambda user, secret: sign(secret, claims(user, ver=user.token_version + 1)),
    "of a version gone": lambda user, secret: sign(secret, claims(user, ver=user.token_version - 1)),
    "with a version that is no number": lambda user, secret: sign(secret, claims(user, ver=[])),
    "with a version that is true": lambda user, secret: sign(secret, claims(user, ver=True)),
    "with a version that is false": lambda user, secret: sign(secret, claims(user, ver=False)),
    "with a version with a fraction": lambda user, secret: sign(secret, claims(user, ver=float(user.token_version))),
    "with a version that is a text": lambda user, secret: sign(secret, claims(user, ver=str(user.token_version))),
    "with a version without end": lambda user, secret: sign(secret, claims(user, ver=float("inf"))),
    "with a version that is none": lambda user, secret: sign(secret, claims(user, ver=float("nan"))),
    "with a version of 70 bits": lambda user, secret: sign(secret, claims(user, ver=2**70)),
    "with a version below zero": lambda user, secret: sign(secret, claims(user, ver=-(2**70))),
    "with an end that is no number": lambda user, secret: sign(secret, claims(user, exp="never")),
    "without an end that comes": lambda user, secret: sign(secret, claims(user, exp=float("inf"))),
    "issued at no time": lambda user, secret: sign(secret, claims(user, iat={})),
    "with an id that is no text": lambda user, secret: sign(secret, claims(user, jti=1)),
    "with an audience": lambda user, secret: sign(secret, claims(user, aud="others")),
    "empty": lambda *_: "",
    "two dots": lambda *_: "..",
    "a word": lambda *_: "token",
    "not base64": lambda *_: "a.b.c",
    "no object": lambda *_: f"{part(b'[]')}.{part(b'{}')}.{part(b'x')}",
    "nested too deep": lambda *_: f"{part(b'[' * 30_000)}.{part(b'{}')}.{part(b'x')}",
    "bytes that are no text": lambda *_: b"\xff\xfe.\x80.\xed\xa0\x80",
    "very long": lambda *_: "x" * 30_000,
}
FORGED |= {
    f"without {claim}": lambda user, secret, claim=claim: sign(secret, claims(user, **{claim: None}))  # type: ignore[misc]  # a default binds the loop's value
    for claim in ("sub", "type", "iat", "exp", "jti", "ver")
}


# What `int` takes for the user's number, and what no column holds.
FORGED |= {
    f"with a subject written {text!a}": lambda user, secret, text=text: sign(  # type: ignore[misc]  # as above
        secret, claims(user, sub=text.format(user.id))
    )
    for text in ("+{}", " {}", "{}\n", "0{}", "0_{}", "{}.0", "{}e0", "-{}", str(2**63), str(-(2**63) - 1), "9" * 30)
}
FORGED |= {
    f"with a subject in {script} digits": lambda user, secret, zero=zero: sign(  # type: ignore[misc]  # as above
        secret, claims(user, sub="".join(chr(zero + int(digit)) for digit in str(user.id)))
    )
    for script, zero in (("Arabic", 0x660), ("Bengali", 0x9E6), ("wide", 0xFF10))
}


def get(client: Client, path: str, token: str | bytes, scheme: bytes = b"Bearer") -> Response:
    content = token.encode() if isinstance(token, str) else token
    return client.get(path, headers=[(b"Authorization", scheme + b" " + content)])


def assert_invalid(response: Response) -> None:
    assert (response.status_code, response.json()) == (401, INVALID)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@everywhere
class TestRefusedToken:
    @pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
    def test_a_token_that_is(
        self, anon_client: Client, user: User, settings: Settings, path: str, forge: Forge
    ) -> None:
        assert_invalid(get(anon_client, path, forge(user, settings.secret_key.get_secret_value())))

    def test_a_refresh_token(self, anon_client: Client, db: Session, user: User, settings: Settings, path: str) -> None:
        assert_invalid(get(anon_client, path, sessions.add_token(db, user, "family", settings)))

    def test_of_a_user_who_is_gone(self, client: Client, db: Session, user: User, path: str) -> None:
        db.delete(user)
        assert_invalid(client.get(path))

    def test_of_a_user_who_is_deactivated(self, client: Client, user: User, path: str) -> None:
        user.is_active = False
        assert_invalid(client.get(path))

    @pytest.mark.parametrize("step", [1, -1])
    def test_of_a_user_whose_sessions_ended(self, client: Client, user: User, path: str, step: int) -> None:
        user.token_version += step
        assert_invalid(client.get(path))


class TestRefusedWrite:
    def test_nothing_is_written_with_an_expired_token(
        self, anon_client: Client, db: Session, user: User, settings: Settings
    ) -> None:
        token = sign(settings.secret_key.get_secret_value(), claims(user, exp=ago(LEEWAY_SECONDS)))
        body = {"title": "Title", "body": "Body", "slug": "slug"}
        response = anon_client.post("/posts", json=body, headers={"Authorization": f"Bearer {token}"})
        assert_invalid(response)
        assert db.scalars(select(Post)).all() == []


class TestNoToken:
    @pytest.mark.parametrize("value", [None, "", "Basic dXNlcjpQYXNzd29yZDE=", "Token {}", "{}", "Bearer{}"])
    def test_another_scheme_is_no_token(
        self, anon_client: Client, user: User, settings: Settings, value: str | None
    ) -> None:
        PostFactory(author=user, status=PostStatus.DRAFT)
        token = issue_access_token(user, settings)
        headers = {} if value is None else {"Authorization": value.format(token)}
        refused = anon_client.get("/users/me", headers=headers)
        assert (refused.status_code, refused.json()) == (401, {"detail": "Not authenticated"})
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        public = anon_client.get("/posts", headers=headers)
        assert (public.status_code, public.json()["total"]) == (200, 0)

    def test_a_token_in_the_query_or_a_cookie_is_no_token(
        self, anon_client: Client, user: User, settings: Settings
    ) -> None:
        token = issue_access_token(user, settings)
        assert anon_client.get("/users/me", params={"token": token, "access_token": token}).status_code == 401
        cookie = {"Cookie": f"access_token={token}; token={token}"}
        assert anon_client.get("/users/me", headers=cookie).status_code == 401


class TestGoodToken:
    @pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
    def test_it_names_its_user(
        self, anon_client: Client, user: User, other_user: User, settings: Settings, scheme: bytes
    ) -> None:
        for someone in (user, other_user):
            response = get(
                anon_client, "/users/me", sign(settings.secret_key.get_secret_value(), claims(someone)), scheme
            )
            assert (response.status_code, response.json()["id"]) == (200, someone.id)

    @pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
    def test_the_clock_of_who_issued_it_may_be_a_little_wrong(
        self, anon_client: Client, user: User, settings: Settings, name: str
    ) -> None:
        wrong = ago(LEEWAY_SECONDS - 5 if name == "exp" else 5 - LEEWAY_SECONDS)
        token = sign(settings.secret_key.get_secret_value(), claims(user, **{name: wrong}))
        assert get(anon_client, "/users/me", token).status_code == 200

    def test_one_that_is_signed_by_hand_is_as_good(self, anon_client: Client, user: User, settings: Settings) -> None:
        token = signed_by_hand(user, settings.secret_key.get_secret_value())
        assert get(anon_client, "/users/me", token).json()["id"] == user.id

    def test_a_header_that_names_another_key_is_not_obeyed(
        self, anon_client: Client, user: User, settings: Settings
    ) -> None:
        token = sign(
            settings.secret_key.get_secret_value(), claims(user), jwk=THEIRS, jku="http://127.0.0.1:1/", kid="theirs"
        )
        assert get(anon_client, "/users/me", token).json()["id"] == user.id

    def test_it_shows_on_a_public_route_what_is_its_users(self, client: Client, user: User, other_user: User) -> None:
        draft = PostFactory(author=user, status=PostStatus.DRAFT)
        PostFactory(author=other_user, status=PostStatus.DRAFT)
        assert [item["id"] for item in client.get("/posts").json()["items"]] == [draft.id]

    def test_it_is_good_again_when_its_user_is_activated_again(self, client: Client, user: User) -> None:
        user.is_active = False
        assert client.get("/users/me").status_code == 401
        user.is_active = True
        assert client.get("/users/me").status_code == 200

    def test_the_role_is_that_of_the_row(
        self, admin_client: Client, anon_client: Client, admin: User, user: User, settings: Settings
    ) -> None:
        boasting = sign(settings.secret_key.get_secret_value(), claims(user, role="admin", is_admin=True))
        assert get(anon_client, "/users", boasting).status_code == 403
        assert admin_client.get("/users").status_code == 200
        admin.role = Role.USER
        assert admin_client.get("/users").status_code == 403
