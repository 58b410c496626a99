"""What the cache must not show: who reads first makes no difference to what the next one may see."""

from itertools import permutations

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth.tokens import issue_access_token
from app.cache.cache_store import NOTHING, CacheStore
from app.models import Post, PostStatus, Role, User
from app.models.columns import now
from app.settings import Settings
from tests.caching import stored
from tests.client import Client
from tests.factories import PostFactory

PUBLIC = {"id", "name", "created_at"}
FULL = PUBLIC | {"email", "role", "is_active", "email_verified_at", "updated_at"}
FORGED = {"Authorization": "Bearer forged"}


@pytest.fixture
def stranger(running: TestClient, db: Session, other_user: User, settings: Settings) -> Client:
    return Client(running, db, issue_access_token(other_user, settings))


@pytest.fixture
def draft(user: User) -> Post:
    return PostFactory(author=user, title="Secret title", body="Secret body", status=PostStatus.DRAFT)


class TestDrafts:
    def test_they_are_never_in_redis(
        self, client: Client, admin_client: Client, draft: Post, store: CacheStore
    ) -> None:
        for reader in (client, admin_client, client, admin_client):
            response = reader.get(f"/posts/{draft.id}")
            assert (response.headers["X-Cache"], response.json()["body"]) == ("MISS", "Secret body")
        assert stored(store) == {f"posts:{draft.id}": NOTHING}

    def test_they_stay_hidden_whoever_read_them(
        self, anon_client: Client, client: Client, admin_client: Client, stranger: Client, draft: Post
    ) -> None:
        for reader in (client, admin_client):
            assert reader.get(f"/posts/{draft.id}").status_code == 200
            assert [other.get(f"/posts/{draft.id}").status_code for other in (anon_client, stranger)] == [404, 404]

    def test_nobody_learns_that_there_is_one(self, stranger: Client, client: Client, draft: Post) -> None:
        client.get(f"/posts/{draft.id}")
        deleted = PostFactory(deleted_at=now())
        answers = [stranger.get(f"/posts/{post_id}") for post_id in (draft.id, deleted.id, 2**40) for _ in range(2)]
        assert {response.status_code for response in answers} == {404}
        assert len({response.content for response in answers}) == 1
        for response in answers:
            del response.headers["X-Request-ID"]
        assert len({tuple(response.headers.items()) for response in answers}) == 1

    def test_a_deleted_post_is_not_in_redis(
        self, anon_client: Client, client: Client, user: User, store: CacheStore
    ) -> None:
        post = PostFactory(author=user)
        for reader in (anon_client, client):
            reader.get(f"/posts/{post.id}")
        client.delete(f"/posts/{post.id}")
        assert anon_client.get(f"/posts/{post.id}").status_code == 404
        assert stored(store) == {f"posts:{post.id}": NOTHING}


class TestUserFields:
    @pytest.mark.parametrize("order", list(permutations(["admin", "self", "stranger"])), ids="-".join)
    def test_each_reader_sees_their_part(
        self, client: Client, admin_client: Client, stranger: Client, user: User, order: tuple[str, ...]
    ) -> None:
        clients = {"admin": admin_client, "self": client, "stranger": stranger}
        answers = {name: clients[name].get(f"/users/{user.id}") for name in order}
        assert [answers[name].headers["X-Cache"] for name in order] == ["MISS", "HIT", "HIT"]
        fields = {name: set(answer.json()) for name, answer in answers.items()}
        assert fields == {"admin": FULL, "self": FULL, "stranger": PUBLIC}

    def test_who_is_no_admin_any_more_sees_no_more_than_others(
        self, admin_client: Client, user: User, admin: User
    ) -> None:
        assert set(admin_client.get(f"/users/{user.id}").json()) == FULL
        admin.role = Role.USER
        response = admin_client.get(f"/users/{user.id}")
        assert (response.headers["X-Cache"], set(response.json())) == ("HIT", PUBLIC)

    def test_the_password_is_never_in_redis(
        self, client: Client, admin_client: Client, user: User, store: CacheStore
    ) -> None:
        for reader in (client, admin_client):
            reader.get(f"/users/{user.id}")
        (value,) = stored(store).values()
        assert user.email.encode() in value
        assert b"argon2" not in value
        assert b"password" not in value


class TestCallers:
    """Who calls is never asked of the cache."""

    @pytest.fixture
    def paths(self, client: Client, other_user: User) -> list[str]:
        """What is in the cache, and shown out of it."""
        paths = [f"/users/{other_user.id}", f"/posts/{PostFactory().id}"]
        for path in paths:
            assert [client.get(path).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
        return paths

    def test_a_forged_token_is_refused(self, anon_client: Client, paths: list[str]) -> None:
        assert [anon_client.get(path, headers=FORGED).status_code for path in paths] == [401, 401]

    def test_who_has_none_reads_no_user(self, anon_client: Client, paths: list[str]) -> None:
        assert [anon_client.get(path).status_code for path in paths] == [401, 200]

    def test_a_deactivated_caller_is_refused(self, client: Client, user: User, paths: list[str]) -> None:
        user.is_active = False
        assert [client.get(path).status_code for path in [*paths, f"/users/{user.id}"]] == [401] * 3

    def test_who_has_ended_their_sessions_is_refused(self, client: Client, user: User, paths: list[str]) -> None:
        user.token_version += 1
        assert [client.get(path).status_code for path in [*paths, f"/users/{user.id}"]] == [401] * 3

    def test_a_deleted_caller_is_refused(self, client: Client, user: User, paths: list[str]) -> None:
        assert client.get(f"/users/{user.id}").status_code == 200
        assert client.delete("/users/me").status_code == 204
        assert [client.get(path).status_code for path in [*paths, f"/users/{user.id}"]] == [401] * 3
