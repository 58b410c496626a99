"""`GET /users`: all accounts, for admins."""

import pytest
from sqlalchemy.orm import Session

from app.models import User
from tests.client import Client
from tests.factories import PostFactory, UserFactory


class TestListUsers:
    def test_an_admin_sees_every_user_as_they_are_read_one_by_one(
        self, admin_client: Client, admin: User, user: User
    ) -> None:
        inactive = UserFactory(is_active=False)
        response = admin_client.get("/users")
        alone = [admin_client.get(f"/users/{found.id}").json() for found in (admin, user, inactive)]
        assert response.status_code == 200
        expected = sorted(alone, key=lambda body: int(body["id"]))
        assert response.json() == {"items": expected, "total": 3, "limit": 20, "offset": 0}

    def test_the_oldest_comes_first_and_pages_show_every_user_once(
        self, admin_client: Client, admin: User, db: Session
    ) -> None:
        users = [admin, *UserFactory.create_batch(4)]
        # Written last to first: a database that leaves rows as they lie then shows them the other way round.
        for place, user in reversed(list(enumerate(users))):
            user.name = f"{9 - place}"
            db.flush()
        ids = [user.id for user in users]
        pages = [admin_client.get(f"/users?limit=2&offset={offset}").json() for offset in (0, 2, 4, 6)]
        assert [[item["id"] for item in page["items"]] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
        assert [(page["total"], page["limit"], page["offset"]) for page in pages] == [
            (5, 2, offset) for offset in (0, 2, 4, 6)
        ]

    def test_a_user_with_many_posts_is_listed_once(self, admin_client: Client, admin: User) -> None:
        PostFactory.create_batch(2, author=admin)
        body = admin_client.get("/users/").json()
        assert ([item["id"] for item in body["items"]], body["total"]) == ([admin.id], 1)

    def test_a_page_has_20_items_unless_asked_otherwise(self, admin_client: Client) -> None:
        UserFactory.create_batch(20)
        body = admin_client.get("/users").json()
        assert (len(body["items"]), body["total"]) == (20, 21)

    def test_without_a_token_it_is_refused(self, anon_client: Client) -> None:
        response = anon_client.get("/users")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("query", ["", "?limit=0"])
    def test_a_user_is_refused(self, client: Client, query: str) -> None:
        response = client.get(f"/users{query}")
        assert (response.status_code, response.json()) == (403, {"detail": "Only an admin may do this"})

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            *(("limit", value) for value in ("0", "-1", "101", "x", "", "9" * 30)),
            *(("offset", value) for value in ("-1", "10001", "x", "", "9" * 30)),
        ],
    )
    def test_a_page_outside_the_limits_is_refused(self, admin_client: Client, parameter: str, value: str) -> None:
        response = admin_client.get(f"/users?{parameter}={value}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["query", parameter]]

    def test_a_page_at_the_limits_is_answered(self, admin_client: Client) -> None:
        response = admin_client.get("/users?limit=100&offset=10000")
        assert response.json() == {"items": [], "total": 1, "limit": 100, "offset": 10_000}
