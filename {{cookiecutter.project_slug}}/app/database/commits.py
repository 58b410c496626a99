"""Work that waits for a commit: done once a session's transaction has committed, and never when it rolls back."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import BackgroundTasks
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

logger = logging.getLogger(__name__)

BACKGROUND = "background"
"""Where a request's session keeps the tasks that run after its response."""
_WAITING = "waiting_for_commit"
_DUE = "due_after_commit"
# Apart from the threads of the requests: a mail server that does not answer must not take those.
BACKGROUND_THREADS = 2
_background = CapacityLimiter(BACKGROUND_THREADS)


@dataclass
class Waiting:
    """A call, and the savepoint with which it would be undone, if it was asked for in one."""

    call: Callable[[], object]
    savepoint: SessionTransaction | None


def after_commit(db: Session, call: Callable[..., object], *arguments: Any) -> None:
    """Call it once what the session has done so far is committed and its connection is free again.

    What it raises is raised by the commit, after all other calls, but undoes nothing.
    """
    waiting: list[Waiting] = db.info.setdefault(_WAITING, [])
    waiting.append(Waiting(partial(call, *arguments), db.get_nested_transaction()))


def later(db: Session, work: Callable[..., object], *arguments: Any) -> None:
    """Do the work after the commit without letting the client wait for it; its failure is logged, not answered.

    It runs after the response of the request whose session this is, or at once where there is none.
    """
    background: BackgroundTasks | None = db.info.get(BACKGROUND)
    begin: Callable[..., object] = work if background is None else partial(background.add_task, run_apart, work)
    after_commit(db, run_quietly, begin, *arguments)


def run_quietly(work: Callable[..., object], *arguments: Any) -> None:
    try:
        work(*arguments)
    except Exception:
        logger.exception("What was to be done after a commit failed")


async def run_apart(work: Callable[..., object], *arguments: Any) -> None:
    await to_thread.run_sync(run_quietly, work, *arguments, limiter=_background)


@event.listens_for(Session, "after_commit")
def on_commit(db: Session) -> None:
    """Hand the calls of a released savepoint to what is around it, and those of the whole transaction to `on_end`."""
    released = db.get_nested_transaction()
    waiting: list[Waiting] = db.info.get(_WAITING, [])
    if released is None:
        db.info[_DUE] = db.info.pop(_WAITING, [])
        return
    outer = released.parent
    for one in waiting:
        if one.savepoint is released:
            one.savepoint = outer if outer is not None and outer.nested else None


@event.listens_for(Session, "after_soft_rollback")
def on_rollback(db: Session, undone: SessionTransaction) -> None:
    """Drop the calls of what was undone."""
    if undone.nested:
        db.info[_WAITING] = [one for one in db.info.get(_WAITING, []) if one.savepoint is not undone]
    elif undone.parent is None:
        db.info.pop(_WAITING, None)


@event.listens_for(Session, "after_transaction_end")
def on_end(db: Session, ended: SessionTransaction) -> None:
    """Make the calls that are due, each whatever the others raise, with no connection held."""
    if ended.parent is not None:
        return
    db.info.pop(_WAITING, None)
    with ExitStack() as calls:
        for one in reversed(db.info.pop(_DUE, [])):
            calls.callback(one.call)
