"""Routes to work in the background."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api.errors import NotFound, documented
from app.api.routing import OneHopRoute
from app.auth.dependencies import CurrentUser
from app.database import SessionDep
from app.imports import service
from app.imports.schemas import ErrorParams, TaskProblem, TaskRead

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=OneHopRoute)


@router.get("/{task_id}", responses=documented(401, 404))
def read_task(
    task_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    params: Annotated[ErrorParams, Query()],
    user: CurrentUser,
    db: SessionDep,
) -> TaskRead:
    """Only for whoever started it. Of the errors, `limit` from `offset` on are shown, in the order of the file."""
    job = service.find_import(db, task_id, user)
    if job is None:
        raise NotFound("Task not found")
    problems = service.problems_of(db, job, params.limit, params.offset)
    return TaskRead(
        task_id=job.task_id,
        status=job.status,
        processed=job.processed,
        total=job.total,
        errors=[TaskProblem.model_validate(problem) for problem in problems],
    )
