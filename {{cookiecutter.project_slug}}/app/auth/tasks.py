"""Tasks about sessions."""

from app.auth.purging import purge_expired
from app.worker import celery


@celery.task
def purge_expired_tokens() -> None:
    purge_expired()
