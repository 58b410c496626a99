"""`DELETE /users/{id}`: a user goes, and everything that is theirs goes with them."""

from typing import Any

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.database import engine
from app.models import Post, PostStatus, RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PostFactory, UserFactory


@pytest.fixture
def belongings(db: Session, user: User, other_user: User, settings: Settings) -> None:
    """Posts of every state, and two sessions, of `user` and of `other_user`."""
    for owner in (user, other_user):
        PostFactory(author=owner)
        PostFactory(author=owner, status=PostStatus.DRAFT)
        PostFactory(author=owner, deleted_at=now())
        sessions.add_token(db, owner, f"first of {owner.id}", settings)
        sessions.add_token(db, owner, f"second of {owner.id}", settings)


def emails(db: Session) -> set[str]:
    return set(db.scalars(select(User.email)))


def authors(db: Session) -> list[int]:
    """Return the author of each post there is."""
    return list(db.scalars(select(Post.author_id)))


def owners(db: Session) -> list[int]:
    """Return the owner of each refresh token there is."""
    return list(db.scalars(select(RefreshToken.user_id)))


class TestDeleteUser:
    @pytest.mark.usefixtures("belongings")
    def test_one_goes_with_ones_posts_and_sessions_and_nobody_elses(
        self, client: Client, db: Session, user: User, other_user: User
    ) -> None:
        response = client.delete(f"/users/{user.id}")
        assert (response.status_code, response.content) == (204, b"")
        assert emails(db) == {"other@example.com"}
        assert authors(db) == [other_user.id] * 3
        assert owners(db) == [other_user.id] * 2

    def test_many_posts_are_deleted_a_batch_at_a_time(
        self, client: Client, db: Session, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.users.service.POSTS_DELETED_AT_ONCE", 2)
        PostFactory.create_batch(5, author=user)
        deleted: list[int] = []

        def note(_connection: object, cursor: Any, statement: str, *_: object) -> None:
            if statement.startswith("DELETE"):
                deleted.append(cursor.rowcount)

        event.listen(engine, "after_cursor_execute", note)
        response = client.delete("/users/me")
        event.remove(engine, "after_cursor_execute", note)
        assert (response.status_code, deleted, authors(db)) == (204, [2, 2, 1, 1], [])

    @pytest.mark.usefixtures("belongings")
    def test_an_admin_deletes_anybody(self, admin_client: Client, db: Session, user: User, other_user: User) -> None:
        assert admin_client.delete(f"/users/{other_user.id}").status_code == 204
        assert emails(db) == {"user@example.com", "admin@example.com"}
        assert authors(db) == [user.id] * 3
        assert owners(db) == [user.id] * 2

    @pytest.mark.usefixtures("belongings")
    def test_the_database_itself_deletes_what_belongs_to_a_user(
        self, db: Session, user: User, other_user: User
    ) -> None:
        db.connection().execute(delete(User).where(User.id == user.id))
        assert authors(db) == [other_user.id] * 3
        assert owners(db) == [other_user.id] * 2

    def test_their_token_is_refused_from_then_on(self, client: Client, admin_client: Client, user: User) -> None:
        admin_client.delete(f"/users/{user.id}")
        response = client.get("/users/me")
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})

    def test_their_refresh_token_is_refused_from_then_on(
        self, client: Client, db: Session, user: User, settings: Settings
    ) -> None:
        token = sessions.add_token(db, user, "family", settings)
        assert client.delete(f"/users/{user.id}").status_code == 204
        assert client.post("/auth/refresh", json={"refresh_token": token}).status_code == 401

    def test_their_address_is_free_again(self, client: Client, anon_client: Client, db: Session, user: User) -> None:
        client.delete(f"/users/{user.id}")
        registration = {"email": user.email, "name": "New", "password": "Password1"}
        assert anon_client.post("/auth/register", json=registration).status_code == 201
        assert emails(db) == {"user@example.com"}

    def test_the_next_newcomer_is_somebody_else(self, client: Client, anon_client: Client, user: User) -> None:
        assert client.delete("/users/me").status_code == 204
        registration = {"email": "new@example.com", "name": "New", "password": "Password1"}
        assert anon_client.post("/auth/register", json=registration).json()["id"] != user.id
        assert client.get("/users/me").status_code == 401

    def test_the_next_post_is_another_one(self, client: Client, db: Session, user: User, other_user: User) -> None:
        gone = PostFactory(author=user).id
        assert client.delete("/users/me").status_code == 204
        assert PostFactory(author=other_user).id != gone

    def test_a_second_time_they_are_not_found(self, admin_client: Client, other_user: User) -> None:
        assert admin_client.delete(f"/users/{other_user.id}").status_code == 204
        response = admin_client.delete(f"/users/{other_user.id}")
        assert (response.status_code, response.json()) == (404, {"detail": "User not found"})

    @pytest.mark.usefixtures("belongings")
    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, user: User) -> None:
        response = anon_client.delete(f"/users/{user.id}")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (len(emails(db)), len(authors(db)), len(owners(db))) == (2, 6, 4)

    @pytest.mark.usefixtures("belongings")
    def test_another_user_is_refused(self, client: Client, db: Session, other_user: User) -> None:
        response = client.delete(f"/users/{other_user.id}")
        assert response.status_code == 403
        assert response.json() == {"detail": "Only the user or an admin may do this"}
        assert (len(emails(db)), len(authors(db)), len(owners(db))) == (2, 6, 4)

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1])
    def test_an_unknown_user_is_not_found(self, admin_client: Client, db: Session, user_id: int) -> None:
        UserFactory(email="kept@example.com")
        response = admin_client.delete(f"/users/{user_id}")
        assert (response.status_code, response.json()) == (404, {"detail": "User not found"})
        assert emails(db) == {"admin@example.com", "kept@example.com"}

    @pytest.mark.parametrize("user_id", [2**63, -(2**63), "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, admin_client: Client, db: Session, user_id: object) -> None:
        response = admin_client.delete(f"/users/{user_id}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "user_id"]]
        assert emails(db) == {"admin@example.com"}
