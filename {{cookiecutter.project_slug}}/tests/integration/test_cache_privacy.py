"""What the cache must not show: who reads first makes no difference to what the next one may see."""

from itertools import permutations

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth.tokens import issue_access_token
from app.cache.cache_store import CacheStore
from app.models import PostStatus, Role, User
from app.settings import Settings
from tests.caching import stored, warm_up
from tests.client import Client
from tests.factories import PostFactory

PUBLIC = {"id", "name", "created_at"}
FULL = PUBLIC | {"email", "role", "is_active", "email_verified_at", "updated_at"}


@pytest.fixture
def stranger(running: TestClient, db: Session, other_user: User, settings: Settings) -> Client:
    return Client(running, db, issue_access_token(other_user, settings))


class TestDrafts:
    def test_they_are_never_in_redis_and_stay_hidden_whoever_read_them(
        self, anon_client: Client, client: Client, admin_client: Client, stranger: Client, user: User, store: CacheStore
    ) -> None:
        draft = PostFactory(author=user, status=PostStatus.DRAFT)
        for reader in (client, admin_client, client, admin_client):
            response = reader.get(f"/posts/{draft.id}")
            assert (response.status_code, response.headers["X-Cache"]) == (200, "MISS")
            hidden = [
                other.get(f"/posts/{post_id}") for other in (anon_client, stranger) for post_id in (draft.id, 2**40)
            ]
            assert {answer.status_code for answer in hidden} == {404}
            # Nobody learns that there is one.
            assert len({(answer.content, *answer.headers.keys()) for answer in hidden}) == 1
        assert stored(store) == {}


class TestUsers:
    @pytest.mark.parametrize("order", list(permutations(["admin", "self", "stranger"])), ids="-".join)
    def test_each_reader_sees_their_part(
        self,
        client: Client,
        admin_client: Client,
        stranger: Client,
        user: User,
        store: CacheStore,
        order: tuple[str, ...],
    ) -> None:
        clients = {"admin": admin_client, "self": client, "stranger": stranger}
        answers = {name: clients[name].get(f"/users/{user.id}") for name in order}
        assert [answers[name].headers["X-Cache"] for name in order] == ["MISS", "HIT", "HIT"]
        fields = {name: set(answer.json()) for name, answer in answers.items()}
        assert fields == {"admin": FULL, "self": FULL, "stranger": PUBLIC}
        assert b"password" not in stored(store)[f"users:{user.id}"]

    def test_the_reader_is_never_taken_from_the_cache(self, admin_client: Client, user: User, admin: User) -> None:
        warm_up(admin_client, user, admin)
        admin.role = Role.USER
        response = admin_client.get(f"/users/{user.id}")
        assert (response.headers["X-Cache"], set(response.json())) == ("HIT", PUBLIC)
        admin.is_active = False
        assert admin_client.get(f"/users/{user.id}").status_code == 401
