"""Mail that is kept in the database until a server has taken it: a transactional outbox.

A request adds a row in its own transaction and queues its id after the commit. What the broker did not take, or a worker
left, `beat` has queued again. The rows say which mail goes to whom, and hold no token and no text.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from app.database import SessionLocal
from app.models.columns import now
from app.models.outgoing_mail import OutgoingMail

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 60
# Longer than a delivery may take: whoever claims a mail after this finds nobody who is still sending it.
LEASE = timedelta(seconds=2 * LIMIT_SECONDS)
LEFT = timedelta(minutes=1)
"""How long a mail that is due is left to the message that its request has queued."""
CLOCKS = timedelta(seconds=10)
"""How far the clock of a worker's machine may be behind, so that a mail is due there when its message arrives."""
GIVE_UP = timedelta(days=3)
BATCH = 1000


def keep(db: Session, kind: str, address: str) -> int:
    """Keep a mail with what the session commits, and return its id."""
    kept = OutgoingMail(kind=kind, address=address, due_at=now() - CLOCKS)
    db.add(kept)
    db.flush()
    return kept.id


def deliver(mail_id: int, send: Callable[[str, str], None]) -> None:
    """Send one mail, unless it is sent already or another worker has claimed it.

    One that fails is tried again after as long as it has waited so far, and given up after some days.
    """
    kept = claim(mail_id)
    if kept is None:
        return
    this = OutgoingMail.id == mail_id
    done: Any = delete(OutgoingMail).where(this)
    try:
        send(kept.kind, kept.address)
    except Exception:
        waited = now() - kept.created_at
        if waited < GIVE_UP:
            done = update(OutgoingMail).where(this).values(due_at=now() + max(waited, LEFT))
        logger.exception("Mail %s (%s) %s", mail_id, kept.kind, "failed" if waited < GIVE_UP else "is given up")
    with SessionLocal.begin() as db:
        db.execute(done)


def claim(mail_id: int) -> OutgoingMail | None:
    """Return the mail if it is due, which it is to nobody else then while the lease lasts."""
    due = (OutgoingMail.id == mail_id, OutgoingMail.due_at <= now())
    with SessionLocal.begin() as db:
        claimed = db.execute(update(OutgoingMail).where(*due).values(due_at=now() + LEASE))
        return db.get(OutgoingMail, mail_id) if cast("CursorResult[Any]", claimed).rowcount else None


def left() -> Sequence[int]:
    """Return the ids of mails that are due and nobody has delivered."""
    due = select(OutgoingMail.id).where(OutgoingMail.due_at <= now() - LEFT)
    with SessionLocal() as db:
        return db.scalars(due.order_by(OutgoingMail.due_at).limit(BATCH)).all()
