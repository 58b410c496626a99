"""Rows of the factories are valid, linked and written to the test's session, and to no other."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from app.auth.passwords import verify_password
from app.auth.schemas import UserRegister
from app.models import Post, PostStatus, Role, User
from app.posts.schemas import PostCreate
from tests import factories
from tests.client import Client
from tests.factories import PASSWORD, PostFactory, UserFactory

OUTSIDE = "a factory was used in a test without the `db` fixture"


def count(db: Session, model: type[User | Post]) -> int:
    return db.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def refused_afterwards() -> Iterator[None]:
    """Asked for before `db`, so that what follows `yield` runs when that is over."""
    yield
    with pytest.raises(RuntimeError, match=OUTSIDE):
        UserFactory()


class TestUserFactory:
    def test_a_user_is_active_and_without_privileges(self, db: Session) -> None:
        user = UserFactory()
        assert (user.role, user.is_active, user.email_verified_at, user.token_version) == (Role.USER, True, None, 0)

    def test_its_values_would_pass_a_registration(self, db: Session) -> None:
        user = UserFactory()
        data = UserRegister(email=user.email, name=user.name, password=PASSWORD)
        assert (data.email, data.name) == (user.email, user.name)

    def test_users_differ(self, db: Session) -> None:
        first, second = UserFactory(), UserFactory()
        assert first.id != second.id
        assert first.email != second.email
        assert first.name != second.name

    @pytest.mark.parametrize("password", [PASSWORD, "Another-1"])
    def test_its_password_is_good_to_log_in(self, anon_client: Client, password: str) -> None:
        user = UserFactory(password=password)
        for tried in (PASSWORD, "Another-1"):
            response = anon_client.post("/auth/login", json={"email": user.email, "password": tried})
            assert response.status_code == (200 if tried == password else 401)

    def test_a_password_is_hashed_once(self, db: Session) -> None:
        first = UserFactory(password="Hashed-once")
        assert verify_password("Hashed-once", first.password_hash) == (True, None)
        assert UserFactory(password="Hashed-once").password_hash == first.password_hash

    def test_values_that_are_named_are_kept(self, db: Session) -> None:
        user = UserFactory(email="a@example.com", name="A", password_hash="hash", role=Role.ADMIN, is_active=False)
        db.expire(user)
        assert (user.email, user.name, user.password_hash) == ("a@example.com", "A", "hash")
        assert (user.role, user.is_active) == (Role.ADMIN, False)


class TestPostFactory:
    def test_a_post_is_published_by_an_author_of_its_own(self, db: Session) -> None:
        post = PostFactory()
        db.expire(post)
        assert (post.status, post.deleted_at) == (PostStatus.PUBLISHED, None)
        assert db.scalars(select(User)).all() == [post.author]
        assert post.author.posts == [post]

    def test_its_values_would_pass_a_request(self, db: Session) -> None:
        post = PostFactory()
        data = PostCreate(title=post.title, body=post.body, slug=post.slug)
        assert (data.title, data.body, data.slug) == (post.title, post.body, post.slug)

    def test_posts_differ(self, db: Session) -> None:
        first, second = PostFactory(), PostFactory()
        assert first.slug != second.slug
        assert first.title != second.title
        assert first.author_id != second.author_id

    def test_an_author_that_is_named_is_kept(self, db: Session, user: User) -> None:
        post = PostFactory(author=user)
        assert post.author_id == user.id
        assert count(db, User) == 1

    def test_values_of_its_author_may_be_named(self, db: Session) -> None:
        assert PostFactory(author__name="Ann").author.name == "Ann"


class TestSessionOfTheFactories:
    def test_a_batch_is_so_many_rows(self, db: Session, user: User) -> None:
        posts = PostFactory.create_batch(3, author=user)
        assert len({post.id for post in posts}) == 3
        assert db.scalars(select(Post).order_by(Post.id)).all() == posts

    def test_rows_belong_to_the_session_of_the_test(self, db: Session) -> None:
        post = PostFactory()
        assert inspect(post).session is db
        assert inspect(post.author).session is db

    def test_rows_are_flushed_and_not_committed(self, db: Session) -> None:
        post = PostFactory()
        assert post.id is not None
        assert not db.new
        db.rollback()
        assert (count(db, Post), count(db, User)) == (0, 0)

    def test_one_that_is_only_built_is_in_no_session(self, db: Session) -> None:
        assert inspect(UserFactory.build()).session is None
        assert count(db, User) == 0

    @pytest.mark.parametrize("factory", [UserFactory, PostFactory])
    def test_without_a_session_they_refuse(
        self, monkeypatch: pytest.MonkeyPatch, factory: type[UserFactory | PostFactory]
    ) -> None:
        monkeypatch.setattr(factories.current_session, "session", None)
        with pytest.raises(RuntimeError, match=OUTSIDE):
            factory()

    def test_after_a_test_they_refuse(self, refused_afterwards: None, db: Session) -> None:
        assert UserFactory().id is not None
