"""What a client is told whose input is wrong: where and why, and never the input, which may be a password."""

from typing import Any

import pytest

from tests.client import Client

JSON = {"Content-Type": "application/json"}
MARK = "Tr0ub4dor"


class TestInvalidInput:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/auth/register", {"email": "no", "name": "", "password": MARK}),
            ("POST", "/auth/register", {"email": "a@example.com", "name": "A", "password": MARK * 20}),
            ("POST", "/auth/register", {"email": "a@example.com", "name": "A", "password": [MARK]}),
            ("POST", "/auth/register", {"email": f"{MARK}@x.com", "name": "A", "password": f"{MARK}@x.com"}),
            ("POST", "/auth/register", MARK),
            ("POST", "/auth/login", {"email": "no", "password": MARK}),
            ("POST", "/auth/login", {"email": "a@example.com", "password": {MARK: MARK}}),
            ("POST", "/auth/refresh", {"refresh_token": MARK * 200}),
            ("POST", "/auth/logout", {"refresh_token": [MARK]}),
            ("PUT", "/users/me/password", {"current_password": MARK, "new_password": MARK[:7]}),
            ("PATCH", "/users/me", {"name": f"{MARK}\n", "email": MARK}),
            ("POST", "/posts", {"title": MARK * 40, "body": f"{MARK}\0", "slug": MARK}),
            ("GET", f"/posts?sort={MARK}&status={MARK}&author_id={MARK}&limit={MARK}&offset={MARK}", None),
            ("GET", f"/posts/{MARK}", None),
        ],
    )
    def test_it_is_never_repeated(self, client: Client, method: str, path: str, body: Any) -> None:
        response = client.request(method, path, json=body)
        problems = response.json()["detail"]
        assert response.status_code == 422
        assert MARK[:7] not in response.text
        assert [set(problem) for problem in problems] == [{"type", "loc", "msg"}] * len(problems)

    def test_it_is_not_repeated_where_it_is_no_json(self, client: Client) -> None:
        response = client.post("/auth/login", content=f'"password": "{MARK}"', headers=JSON)
        assert response.status_code == 422
        assert MARK not in response.text

    def test_a_form_is_not_repeated_either(self, client: Client) -> None:
        response = client.post("/auth/token", data={"grant_type": MARK, "password": MARK})
        assert response.status_code == 422
        assert MARK not in response.text

    @pytest.mark.parametrize("content", [b"\xff", b'{"email": "\xff"}', b"{", b"\0", b"", b"nul", b"[" * 2_000])
    def test_what_is_no_json_is_refused(self, client: Client, content: bytes) -> None:
        response = client.post("/auth/register", content=content, headers=JSON)
        (problem,) = response.json()["detail"]
        assert (response.status_code, set(problem), problem["loc"][0]) == (422, {"type", "loc", "msg"}, "body")

    def test_a_form_without_its_end_is_refused(self, client: Client) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=end"}
        response = client.post("/auth/token", content=b"--end\r\nno header\r\n", headers=headers)
        assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body"])
