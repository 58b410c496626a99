"""Work in the background: the routes that start it, and those by which its owners follow it."""

from app.posts import uploads
from app.tasks import router

routers = (uploads.router, router.router)
