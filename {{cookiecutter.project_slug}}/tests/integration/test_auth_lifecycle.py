"""The steps of authentication one after the other, and what somebody who guesses learns from it."""

from collections.abc import Callable

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.errors import Unauthorized
from app.api.routing import HashingRoute
from app.auth import one_time_tokens, service
from app.auth.passwords import verify_password
from app.models import Purpose, RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.hashes import NOT_OURS
from tests.rows import age_spent_tokens

CREDENTIALS = {"email": "new@example.com", "password": "Password1"}


def bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


class TestLifecycle:
    def test_from_registration_to_logout(self, anon_client: Client, db: Session) -> None:
        registered = anon_client.post("/auth/register", json=CREDENTIALS | {"name": "New"}).json()
        first = anon_client.post("/auth/login", json=CREDENTIALS).json()
        assert anon_client.get("/users/me", headers=bearer(first)).json() == registered

        second = anon_client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
        assert anon_client.get("/users/me", headers=bearer(second)).json() == registered
        post = {"title": "Title", "body": "Body", "slug": "slug"}
        assert anon_client.post("/posts", json=post, headers=bearer(second)).json()["author_id"] == registered["id"]

        refresh_token = {"refresh_token": second["refresh_token"]}
        assert anon_client.post("/auth/logout", json=refresh_token).status_code == 204
        assert anon_client.post("/auth/refresh", json=refresh_token).status_code == 401
        assert db.scalars(select(RefreshToken).where(RefreshToken.revoked_at.is_(None))).all() == []

    def test_from_a_stolen_token_to_a_new_password(self, anon_client: Client, db: Session, user: User) -> None:
        credentials = {"email": user.email, "password": PASSWORD}
        mine, other = (anon_client.post("/auth/login", json=credentials).json() for _ in range(2))
        thiefs = anon_client.post("/auth/refresh", json={"refresh_token": mine["refresh_token"]}).json()
        age_spent_tokens(db)

        # The owner's next refresh gives the copy away: that session ends, the other one goes on.
        for pair, status in ((mine, 401), (thiefs, 401), (other, 200)):
            response = anon_client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
            assert response.status_code == status
        other = response.json()

        change = {"current_password": PASSWORD, "new_password": "Password2"}
        assert anon_client.put("/users/me/password", json=change, headers=bearer(other)).status_code == 204
        for pair in (mine, thiefs, other):
            assert anon_client.get("/users/me", headers=bearer(pair)).status_code == 401
            refused = anon_client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
            assert refused.status_code == 401
        pair = anon_client.post("/auth/login", json=credentials | {"password": "Password2"}).json()
        assert anon_client.get("/users/me", headers=bearer(pair)).status_code == 200

    def test_a_deleted_user_can_neither_log_in_nor_go_on(self, anon_client: Client, user: User) -> None:
        credentials = {"email": user.email, "password": PASSWORD}
        pair = anon_client.post("/auth/login", json=credentials).json()
        assert anon_client.delete("/users/me", headers=bearer(pair)).status_code == 204
        assert anon_client.get("/users/me", headers=bearer(pair)).status_code == 401
        assert anon_client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).status_code == 401
        assert anon_client.post("/auth/login", json=credentials).status_code == 401


class TestRehash:
    @pytest.fixture
    def old_hash(self, user: User) -> str:
        user.password_hash = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),)).hash(PASSWORD)
        return user.password_hash

    def test_a_login_replaces_a_hash_of_other_parameters(self, anon_client: Client, user: User, old_hash: str) -> None:
        credentials = {"email": user.email, "password": PASSWORD}
        assert anon_client.post("/auth/login", json=credentials).status_code == 200
        new_hash = user.password_hash
        assert new_hash != old_hash
        assert verify_password(PASSWORD, new_hash) == (True, None)
        assert anon_client.post("/auth/login", json=credentials).status_code == 200
        assert user.password_hash == new_hash

    @pytest.mark.parametrize(("password", "is_active"), [("Wrong-password", True), (PASSWORD, False)])
    def test_a_refused_login_leaves_it(
        self, anon_client: Client, user: User, old_hash: str, password: str, *, is_active: bool
    ) -> None:
        user.is_active = is_active
        response = anon_client.post("/auth/login", json={"email": user.email, "password": password})
        assert response.status_code == 401
        assert user.password_hash == old_hash


class TestGuessing:
    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Return the hashes that passwords are compared with, as they come."""
        # Lets the hash that stands in for a missing one be made, which happens once in a process.
        verify_password("x", None)
        compared: list[str] = []
        verify: Callable[..., bool] = Argon2Hasher.verify

        def noted(hasher: Argon2Hasher, password: str | bytes, stored: str | bytes) -> bool:
            compared.append(str(stored))
            return verify(hasher, password, stored)

        monkeypatch.setattr(Argon2Hasher, "verify", noted)
        return compared

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("user@example.com", "Wrong-password"),
            ("nobody@example.com", PASSWORD),
            ("other@example.com", PASSWORD),
            ("other@example.com", "Wrong-password"),
        ],
        ids=["wrong", "unknown", "deactivated", "deactivated and wrong"],
    )
    def test_every_refusal_costs_one_comparison_at_the_same_price(
        self, anon_client: Client, user: User, other_user: User, verified: list[str], email: str, password: str
    ) -> None:
        other_user.is_active = False
        for response in (
            anon_client.post("/auth/login", json={"email": email, "password": password}),
            anon_client.post("/auth/token", data={"username": email, "password": password}),
        ):
            assert response.status_code == 401
            assert response.json() == {"detail": "Wrong e-mail address or password"}
        price = user.password_hash.split("$")[:4]
        assert [stored.split("$")[:4] for stored in verified] == [price, price]

    @pytest.mark.parametrize("kind", ["empty", "bcrypt", "its parameters alone", "without the end of its digest"])
    def test_a_hash_that_is_not_ours_is_a_wrong_password_at_the_same_price(
        self, anon_client: Client, client: Client, user: User, other_user: User, verified: list[str], kind: str
    ) -> None:
        stored = user.password_hash = NOT_OURS[kind]
        for response in (
            anon_client.post("/auth/login", json={"email": user.email, "password": PASSWORD}),
            anon_client.post("/auth/token", data={"username": user.email, "password": PASSWORD}),
        ):
            assert response.status_code == 401
            assert response.json() == {"detail": "Wrong e-mail address or password"}
        change = {"current_password": PASSWORD, "new_password": "Password2"}
        response = client.put("/users/me/password", json=change)
        assert (response.status_code, response.json()) == (403, {"detail": "The current password is wrong"})
        price = other_user.password_hash.split("$")[:4]
        assert [compared.split("$")[:4] for compared in verified] == [price] * 3
        assert (user.password_hash, user.token_version) == (stored, 0)

    def test_a_good_login_costs_one_comparison(self, anon_client: Client, user: User, verified: list[str]) -> None:
        anon_client.post("/auth/login", json={"email": user.email, "password": PASSWORD})
        assert verified == [user.password_hash]

    def test_a_text_that_no_column_could_hold_costs_the_same(self, db: Session, verified: list[str]) -> None:
        with pytest.raises(Unauthorized):
            service.authenticate(db, "\0", PASSWORD)
        assert len(verified) == 1


class TestHashing:
    def test_every_route_that_hashes_waits_for_its_turn(
        self,
        client: Client,
        admin_client: Client,
        db: Session,
        other_user: User,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        turns: list[float] = []

        def work(*_: object, **_options: object) -> str:
            turns.append(HashingRoute.limiter.borrowed_tokens)
            return "not hashed"

        monkeypatch.setattr(Argon2Hasher, "hash", work)
        monkeypatch.setattr(Argon2Hasher, "verify", work)
        form = {"username": other_user.email, "password": PASSWORD}
        change = {"current_password": PASSWORD, "new_password": "Password2"}
        reset = one_time_tokens.issue(db, other_user, Purpose.PASSWORD_RESET, settings)
        for response in (
            client.post("/auth/register", json=CREDENTIALS | {"name": "New"}),
            client.post("/auth/login", json=CREDENTIALS | {"email": other_user.email}),
            client.post("/auth/token", data=form),
            client.put("/users/me/password", json=change),
            admin_client.post("/users", json={"email": "second@example.com", "password": PASSWORD, "name": "New"}),
            client.post("/auth/password/reset", json={"token": reset, "password": "Password2"}),
        ):
            assert response.is_success
        # One each, and a second for the password that is checked and then set.
        assert turns == [1] * 7
        assert HashingRoute.limiter.borrowed_tokens == 0
