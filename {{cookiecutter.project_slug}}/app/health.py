"""Routes by which an orchestrator learns whether to restart the process, or to send it requests."""

import logging
from asyncio import get_running_loop, wait_for
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.database import SessionLocal
from app.draining import refuse_while_draining
from app.errors import ServiceUnavailable, documented

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_SECONDS = 5
# A thread for itself: all others may be waiting for a database that does not answer. It is only one, and holds at most one
# connection however often somebody asks meanwhile.
_asking = ThreadPoolExecutor(1, "ready")


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


@router.get("/live")
async def live() -> Health:
    return Health()


@router.get("/ready", responses=documented(503), dependencies=[Depends(refuse_while_draining)])
async def ready() -> Health:
    try:
        await wait_for(get_running_loop().run_in_executor(_asking, ask_database), PATIENCE_SECONDS)
    except (SQLAlchemyError, TimeoutError) as error:
        logger.warning("The database does not answer: %r", error)
        raise ServiceUnavailable("Not ready: the database does not answer") from None
    return Health()


def ask_database() -> None:
    with SessionLocal.begin() as db:
        db.execute(text("SELECT 1"))
