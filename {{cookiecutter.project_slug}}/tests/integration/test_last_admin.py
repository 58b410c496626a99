"""The last active admin stays one: nobody could make another."""

from collections.abc import Callable

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database import SessionLocal
from app.models import Role, User
from app.settings import Settings
from app.users import service as users
from tests.client import Client
from tests.committed import add_users
from tests.factories import UserFactory
from tests.meeting import Overtaking
from tests.rows import everything

LAST = {"detail": "The last active admin can't be demoted, deactivated or deleted"}
WAYS: dict[str, Callable[[TestClient, int], Response]] = {
    "demoted": lambda client, user_id: client.patch(f"/users/{user_id}", json={"role": "user"}),
    "deactivated": lambda client, user_id: client.patch(f"/users/{user_id}", json={"is_active": False, "name": "New"}),
    "deleted": lambda client, user_id: client.delete(f"/users/{user_id}"),
    "deleted by themselves": lambda client, _id: client.delete("/users/me"),
}
each_way = pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS)
Leave = Callable[[TestClient, int], Response]


@each_way
def test_the_last_active_admin_stays(admin_client: Client, db: Session, admin: User, leave: Leave) -> None:
    UserFactory(role=Role.ADMIN, is_active=False)
    before = everything(db)
    response = leave(admin_client, admin.id)
    assert (response.status_code, response.json()) == (409, LAST)
    assert everything(db) == before


@each_way
def test_one_of_several_may_go(admin_client: Client, db: Session, admin: User, leave: Leave) -> None:
    other = UserFactory(role=Role.ADMIN)
    assert leave(admin_client, admin.id).is_success
    assert db.scalars(select(User.id).where(User.role == Role.ADMIN, User.is_active)).all() == [other.id]


def test_whoever_is_no_active_admin_may_go(admin_client: Client, db: Session, user: User) -> None:
    inactive = UserFactory(role=Role.ADMIN, is_active=False)
    for gone in (user, inactive):
        assert admin_client.delete(f"/users/{gone.id}").status_code == 204


def test_the_last_admin_changes_everything_else(admin_client: Client, admin: User) -> None:
    changes = {"name": "New", "role": "admin", "is_active": True}
    assert admin_client.patch(f"/users/{admin.id}", json=changes).status_code == 200


@each_way
def test_of_the_last_two_who_leave_at_once_one_stays(
    server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, leave: Leave
) -> None:
    headers = add_users(settings, "first@example.com", "second@example.com", role=Role.ADMIN)
    admins = [
        (TestClient(server.app, headers=one), server.get("/users/me", headers=one).json()["id"]) for one in headers
    ]
    second = Overtaking(lambda: leave(*admins[1]))
    monkeypatch.setattr(users, "keep_an_admin", second.after(users.keep_an_admin))
    with second.watched():
        first = leave(*admins[0])
    assert (first.is_success, second.response.status_code) == (True, 409)
    with SessionLocal() as db:
        left = select(User.email).where(User.role == Role.ADMIN, User.is_active)
        assert db.scalars(left).all() == ["second@example.com"]
