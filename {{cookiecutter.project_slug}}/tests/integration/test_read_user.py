"""`GET /users/{id}`: a user knows others by name; the e-mail address and the role are their own and admins' business."""

from datetime import UTC, datetime

import pytest

from app.models import Role, User
from tests.client import Client
from tests.factories import UserFactory

ANN = {
    "email": "ann@example.com",
    "name": "Ann",
    "created_at": datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
    "updated_at": datetime(2026, 2, 3, 4, 5, 6, 654321, tzinfo=UTC),
    "email_verified_at": datetime(2026, 3, 4, 5, 6, 7, 1, tzinfo=UTC),
}
PUBLIC = {"name": "Ann", "created_at": "2026-01-02T03:04:05.123456Z"}
FULL = PUBLIC | {
    "email": "ann@example.com",
    "role": "user",
    "is_active": True,
    "email_verified_at": "2026-03-04T05:06:07.000001Z",
    "updated_at": "2026-02-03T04:05:06.654321Z",
}


class TestReadUser:
    def test_another_user_learns_the_name_and_no_more(self, client: Client) -> None:
        other = UserFactory(**ANN)
        response = client.get(f"/users/{other.id}")
        assert response.status_code == 200
        assert response.json() == PUBLIC | {"id": other.id}

    def test_an_admin_learns_all_but_the_password(self, admin_client: Client) -> None:
        other = UserFactory(**ANN)
        response = admin_client.get(f"/users/{other.id}")
        assert response.status_code == 200
        assert response.json() == FULL | {"id": other.id}

    def test_one_learns_all_about_oneself(self, client: Client, user: User) -> None:
        for name, value in ANN.items():
            setattr(user, name, value)
        response = client.get(f"/users/{user.id}")
        assert response.status_code == 200
        assert response.json() == FULL | {"id": user.id}

    def test_an_admins_address_is_private_too(self, client: Client, admin: User) -> None:
        assert set(client.get(f"/users/{admin.id}").json()) == {"id", "name", "created_at"}

    def test_a_deactivated_user_is_shown(self, client: Client, admin_client: Client) -> None:
        other = UserFactory(is_active=False, role=Role.ADMIN)
        assert client.get(f"/users/{other.id}").json()["name"] == other.name
        body = admin_client.get(f"/users/{other.id}").json()
        assert (body["is_active"], body["role"], body["email_verified_at"]) == (False, "admin", None)

    def test_without_a_token_it_is_refused(self, anon_client: Client, other_user: User) -> None:
        response = anon_client.get(f"/users/{other_user.id}")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"

    def test_without_a_token_nobody_learns_who_exists(self, anon_client: Client) -> None:
        assert anon_client.get("/users/0").status_code == 401

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1, 1 - 2**63])
    def test_an_unknown_user_is_not_found(self, client: Client, user_id: int) -> None:
        response = client.get(f"/users/{user_id}")
        assert (response.status_code, response.json()) == (404, {"detail": "User not found"})

    @pytest.mark.parametrize("user_id", [2**63, -(2**63), 10**400, "x", "1.5", "ME", "null", "%00"])
    def test_what_can_be_no_id_is_refused(self, client: Client, user_id: object) -> None:
        response = client.get(f"/users/{user_id}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "user_id"]]
