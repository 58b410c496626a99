"""Work in the background: the routes that start it, and those by which its owners follow it."""

from app.posts import uploads
from app.settings import Settings
from app.tasks import router
from app.tasks.waiting import queued

__all__ = ["largest_bodies", "queued", "routers"]

routers = (uploads.router, router.router)


def largest_bodies(settings: Settings) -> dict[tuple[str, str], int]:
    """Return the limits of the routes that take larger bodies than the others."""
    return {("POST", "/posts/import"): settings.import_max_bytes + uploads.FORM_BYTES}
