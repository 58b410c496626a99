"""`app.api.routing`: what FastAPI hands over by its type reaches an endpoint, and a dependency, as on any other route."""

from typing import Annotated

from fastapi import BackgroundTasks, Depends, Header, Request, Response
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

from tests.unit.journal import Journal, serve


class TestParametersByType:
    def test_the_request(self) -> None:
        def find_path(request: Request) -> str:
            return request.url.path

        def endpoint(request: Request, path: Annotated[str, Depends(find_path)]) -> list[str]:
            return [request.method, path]

        assert serve(Journal(), endpoint).post("/").json() == ["POST", "/"]

    def test_the_connection(self) -> None:
        def find_path(connection: HTTPConnection) -> str:
            return connection.url.path

        def endpoint(connection: HTTPConnection, path: Annotated[str, Depends(find_path)]) -> list[str]:
            return [connection.scope["method"], path]

        assert serve(Journal(), endpoint).post("/").json() == ["POST", "/"]

    def test_the_response(self) -> None:
        def forbid_caching(response: Response) -> None:
            response.headers["Cache-Control"] = "no-store"

        def endpoint(response: Response, _uncached: Annotated[None, Depends(forbid_caching)]) -> None:
            response.status_code = 202

        response = serve(Journal(), endpoint).post("/")
        assert (response.status_code, response.headers["Cache-Control"]) == (202, "no-store")

    def test_background_tasks_run_after_the_answer(self) -> None:
        journal = Journal()

        def enqueue(tasks: BackgroundTasks) -> None:
            tasks.add_task(journal.note, "first")

        def endpoint(tasks: BackgroundTasks, _enqueued: Annotated[None, Depends(enqueue)]) -> None:
            tasks.add_task(journal.note, "second")

        serve(journal, endpoint).post("/")
        assert journal.events == ["answer 200", "first", "second"]

    def test_headers_and_scopes(self) -> None:
        def read_scopes(scopes: SecurityScopes) -> str:
            return scopes.scope_str

        def endpoint(user_agent: Annotated[str, Header()], scopes: Annotated[str, Depends(read_scopes)]) -> list[str]:
            return [user_agent, scopes]

        assert serve(Journal(), endpoint).post("/", headers={"User-Agent": "test"}).json() == ["test", ""]
