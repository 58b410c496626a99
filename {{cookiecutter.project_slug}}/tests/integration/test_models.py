"""What the tables themselves see to, whoever writes to them."""

from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, Role, User
from app.models.columns import now
from tests.factories import PostFactory, UserFactory


class TestDefaults:
    def test_a_user_is_active_and_no_admin_and_not_verified(self, db: Session) -> None:
        before = now()
        user = User(email="new@example.com", name="New", password_hash="hash")
        db.add(user)
        db.flush()
        db.expire(user)
        assert (user.role, user.is_admin, user.is_active) == (Role.USER, False, True)
        assert (user.email_verified_at, user.token_version) == (None, 0)
        assert before <= user.created_at <= now()
        assert before <= user.updated_at <= now()

    def test_a_post_is_a_draft_and_not_deleted(self, db: Session, user: User) -> None:
        post = Post(title="Title", body="Body", slug="slug", author=user)
        db.add(post)
        db.flush()
        db.expire(post)
        assert (post.status, post.deleted_at) == (PostStatus.DRAFT, None)
        assert (post.author, user.posts) == (user, [post])


class TestConstraints:
    @pytest.mark.parametrize(
        "change",
        [
            update(User).values(email="taken@example.com"),
            update(User).values(name=None),
            update(Post).values(slug="taken"),
            update(Post).values(author_id=0),
            update(Post).values(title=None),
        ],
        ids=["an address twice", "a user without a name", "a slug twice", "a post of nobody", "a post without a title"],
    )
    def test_the_database_refuses(self, db: Session, change: Any) -> None:
        PostFactory(slug="taken", author=UserFactory(email="taken@example.com"))
        PostFactory()
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(change)

    @pytest.mark.parametrize(
        ("statement", "constraint"),
        [
            ("UPDATE users SET role = 'owner'", "ck_users_role"),
            ("UPDATE posts SET status = 'lost'", "ck_posts_status"),
        ],
    )
    def test_the_database_refuses_a_choice_there_is_not(self, db: Session, statement: str, constraint: str) -> None:
        PostFactory()
        with pytest.raises(DBAPIError, match=constraint), db.begin_nested():
            # As text: the models would refuse the value themselves.
            db.execute(text(statement))
