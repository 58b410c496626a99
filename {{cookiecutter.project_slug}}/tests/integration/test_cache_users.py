"""`GET /users/{id}` out of the cache: whatever writes to an account, the next read shows it as it is."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.auth import one_time_tokens
from app.cache.cache_store import CacheStore
from app.models import Purpose, User
from app.models.columns import now
from app.settings import get_settings
from tests.caching import read, stored, warm_up
from tests.client import Client
from tests.factories import PASSWORD, PostFactory

Write = Callable[[Client, Client, User], Response]


def uncached(admin_client: Client, user: User) -> Any:
    response = admin_client.get("/users")
    assert "X-Cache" not in response.headers
    (found,) = [item for item in response.json()["items"] if item["id"] == user.id]
    return found


def me(**changes: object) -> Write:
    return lambda client, _admin, _user: client.patch("/users/me", json=changes)


def own(**changes: object) -> Write:
    return lambda client, _admin, user: client.patch(f"/users/{user.id}", json=changes)


def by_admin(**changes: object) -> Write:
    return lambda _client, admin, user: admin.patch(f"/users/{user.id}", json=changes)


def change_password(client: Client, _admin: Client, _user: User) -> Response:
    return client.put("/users/me/password", json={"current_password": PASSWORD, "new_password": "Password2"})


def mailed(path: str, purpose: Purpose) -> Write:
    def use(client: Client, _admin: Client, user: User) -> Response:
        token = one_time_tokens.issue(client.db, user, purpose, get_settings())
        return client.post(path, json={"token": token, "password": "Password2"})

    return use


WRITES: dict[str, Write] = {
    "one's name": me(name="New"),
    "one's address": me(email="new@example.com"),
    "one's name by id": own(name="New"),
    "one's address by id": own(email="new@example.com"),
    "a name": by_admin(name="New"),
    "an address": by_admin(email="new@example.com"),
    "a role": by_admin(role="admin"),
    "a deactivation": by_admin(is_active=False),
    "a password": change_password,
    "a verification": mailed("/auth/email/verify", Purpose.EMAIL_VERIFICATION),
    "a reset": mailed("/auth/password/reset", Purpose.PASSWORD_RESET),
}


class TestSecondRead:
    def test_it_is_the_same_byte_for_byte(self, admin_client: Client, client: Client, user: User) -> None:
        user.email_verified_at = now()
        for reader in (admin_client, client):
            first, second = (reader.get(f"/users/{user.id}") for _ in range(2))
            assert second.headers["X-Cache"] == "HIT"
            assert (first.status_code, first.content) == (second.status_code, second.content)
            assert second.json() == uncached(admin_client, user)

    def test_each_user_is_by_themselves(self, client: Client, user: User, other_user: User) -> None:
        warm_up(client, user, other_user)
        assert [read(client, one)[1]["id"] for one in (user, other_user)] == [user.id, other_user.id]

    def test_a_post_of_the_same_id_is_something_else(self, client: Client, user: User) -> None:
        post = PostFactory(id=user.id)
        warm_up(client, user)
        assert client.get(f"/posts/{post.id}").headers["X-Cache"] == "MISS"
        assert read(client, user)[0] == "HIT"


class TestAfterAWrite:
    def test_logging_out_everywhere_changes_nothing_that_is_shown(
        self, client: Client, admin_client: Client, user: User
    ) -> None:
        warm_up(admin_client, user)
        assert client.delete("/auth/sessions").status_code == 204
        where, shown = read(admin_client, user)
        assert (where, shown) == ("HIT", uncached(admin_client, user))

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
    def test_the_next_read_shows_it(
        self, client: Client, admin_client: Client, user: User, other_user: User, write: Write
    ) -> None:
        warm_up(admin_client, user, other_user)
        before = read(admin_client, user)[1]
        assert write(client, admin_client, user).is_success
        after = uncached(admin_client, user)
        assert before != after
        assert [read(admin_client, user) for _ in range(2)] == [("MISS", after), ("HIT", after)]
        assert read(admin_client, other_user)[0] == "HIT"

    def test_one_that_was_refused_is_not_shown(
        self, client: Client, admin_client: Client, user: User, other_user: User
    ) -> None:
        warm_up(admin_client, user)
        before = uncached(admin_client, user)
        assert client.patch("/users/me", json={"name": "New", "email": other_user.email}).status_code == 409
        assert client.patch("/users/me", json={"name": ""}).status_code == 422
        assert client.patch(f"/users/{user.id}", json={"name": "New", "role": "admin"}).status_code == 403
        assert [read(admin_client, user)[1] for _ in range(2)] == [before] * 2

    def test_a_login_that_renews_the_hash_makes_no_answer_wrong(
        self, client: Client, admin_client: Client, user: User
    ) -> None:
        user.password_hash = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),)).hash(PASSWORD)
        old_hash = user.password_hash
        warm_up(admin_client, user)
        assert client.post("/auth/login", json={"email": user.email, "password": PASSWORD}).status_code == 200
        assert user.password_hash != old_hash
        assert [read(admin_client, user)[1] for _ in range(2)] == [uncached(admin_client, user)] * 2


class TestAfterADeletion:
    @pytest.mark.parametrize("deletes", ["me", "id", "admin"])
    def test_the_user_and_their_posts_are_gone(
        self, client: Client, admin_client: Client, anon_client: Client, user: User, deletes: str
    ) -> None:
        theirs, bystander = PostFactory.create_batch(3, author=user), PostFactory()
        warm_up(admin_client, user)
        for post in (*theirs, bystander):
            assert anon_client.get(f"/posts/{post.id}").status_code == 200
        path = "/users/me" if deletes == "me" else f"/users/{user.id}"
        assert (admin_client if deletes == "admin" else client).delete(path).status_code == 204
        assert admin_client.get(f"/users/{user.id}").status_code == 404
        assert [anon_client.get(f"/posts/{post.id}").status_code for post in theirs] == [404] * 3
        assert anon_client.get(f"/posts/{bystander.id}").headers["X-Cache"] == "HIT"

    def test_nothing_of_them_stays_in_redis(self, client: Client, user: User, store: CacheStore) -> None:
        PostFactory(author=user)
        for path in (f"/users/{user.id}", f"/posts/{user.posts[0].id}"):
            assert client.get(path).status_code == 200
        assert len(stored(store)) == 2
        assert client.delete("/users/me").status_code == 204
        assert stored(store) == {}
