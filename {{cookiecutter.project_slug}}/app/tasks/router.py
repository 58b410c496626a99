"""Routes to work in the background."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.dependencies import CurrentUser, SessionDep
from app.errors import NotFound, documented
from app.posts import imports
from app.routing import OneHopRoute
from app.tasks.schemas import TaskRead

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=OneHopRoute)


@router.get("/{task_id}", responses=documented(401, 404))
def read_task(task_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], user: CurrentUser, db: SessionDep) -> TaskRead:
    """Only for whoever started it."""
    found = imports.find_import(db, task_id, user)
    if found is None:
        raise NotFound("Task not found")
    return TaskRead.model_validate(found)
