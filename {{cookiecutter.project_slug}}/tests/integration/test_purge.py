"""Tokens that are good for nothing any more are deleted, and no others."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.auth import purging
from app.auth.purging import purge_expired
from app.database import engine
from app.models import OneTimeToken, Purpose, RefreshToken, User
from app.models.columns import now

numbers = count()


def add_token(db: Session, user: User, family: str, *, expired: bool, **values: Any) -> None:
    expires_at = now() + timedelta(seconds=-1 if expired else 60)
    token_hash = f"{next(numbers):064}"
    columns = {"user_id": user.id, "family": family, "version": 0, "token_hash": token_hash, "expires_at": expires_at}
    db.add(RefreshToken(**columns | values))
    db.flush()


def families(db: Session) -> list[str]:
    return list(db.scalars(select(RefreshToken.family).order_by(RefreshToken.id)))


class TestSessions:
    def test_sessions_that_have_expired_go(self, db: Session, user: User, other_user: User) -> None:
        for owner, family, expired in ((user, "old", True), (user, "good", False), (other_user, "theirs", True)):
            add_token(db, owner, family, expired=expired)
        purge_expired()
        assert families(db) == ["good"]

    def test_one_with_a_good_token_stays_whole(self, db: Session, user: User) -> None:
        add_token(db, user, "rotated", expired=True, spent_at=now())
        add_token(db, user, "rotated", expired=True, spent_at=now())
        add_token(db, user, "rotated", expired=False)
        add_token(db, user, "old", expired=True, spent_at=now())
        add_token(db, user, "old", expired=True)
        purge_expired()
        assert families(db) == ["rotated"] * 3

    def test_what_is_spent_or_revoked_goes_when_it_expires(self, db: Session, user: User) -> None:
        add_token(db, user, "spent", expired=False, spent_at=now())
        add_token(db, user, "revoked", expired=False, revoked_at=now())
        add_token(db, user, "old", expired=True, revoked_at=now())
        purge_expired()
        assert families(db) == ["spent", "revoked"]

    @pytest.mark.parametrize("tokens", [0, 1, 3, 4, 7])
    def test_they_are_deleted_a_few_at_a_time(
        self, db: Session, user: User, monkeypatch: pytest.MonkeyPatch, tokens: int
    ) -> None:
        batch = 3
        monkeypatch.setattr(purging, "BATCH", batch)
        for _ in range(tokens):
            add_token(db, user, "old", expired=True)
        add_token(db, user, "good", expired=False)
        deleted: list[int] = []

        def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("DELETE"):
                deleted.append(cursor.rowcount)

        event.listen(engine, "after_cursor_execute", note)
        purge_expired()
        event.remove(engine, "after_cursor_execute", note)
        assert families(db) == ["good"]
        assert (sum(deleted), max(deleted) <= batch) == (tokens, True)


class TestMailedTokens:
    def test_those_that_have_expired_go(self, db: Session, user: User) -> None:
        for number, seconds in enumerate((-60, -1, 60)):
            db.add(
                OneTimeToken(
                    user_id=user.id,
                    purpose=Purpose.PASSWORD_RESET,
                    token_hash=f"{number:064}",
                    email=user.email,
                    version=0,
                    expires_at=now() + timedelta(seconds=seconds),
                )
            )
        db.flush()
        assert purge_expired() == 2
        assert db.scalars(select(OneTimeToken.token_hash)).all() == [f"{2:064}"]
