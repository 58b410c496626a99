"""What is received about work in the background."""

from pydantic import BaseModel, ConfigDict

from app.models.post_import import ImportStatus


class TaskProblem(BaseModel):
    """A row that could not be imported; `line` is where it begins in the file."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str


class TaskRead(BaseModel):
    """How far it is: `processed` of `total` rows are done with, those among `errors` too."""

    model_config = ConfigDict(from_attributes=True)

    task_id: str
    status: ImportStatus
    processed: int
    total: int
    errors: list[TaskProblem]
