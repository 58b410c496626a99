"""Work in the background: the routes that start it, and those by which its owners follow it."""

from app.auth import mails
from app.auth.tasks import queue_mail
from app.imports import progress, router
from app.settings import Settings
from app.worker.waiting import queued

__all__ = ["largest_bodies", "queued", "routers"]

mails.dispatch = queue_mail
routers = (router.router, progress.router)


def largest_bodies(settings: Settings) -> dict[tuple[str, str], int]:
    """Return the limits of the routes that take larger bodies than the others."""
    return {("POST", "/posts/import"): settings.import_max_bytes + router.FORM_BYTES}
