"""Routes by which an orchestrator learns whether to restart the process, or to send it requests."""

import logging
from asyncio import gather
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import text

from app.api.errors import ServiceUnavailable, documented
from app.database import SessionLocal
from app.observability.checks import NEEDED, Question
from app.observability.shutdown import refuse_while_draining

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_SECONDS = 5
State = Literal["ok", "down"]


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


@router.get("/live")
async def live() -> Health:
    return Health()


@router.get("/ready", responses=documented(503), dependencies=[Depends(refuse_while_draining)])
async def ready() -> dict[str, State]:
    """Tell the state of each thing that is needed; without the database nothing can be done, and without others less."""
    states = dict(zip(NEEDED, await gather(*map(state_of, NEEDED)), strict=True))
    if states["database"] == "down":
        raise ServiceUnavailable("Not ready: the database does not answer")
    return {"status": "ok", **states}


async def state_of(name: str) -> State:
    try:
        await NEEDED[name].answer(PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - each fails in its own way
        logger.warning("The %s does not answer: %r", name, error)
        return "down"
    return "ok"


def ask_database() -> None:
    with SessionLocal.begin() as db:
        db.execute(text("SELECT 1"))


NEEDED["database"] = Question("ready-database", ask_database)
