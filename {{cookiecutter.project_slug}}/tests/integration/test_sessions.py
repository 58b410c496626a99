"""`GET /auth/sessions`: what the caller has going."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.tokens import hash_opaque_token, issue_access_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.rows import age_spent_tokens

CREDENTIALS = {"email": "user@example.com", "password": PASSWORD}


def row(db: Session, text: str) -> RefreshToken:
    return db.scalars(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(text))).one()


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"/auth/sessions{query}").json()["items"]
    return items


def ids(client: Client, query: str = "") -> list[str]:
    return [item["id"] for item in listed(client, query)]


def stamp(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"


class TestList:
    def test_a_session_says_when_and_with_what_it_began(
        self, client: Client, anon_client: Client, db: Session, user: User
    ) -> None:
        headers = {"User-Agent": "Browser/1.0 (a machine)"}
        text = anon_client.post("/auth/login", json=CREDENTIALS, headers=headers).json()["refresh_token"]
        token = row(db, text)
        response = client.get("/auth/sessions")
        assert response.status_code == 200
        session = {
            "id": token.family,
            "user_agent": "Browser/1.0 (a machine)",
            "started_at": stamp(token.started_at),
            "last_used_at": stamp(token.created_at),
            "expires_at": stamp(token.expires_at),
        }
        assert response.json() == {"items": [session], "total": 1, "limit": 20, "offset": 0}
        assert not {text, token.token_hash} & set(session.values())

    def test_a_session_stays_itself_when_it_is_renewed(
        self, client: Client, anon_client: Client, db: Session, user: User
    ) -> None:
        headers = {"User-Agent": "Browser/1.0"}
        text = anon_client.post("/auth/login", json=CREDENTIALS, headers=headers).json()["refresh_token"]
        row(db, text).created_at -= timedelta(hours=1)
        row(db, text).started_at -= timedelta(hours=1)
        row(db, text).expires_at -= timedelta(hours=1)
        (first,) = listed(client)
        before = now()
        for _ in range(2):
            text = anon_client.post(
                "/auth/refresh", json={"refresh_token": text}, headers={"User-Agent": "Another/2.0"}
            ).json()["refresh_token"]
        (renewed,) = listed(client)
        same = ("id", "user_agent", "started_at")
        assert [renewed[name] for name in same] == [first[name] for name in same]
        assert stamp(before) <= renewed["last_used_at"] <= stamp(now())
        assert renewed["expires_at"] > first["expires_at"]

    def test_the_last_used_is_the_first(self, client: Client, db: Session, user: User, settings: Settings) -> None:
        texts = [sessions.add_token(db, user, family, settings) for family in "abc"]
        assert ids(client) == ["c", "b", "a"]
        assert client.post("/auth/refresh", json={"refresh_token": texts[0]}).status_code == 200
        assert ids(client) == ["a", "c", "b"]

    def test_what_has_ended_is_not_shown(self, client: Client, db: Session, user: User, settings: Settings) -> None:
        changes: dict[str, dict[str, Any]] = {
            "good": {},
            "spent": {"spent_at": now()},
            "revoked": {"revoked_at": now()},
            "expired": {"expires_at": now() - timedelta(seconds=1)},
            "earlier": {"version": user.token_version - 1},
        }
        for family, values in changes.items():
            token = row(db, sessions.add_token(db, user, family, settings))
            for name, value in values.items():
                setattr(token, name, value)
        response = client.get("/auth/sessions")
        assert ([item["id"] for item in response.json()["items"]], response.json()["total"]) == (["good"], 1)

    def test_a_session_whose_token_was_used_twice_is_not_shown(
        self, client: Client, db: Session, user: User, settings: Settings
    ) -> None:
        text = sessions.add_token(db, user, "family", settings)
        for status in (200, 401):
            assert client.post("/auth/refresh", json={"refresh_token": text}).status_code == status
            age_spent_tokens(db)
        assert ids(client) == []

    def test_those_of_others_are_not_shown(
        self, client: Client, admin_client: Client, db: Session, user: User, other_user: User, settings: Settings
    ) -> None:
        sessions.add_token(db, user, "mine", settings)
        sessions.add_token(db, other_user, "theirs", settings)
        assert ids(client) == ["mine"]
        assert ids(admin_client) == []

    def test_it_comes_in_pages(self, client: Client, db: Session, user: User, settings: Settings) -> None:
        for family in "abcde":
            sessions.add_token(db, user, family, settings)
        assert [ids(client, f"?limit=2&offset={offset}") for offset in (0, 2, 4, 6)] == [
            ["e", "d"],
            ["c", "b"],
            ["a"],
            [],
        ]
        assert client.get("/auth/sessions?limit=2&offset=2").json()["total"] == 5
        for query in ("limit=0", "limit=101", "offset=-1", "offset=10001"):
            assert client.get(f"/auth/sessions?{query}").status_code == 422

    def test_without_an_access_token_it_is_refused(self, anon_client: Client) -> None:
        response = anon_client.get("/auth/sessions")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})


class TestUserAgent:
    @pytest.mark.parametrize("form", [False, True])
    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            (b"Browser/1.0", "Browser/1.0"),
            (b"x" * 200, "x" * 200),
            (b"x" * 201, "x" * 200),
            (b"x" * 50_000, "x" * 200),
            (b"\x00" * 300 + b"x", "x"),
            (b"a\x00b\tc\x1b[2Jd\x7f", "abc[2Jd"),
            ("Zoë 🦊".encode(), "Zo\u00c3\u00ab \u00f0\u00a6"),
            (b"<b>' OR 1=1 --%s", "<b>' OR 1=1 --%s"),
            (b"", None),
            (b"\x00", None),
        ],
    )
    def test_what_can_be_shown_of_it_is_stored(
        self, client: Client, anon_client: Client, user: User, sent: bytes, stored: str | None, *, form: bool
    ) -> None:
        headers = {b"User-Agent": sent}
        response = (
            anon_client.post("/auth/token", data={"username": user.email, "password": PASSWORD}, headers=headers)
            if form
            else anon_client.post("/auth/login", json=CREDENTIALS, headers=headers)
        )
        assert response.status_code == 200
        assert [item["user_agent"] for item in listed(client)] == [stored]

    def test_who_sends_none_has_none(self, client: Client, anon_client: Client, user: User) -> None:
        del anon_client.headers["User-Agent"]
        assert anon_client.post("/auth/login", json=CREDENTIALS).status_code == 200
        assert [item["user_agent"] for item in listed(client)] == [None]

    def test_a_token_in_the_place_of_the_session_says_nothing(
        self, anon_client: Client, user: User, settings: Settings
    ) -> None:
        # An access token alone begins no session.
        headers = {"Authorization": f"Bearer {issue_access_token(user, settings)}"}
        assert anon_client.get("/auth/sessions", headers=headers).json()["items"] == []
