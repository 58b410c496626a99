"""What is received about work in the background."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.imports.csv_rows import MOST_ROWS
from app.models.post_import import ImportStatus

MOST_ERRORS = 1000


class TaskProblem(BaseModel):
    """A row that could not be imported; `line` is where it begins in the file."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str


class ErrorParams(BaseModel):
    """Which of the errors, of which there can be as many as rows."""

    limit: Annotated[int, Field(ge=0, le=MOST_ERRORS)] = MOST_ERRORS
    offset: Annotated[int, Field(ge=0, le=MOST_ROWS)] = 0


class TaskRead(BaseModel):
    """How far it is: `processed` of `total` rows are done with, those among `errors` too."""

    task_id: str
    status: ImportStatus
    processed: int
    total: int
    errors: list[TaskProblem]
