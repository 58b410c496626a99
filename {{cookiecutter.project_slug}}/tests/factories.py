"""Rows for tests, valid by default; a test names only what it is about.

    PostFactory(author=user, status=PostStatus.DRAFT)

They are flushed, not committed, into the session of the test's `db` fixture.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from factory.alchemy import SESSION_PERSISTENCE_FLUSH, SQLAlchemyModelFactory
from factory.declarations import LazyAttribute, Sequence, SubFactory
from sqlalchemy.orm import Session

from app.auth import hash_password
from app.models import Post, PostStatus, Role, User

PASSWORD = "Password1"

T = TypeVar("T")

# One hash for each password: the cost of Argon2 is for attackers.
known_hash = lru_cache(hash_password)


class CurrentSession:
    """The session that the factories write to: that of the running test."""

    session: Session | None = None

    def __call__(self) -> Session:
        if self.session is None:
            raise RuntimeError("a factory was used in a test without the `db` fixture")
        return self.session


current_session = CurrentSession()


class BaseFactory(SQLAlchemyModelFactory, Generic[T]):
    """What all factories share."""

    class Meta:
        abstract = True
        sqlalchemy_session_factory = current_session
        sqlalchemy_session_persistence = SESSION_PERSISTENCE_FLUSH

    if TYPE_CHECKING:
        # The library's own annotations say nothing of what its metaclass returns.
        def __new__(cls, **values: Any) -> T: ...  # type: ignore[misc]  # a row, not a factory

        @classmethod
        def create_batch(cls, size: int, **values: Any) -> list[T]: ...


class UserFactory(BaseFactory[User]):
    """An active user; `UserFactory(password="...")` sets another password than `PASSWORD`."""

    class Meta:
        model = User

    class Params:
        password = PASSWORD

    email = Sequence(lambda n: f"user{n}@example.com")
    name = Sequence(lambda n: f"User {n}")
    password_hash = LazyAttribute(lambda user: known_hash(user.password))
    role = Role.USER
    is_active = True


class PostFactory(BaseFactory[Post]):
    """A published post of an author of its own."""

    class Meta:
        model = Post

    title = Sequence(lambda n: f"Title {n}")
    body = "Body"
    slug = Sequence(lambda n: f"slug-{n}")
    status = PostStatus.PUBLISHED
    author: Any = SubFactory(UserFactory)
