"""The route by which many posts come in at once."""

from collections.abc import AsyncIterator
from functools import partial

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, HTTPException, UploadFile, status
from pydantic import BaseModel

from app.api.dependencies import SettingsDep
from app.api.errors import documented
from app.api.routing import OneHopRoute
from app.auth.dependencies import CurrentUser
from app.database import SessionDep
from app.imports import service
from app.imports.tasks import import_posts
from app.rate_limiting.limiter import RateLimiterDep
from app.worker import enqueue

# What a form adds around its file.
FORM_BYTES = 10_000
# One file in memory per process; the others wait on disk, without a thread or a connection.
_one_at_a_time = CapacityLimiter(1)


class TaskStarted(BaseModel):
    """Where to ask how far it is: `GET /tasks/{task_id}`."""

    task_id: str


router = APIRouter(prefix="/posts", tags=["posts"], route_class=OneHopRoute)


async def wait_for_turn() -> AsyncIterator[None]:
    async with _one_at_a_time:
        yield


@router.post(
    "/import",
    status_code=status.HTTP_202_ACCEPTED,
    responses=documented(401, 409, 413, 429, 503),
    dependencies=[Depends(wait_for_turn, scope="function")],
)
def import_file(
    file: UploadFile, author: CurrentUser, db: SessionDep, settings: SettingsDep, limiter: RateLimiterDep
) -> TaskStarted:
    """Add a post for each row of a CSV file in UTF-8, whose first line names the columns title, body, slug and maybe status.

    The rows are added after the answer: `GET /tasks/{task_id}` tells how many are done with, and what was wrong with which.
    A user has one unfinished import at a time.
    """
    limiter.count("import", str(author.id), settings.import_rate)
    document = file.file.read()
    most = settings.import_max_bytes
    if len(document) > most:
        raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, f"The file is too large: at most {most} bytes")
    started = service.add_import(db, author, document)
    enqueue(db, import_posts, started.task_id, undo=partial(service.remove_import, started.task_id))
    return TaskStarted(task_id=started.task_id)
