"""Attacks on accounts that worked on other projects, played again: more rights, another's account, names and passwords."""

from threading import get_ident
from typing import Any

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import accounts
from app.auth.passwords import verify_password
from app.database import engine
from app.models import Role, User
from tests.client import Client
from tests.factories import PASSWORD, UserFactory
from tests.meeting import Meeting, at_once, statuses
from tests.postbox import Postbox, text_of, token_in

NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}


def rows(db: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(select(*User.__table__.c).order_by(User.id)).mappings()]


def log_in(client: Client, email: str, password: str) -> int:
    return client.post("/auth/login", json={"email": email, "password": password}).status_code


class TestMoreRights:
    @pytest.mark.parametrize("wish", [{"role": "admin"}, {"is_admin": True}, {"is_superuser": True, "scopes": "admin"}])
    def test_registering_with_a_role_makes_nobody_an_admin(
        self, anon_client: Client, db: Session, wish: dict[str, object]
    ) -> None:
        response = anon_client.post("/auth/register", json=NEWCOMER | wish)
        assert (response.status_code, response.json()["role"]) == (201, "user")
        assert db.scalars(select(User.role)).all() == [Role.USER]
        credentials = {"email": NEWCOMER["email"], "password": NEWCOMER["password"]}
        pair = anon_client.post("/auth/login", json=credentials).json()
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        assert anon_client.get("/users", headers=headers).status_code == 403

    def test_a_user_does_not_promote_themselves_by_patching_their_account(
        self, client: Client, db: Session, user: User
    ) -> None:
        before = rows(db)
        assert client.patch("/users/me", json={"role": "admin"}).json()["role"] == "user"
        response = client.patch(f"/users/{user.id}", json={"name": "New", "role": "admin"})
        assert (response.status_code, response.json()) == (403, {"detail": "Only an admin may change role"})
        assert client.post("/users", json=NEWCOMER | {"role": "admin"}).status_code == 403
        assert rows(db) == before
        assert client.get("/users").status_code == 403

    def test_somebody_who_was_deactivated_does_not_come_back(self, client: Client, db: Session, user: User) -> None:
        user.is_active = False
        db.flush()
        before = rows(db)
        assert client.patch(f"/users/{user.id}", json={"is_active": True}).status_code == 401
        assert log_in(client, user.email, PASSWORD) == 401
        assert client.post("/auth/register", json=NEWCOMER | {"email": user.email}).status_code == 409
        assert rows(db) == before


class TestAnothersAccount:
    def test_it_is_neither_renamed_nor_deleted_by_its_id(self, client: Client, db: Session, other_user: User) -> None:
        before = rows(db)
        for body in ({"name": "Mine"}, {"email": "mine@example.com"}, {"is_active": False}, {}):
            assert client.patch(f"/users/{other_user.id}", json=body).status_code == 403
        assert client.delete(f"/users/{other_user.id}").status_code == 403
        assert rows(db) == before

    def test_it_is_not_taken_over_by_an_address_in_other_letters(
        self, anon_client: Client, client: Client, db: Session, other_user: User
    ) -> None:
        before = rows(db)
        for email in ("OTHER@example.com", "Other@Example.COM", " other@example.com "):
            assert anon_client.post("/auth/register", json=NEWCOMER | {"email": email}).status_code == 409
            assert client.patch("/users/me", json={"email": email}).status_code == 409
        assert rows(db) == before

    def test_the_list_of_users_is_not_open_to_anybody(
        self, anon_client: Client, client: Client, other_user: User
    ) -> None:
        assert [anon_client.get(path).status_code for path in ("/users", f"/users/{other_user.id}")] == [401, 401]
        assert client.get("/users").status_code == 403
        assert client.get(f"/users/{other_user.id}").json().keys() == {"id", "name", "created_at"}
        for path in ("/posts", f"/users/{other_user.id}/posts"):
            response = client.get(path)
            assert (response.status_code, other_user.email in response.text) == (200, False)


class TestPasswords:
    def test_one_is_not_set_by_patching_the_account_without_the_old_one(
        self, client: Client, db: Session, user: User
    ) -> None:
        before = rows(db)
        new = {"password": "Password2", "new_password": "Password2", "password_hash": "Password2"}
        for path in ("/users/me", f"/users/{user.id}"):
            assert client.patch(path, json=new).status_code == 200
        for body, status in ((new, 422), (new | {"current_password": ""}, 422), (new | {"current_password": "x"}, 403)):
            assert client.put("/users/me/password", json=body).status_code == status
        assert rows(db) == before
        assert [log_in(client, user.email, password) for password in (PASSWORD, "Password2")] == [200, 401]

    def test_no_mail_holds_one(self, anon_client: Client, postbox: Postbox) -> None:
        anon_client.post("/auth/register", json=NEWCOMER)
        pair = anon_client.post("/auth/login", json=NEWCOMER).json()
        change = {"current_password": "Password2", "new_password": "Password3"}
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        assert anon_client.put("/users/me/password", json=change, headers=headers).status_code == 204
        anon_client.post("/auth/password/forgot", json={"email": NEWCOMER["email"]})
        reset = {"token": token_in(postbox.mails[-1]), "password": "Password4"}
        assert anon_client.post("/auth/password/reset", json=reset).status_code == 204
        # Welcome, changed, reset, changed.
        assert len(postbox.mails) == 4
        sent = "".join(text_of(message, kind) for message in postbox.mails for kind in ("plain", "html"))
        assert not [password for password in ("Password2", "Password3", "Password4") if password in sent]

    def test_none_is_stored_or_shown_in_plain_text(self, anon_client: Client, db: Session) -> None:
        response = anon_client.post("/auth/register", json=NEWCOMER)
        stored = db.scalars(select(User.password_hash)).one()
        assert stored.startswith("$argon2id$")
        assert verify_password("Password2", stored) == (True, None)
        assert "Password2" not in response.text + str(rows(db))
        assert "hash" not in response.text


class TestGuessing:
    def test_an_unknown_address_takes_as_much_work_as_a_wrong_password(
        self, anon_client: Client, db: Session, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        UserFactory(email="gone@example.com", is_active=False)
        UserFactory(email="imported@example.com", password_hash="$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9")
        log_in(anon_client, "nobody@example.com", "Wrong-password")  # the first one makes what the others compare to
        here = get_ident()
        work: list[str] = []
        verify = Argon2Hasher.verify

        def note(self: Argon2Hasher, password: str | bytes, stored: str | bytes) -> bool:
            work.append("hash")
            return verify(self, password, stored)

        def note_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            # Requests are answered in another thread than the test's.
            if get_ident() != here and "SAVEPOINT" not in statement:
                work.append(statement.partition(" ")[0])

        monkeypatch.setattr(Argon2Hasher, "verify", note)
        event.listen(engine, "before_cursor_execute", note_statement)
        done = []
        for name in ("nobody", "user", "gone", "imported"):
            work.clear()
            assert log_in(anon_client, f"{name}@example.com", "Wrong-password") == 401
            done.append([*work])
        event.remove(engine, "before_cursor_execute", note_statement)
        assert done == [["SELECT", "hash"]] * 4

    def test_who_asks_for_a_reset_does_not_learn_whether_there_is_an_account(
        self, anon_client: Client, user: User, postbox: Postbox
    ) -> None:
        emails = ("user@example.com", "nobody@example.com")
        anon_client.headers["X-Request-ID"] = "the-same"
        known, unknown = (anon_client.post("/auth/password/forgot", json={"email": email}) for email in emails)
        assert (known.status_code, unknown.status_code, known.content) == (202, 202, unknown.content)
        assert known.headers == unknown.headers
        assert [message["To"] for message in postbox.mails] == ["user@example.com"]


def test_two_registrations_of_an_address_at_once_end_in_a_409_and_not_in_a_500(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both have looked whatever they look at, and neither has written yet.
    monkeypatch.setattr(accounts, "flush_email", Meeting(2).before(accounts.flush_email))
    responses = at_once(*[lambda: server.post("/auth/register", json=NEWCOMER)] * 2)
    assert statuses(responses) == [201, 409]
    with Session(engine) as db:
        assert db.scalars(select(User.email)).all() == ["new@example.com"]
