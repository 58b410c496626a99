"""What the application says of itself: its schema, the pages that show it, and what is at no path of it."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.middleware.paths import OptionalTrailingSlash
from app.models import User
from tests.client import Client
from tests.factories import PASSWORD, PostFactory

# What a route that takes a body may answer because of it.
BODY = {"408", "413", "429"}
# Every route, its operation id and every status that it documents: what it answers, and nothing else. All that use the
# database answer 503 as well.
OPERATIONS = {
    ("post", "/auth/register"): ("register", {"201", "409", "422"} | BODY),
    ("post", "/auth/login"): ("log_in", {"200", "401", "422"} | BODY),
    ("post", "/auth/token"): ("log_in_with_form", {"200", "401", "422"} | BODY),
    ("post", "/auth/refresh"): ("refresh", {"200", "401", "422"} | BODY),
    ("post", "/auth/logout"): ("log_out", {"204", "422"} | BODY),
    ("get", "/auth/sessions"): ("list_sessions", {"200", "401", "422"}),
    ("delete", "/auth/sessions"): ("log_out_everywhere", {"204", "401", "404"}),
    ("delete", "/auth/sessions/{session_id}"): ("end_session", {"204", "401", "404", "422"}),
    ("post", "/auth/password/forgot"): ("forgot_password", {"202", "422"} | BODY),
    ("post", "/auth/password/reset"): ("reset_password", {"204", "400", "422"} | BODY),
    ("post", "/auth/email/verify"): ("verify_email", {"204", "400", "422"} | BODY),
    ("post", "/auth/email/verify/resend"): ("resend_verification", {"202", "401", "429"}),
    ("get", "/users/me"): ("read_me", {"200", "401"}),
    ("patch", "/users/me"): ("update_me", {"200", "401", "409", "422"} | BODY),
    ("delete", "/users/me"): ("delete_me", {"204", "401", "409"}),
    ("put", "/users/me/password"): ("change_my_password", {"204", "401", "403", "422"} | BODY),
    ("get", "/users"): ("list_users", {"200", "401", "403", "422"}),
    ("post", "/users"): ("create_user", {"201", "401", "403", "409", "422"} | BODY),
    ("get", "/users/{user_id}"): ("read_user", {"200", "401", "404", "422"}),
    ("patch", "/users/{user_id}"): ("update_user", {"200", "401", "403", "404", "409", "422"} | BODY),
    ("delete", "/users/{user_id}"): ("delete_user", {"204", "401", "403", "404", "409", "422"}),
    ("get", "/users/{user_id}/posts"): ("list_user_posts", {"200", "401", "404", "422"}),
    ("get", "/posts"): ("list_posts", {"200", "401", "422"}),
    ("post", "/posts"): ("create_post", {"201", "401", "409", "422"} | BODY),
    # {% if cookiecutter.use_celery %}
    ("post", "/posts/import"): ("import_file", {"202", "401", "409", "422", "503"} | BODY),
    ("get", "/tasks/{task_id}"): ("read_task", {"200", "401", "404", "422"}),
    # {% endif %}
    ("get", "/posts/{post_id}"): ("read_post", {"200", "401", "404", "422"}),
    ("patch", "/posts/{post_id}"): ("update_post", {"200", "401", "403", "404", "409", "422"} | BODY),
    ("delete", "/posts/{post_id}"): ("delete_post", {"204", "401", "403", "404", "422"}),
    ("get", "/health/live"): ("live", {"200"}),
    ("get", "/health/ready"): ("ready", {"200", "503"}),
}
# With a slash at the end it would be one session whose id is empty.
EXACT = ("delete", "/auth/sessions")
OPEN = {
    ("post", "/auth/register"),
    ("post", "/auth/login"),
    ("post", "/auth/token"),
    ("post", "/auth/refresh"),
    ("post", "/auth/logout"),
    ("post", "/auth/password/forgot"),
    ("post", "/auth/password/reset"),
    ("post", "/auth/email/verify"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
}


@pytest.fixture(scope="module")
def schema_document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


@pytest.fixture(scope="module")
def operations(schema_document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in schema_document["paths"].items()
        for method, operation in methods.items()
    }


class TestSchema:
    def test_every_status_is_documented(self, operations: dict[tuple[str, str], dict[str, Any]]) -> None:
        documented = {key: (found["operationId"], set(found["responses"])) for key, found in operations.items()}
        live = ("get", "/health/live")
        assert documented == {
            key: (name, statuses if key == live else statuses | {"503"}) for key, (name, statuses) in OPERATIONS.items()
        }

    def test_operation_ids_are_unique(self, operations: dict[tuple[str, str], dict[str, Any]]) -> None:
        assert len({found["operationId"] for found in operations.values()}) == len(operations)

    def test_every_refusal_is_a_detail(
        self, schema_document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
    ) -> None:
        bodies = {
            (status, found["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
            for operation in operations.values()
            for status, found in operation["responses"].items()
            if status >= "400"
        }
        documented = {status for _, statuses in OPERATIONS.values() for status in statuses if status >= "400"} - {"422"}
        assert bodies == {(status, "ErrorBody") for status in documented} | {("422", "HTTPValidationError")}
        body = schema_document["components"]["schemas"]["ErrorBody"]
        assert (body["required"], body["properties"]["detail"]["type"]) == (["detail"], "string")

    def test_it_says_which_routes_take_a_token(self, operations: dict[tuple[str, str], dict[str, Any]]) -> None:
        assert {key for key, found in operations.items() if "security" not in found} == OPEN
        schemes = [found["security"] for found in operations.values() if "security" in found]
        assert schemes == [[{"OAuth2PasswordBearer": []}]] * len(schemes)

    def test_no_answer_has_a_field_for_a_secret(self, schema_document: dict[str, Any]) -> None:
        schemas = schema_document["components"]["schemas"]
        fields = {name: set(found.get("properties", {})) for name, found in schemas.items()}
        assert fields["UserPublic"] == {"id", "name", "created_at"}
        assert fields["UserRead"] == fields["UserPublic"] | {
            "email",
            "role",
            "is_active",
            "email_verified_at",
            "updated_at",
        }
        assert not [name for name, found in fields.items() if found & {"password_hash", "token_version", "deleted_at"}]


class TestDocs:
    def test_they_show_the_schema(self, anon_client: Client) -> None:
        page = anon_client.get("/docs")
        assert (page.status_code, "/openapi.json" in page.text) == (200, True)
        assert [anon_client.get(path).status_code for path in ("/docs/main.py", "/redoc")] == [404, 404]
        assert anon_client.get("/openapi.json").json()["paths"].keys() == {path for _, path in OPERATIONS}

    def test_the_authorize_button_gets_a_token_that_works(self, anon_client: Client, user: User) -> None:
        schema = anon_client.get("/openapi.json").json()
        flow = schema["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
        # Relative to the page, as the button takes it.
        assert flow["tokenUrl"] == "auth/token"
        form = {"grant_type": "password", "username": "user@example.com", "password": PASSWORD}
        token = anon_client.post("/" + flow["tokenUrl"], data=form).json()
        assert token["token_type"] == "bearer"
        authorized = {"Authorization": f"Bearer {token['access_token']}"}
        assert anon_client.get("/users/me", headers=authorized).json()["id"] == user.id


class TestPaths:
    @pytest.mark.parametrize(("method", "path"), [operation for operation in OPERATIONS if operation != EXACT])
    @pytest.mark.parametrize("end", ["/", "//"])
    def test_a_slash_at_the_end_makes_no_difference(
        self, anon_client: Client, method: str, path: str, end: str
    ) -> None:
        address = re.sub(r"\{\w+\}", "1", path)
        plain, slashed = (anon_client.request(method.upper(), text) for text in (address, address + end))
        assert (slashed.status_code, slashed.content) == (plain.status_code, plain.content)
        assert slashed.content != b'{"detail":"Not Found"}'
        assert slashed.history == []

    def test_a_slash_before_the_query_makes_no_difference(self, anon_client: Client) -> None:
        PostFactory.create_batch(2)
        assert anon_client.get("/posts/?limit=1").json() == anon_client.get("/posts?limit=1").json()

    def test_the_root_keeps_its_slash(self) -> None:
        app = FastAPI()
        app.add_api_route("/", lambda: "root")
        app.add_middleware(OptionalTrailingSlash)
        client = TestClient(app)
        assert [client.get(f"http://testserver{path}").text for path in ("", "/", "//")] == ['"root"'] * 3

    @pytest.mark.parametrize(
        "path", ["/", "//", "/unknown", "/unknown/", "/users/1/unknown", "/posts/1/2", "/Posts", "/%00"]
    )
    def test_an_unknown_path_is_not_found(self, client: Client, path: str) -> None:
        response = client.get(f"http://testserver{path}")
        assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/auth/login"),
            ("DELETE", "/posts"),
            ("PUT", "/posts/1"),
            ("POST", "/users/me"),
            ("POST", "/health/live"),
        ],
    )
    def test_another_method_is_not_allowed(self, client: Client, method: str, path: str) -> None:
        response = client.request(method, path)
        assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})
        assert method not in response.headers["Allow"]
