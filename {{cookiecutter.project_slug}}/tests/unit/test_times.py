"""Times are stored in UTC with their microseconds, and come back aware, whatever the database makes of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from app.models import User
from app.models.columns import now
from tests.factories import UserFactory

MOMENT = datetime(2026, 7, 14, 12, 30, 45, 123456, tzinfo=UTC)


def stored(db: Session, moment: datetime | None) -> datetime | None:
    """Write the time to a row and read it back from the database."""
    user = UserFactory(email_verified_at=moment)
    db.expire(user)
    return user.email_verified_at


@pytest.mark.parametrize("microsecond", [0, 1, 123456, 499999, 500000, 999999])
def test_microseconds_are_kept(db: Session, microsecond: int) -> None:
    assert stored(db, MOMENT.replace(microsecond=microsecond)) == MOMENT.replace(microsecond=microsecond)


def test_a_time_comes_back_aware_and_in_utc(db: Session) -> None:
    moment = stored(db, MOMENT)
    assert moment is not None
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("offset", [timedelta(hours=5, minutes=45), timedelta(hours=-11), timedelta(hours=14)])
def test_a_time_of_another_zone_is_the_same_moment(db: Session, offset: timedelta) -> None:
    moment = stored(db, MOMENT.astimezone(timezone(offset)))
    assert moment == MOMENT
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    ids=str,
)
def test_no_change_of_clocks_and_no_32_bits_move_a_time(db: Session, moment: datetime) -> None:
    assert stored(db, moment) == moment


def test_no_time_stays_no_time(db: Session) -> None:
    assert stored(db, None) is None


def test_a_naive_time_is_refused(db: Session) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        UserFactory(email_verified_at=MOMENT.replace(tzinfo=None))


def test_a_naive_time_is_refused_in_a_condition_too(db: Session) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        db.execute(select(User).where(User.created_at < MOMENT.replace(tzinfo=None)))


def test_times_of_several_zones_compare_as_moments(db: Session) -> None:
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-8))
    later = UserFactory(email_verified_at=(MOMENT + timedelta(microseconds=1)).astimezone(west))
    earlier = UserFactory(email_verified_at=MOMENT.astimezone(east))
    assert db.scalars(select(User).order_by(User.email_verified_at)).all() == [earlier, later]
    assert db.scalars(select(User).where(User.email_verified_at > MOMENT.astimezone(west))).all() == [later]
    assert db.scalars(select(User).where(User.email_verified_at == MOMENT.astimezone(west))).all() == [earlier]


def test_a_row_knows_when_it_was_made_and_changed(db: Session) -> None:
    before = now()
    user = UserFactory()
    db.expire(user)
    made = user.created_at
    assert before <= made <= user.updated_at <= now()
    changing = now()
    user.name = "Changed"
    db.flush()
    db.expire(user)
    assert user.created_at == made
    assert changing <= user.updated_at <= now()


def test_now_is_aware_and_in_utc() -> None:
    assert now().tzinfo is UTC
    assert abs(datetime.now(UTC) - now()) < timedelta(minutes=1)
