"""Routes by which an orchestrator learns whether to restart the process, or to send it requests."""

import logging
from asyncio import gather
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import text

from app import (
    # {% if cookiecutter.use_redis %}
    cache,
    # {% endif %}
    database,
    # {% if cookiecutter.use_celery %}
    worker,
    # {% endif %}
)
from app.draining import refuse_while_draining
from app.errors import ServiceUnavailable, documented
from app.questions import Question

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_SECONDS = 5
State = Literal["ok", "down"]


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(Health):
    """The process can do its work; without what is `down` it does without."""

    database: State
    # {% if cookiecutter.use_redis %}
    cache: State
    # {% endif %}
    # {% if cookiecutter.use_celery %}
    broker: State
    # {% endif %}


@router.get("/live")
async def live() -> Health:
    return Health()


@router.get("/ready", responses=documented(503), dependencies=[Depends(refuse_while_draining)])
async def ready() -> Readiness:
    states = dict(zip(ASKED, await gather(*map(state_of, ASKED)), strict=True))
    if states["database"] == "down":
        raise ServiceUnavailable("Not ready: the database does not answer")
    return Readiness(**states)


async def state_of(name: str) -> State:
    try:
        await ASKED[name].answer(PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - each fails in its own way
        logger.warning("The %s does not answer: %r", name, error)
        return "down"
    return "ok"


def ask_database() -> None:
    with database.SessionLocal.begin() as db:
        db.execute(text("SELECT 1"))


# {% if cookiecutter.use_redis %}
def ask_cache() -> None:
    cache.store.redis.ping()


# {% endif %}
ASKED: dict[str, Question[object]] = {
    "database": Question("ready-database", ask_database),
    # {% if cookiecutter.use_redis %}
    "cache": Question("ready-cache", ask_cache),
    # {% endif %}
    # {% if cookiecutter.use_celery %}
    "broker": Question("ready-broker", worker.queue_length),
    # {% endif %}
}
