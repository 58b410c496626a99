"""Tasks about accounts: mail, and tokens that have expired."""

from sqlalchemy.orm import Session

from app.auth import mails
from app.auth.purging import purge_expired
from app.database import commits
from app.worker import celery, outbox


@celery.task(soft_time_limit=outbox.LIMIT_SECONDS - 10, time_limit=outbox.LIMIT_SECONDS)
def deliver_mail(mail_id: int) -> None:
    outbox.deliver(mail_id, mails.deliver)


def queue_mail(db: Session, kind: mails.Kind, address: str) -> None:
    """Keep a mail in the outbox, and queue its delivery after the commit."""
    commits.later(db, deliver_mail.delay, outbox.keep(db, kind, address))


@celery.task
def deliver_left() -> None:
    """Queue mails that are overdue."""
    for mail_id in outbox.left():
        deliver_mail.delay(mail_id)


@celery.task
def purge_expired_tokens() -> None:
    purge_expired()
