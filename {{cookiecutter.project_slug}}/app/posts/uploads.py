"""The route by which many posts come in at once."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response, UploadFile, status
from pydantic import BaseModel
from starlette.types import Message

from app.dependencies import CurrentUser, SessionDep, SettingsDep
from app.errors import documented
from app.posts import imports
from app.posts.tasks import import_posts
from app.routing import OneHopRoute
from app.worker import enqueue

# What a form adds around its file.
FORM_BYTES = 10_000


class TaskStarted(BaseModel):
    """Where to ask how far it is: `GET /tasks/{task_id}`."""

    task_id: str


def too_large(most: int) -> HTTPException:
    return HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, f"The file is too large: at most {most} bytes")


class UploadRoute(OneHopRoute):
    """A route that stops reading a body that is larger than `Settings.import_max_bytes`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            most: int = request.app.state.settings.import_max_bytes
            declared = request.headers.get("Content-Length", "")
            if declared.isdecimal() and int(declared) > most + FORM_BYTES:
                raise too_large(most)
            received = 0

            async def receive() -> Message:
                nonlocal received
                message = await request.receive()
                received += len(message.get("body", b""))
                if received > most + FORM_BYTES:
                    raise too_large(most)
                return message

            return await handle(Request(request.scope, receive))

        return handler


router = APIRouter(prefix="/posts", tags=["posts"], route_class=UploadRoute)


@router.post("/import", status_code=status.HTTP_202_ACCEPTED, responses=documented(401, 413, 503))
def import_file(file: UploadFile, author: CurrentUser, db: SessionDep, settings: SettingsDep) -> TaskStarted:
    """Add a post for each row of a CSV file in UTF-8, whose first line names the columns title, body, slug and maybe status.

    The rows are added after the answer: `GET /tasks/{task_id}` tells how many are done with, and what was wrong with which.
    """
    document = file.file.read()
    if len(document) > settings.import_max_bytes:
        raise too_large(settings.import_max_bytes)
    started = imports.add_import(db, author, document)
    enqueue(db, import_posts, started.task_id, undo=partial(imports.remove_import, started.task_id))
    return TaskStarted(task_id=started.task_id)
