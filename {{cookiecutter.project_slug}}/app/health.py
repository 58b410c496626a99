"""Routes by which an orchestrator learns whether to restart the process, or to send it requests."""

import logging

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.dependencies import SessionDep
from app.errors import ServiceUnavailable, documented
from app.routing import OneHopRoute

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"], route_class=OneHopRoute)


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


@router.get("/live")
async def live() -> Health:
    return Health()


@router.get("/ready", responses=documented(503))
def ready(db: SessionDep) -> Health:
    try:
        db.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        logger.warning("The database does not answer: %s", error)
        raise ServiceUnavailable("Not ready: the database does not answer") from None
    return Health()
