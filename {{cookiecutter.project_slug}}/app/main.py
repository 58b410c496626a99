"""The application."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.dependencies import HASHING_THREADS
from app.api.docs import install_docs
from app.api.errors import documented, install_handlers
from app.auth import recovery_router as recovery
from app.auth import router as auth
from app.database import engine

# {%- if cookiecutter.use_celery +%}
from app.imports import routers as import_routers

# {%- endif +%}
from app.middleware import install_middleware
from app.middleware.paths import HeadAsGet, OptionalTrailingSlash
from app.observability import health, metrics, tracing
from app.observability.logs import configure_logging
from app.observability.shutdown import drain_on_sigterm
from app.posts import router as posts
from app.rate_limiting.limiter import install_rate_limits
from app.settings import Environment, Settings, get_settings
from app.settings.production import risks
from app.users import router as users

logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Bound the thread pool by what the connection pool can serve; close the connections at the end."""
    configure_logging(app.state.settings)
    if app.state.settings.environment is Environment.PRODUCTION:
        for risk in risks(app.state.settings):
            logger.warning("%s", risk)
    drain_on_sigterm(app, app.state.settings.drain_seconds)
    to_thread.current_default_thread_limiter().total_tokens = app.state.settings.request_threads + HASHING_THREADS
    # What is loaded by now stays. The garbage collector looking through it again and again made up 9/10 of the time that
    # large JSON took to be parsed.
    gc.freeze()
    yield
    engine.dispose()


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; its database is the one of `app.database.engine`, whatever the settings given."""
    settings = settings or get_settings()
    app = FastAPI(
        title="{{ cookiecutter.__project_name }}",
        description="{{ cookiecutter.__description }}",
        debug=settings.debug,
        lifespan=lifespan,
        redirect_slashes=False,
        # Theirs load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        telemetry=tracing.start(settings),
    )
    app.state.settings = settings
    install_rate_limits(app)
    app.add_middleware(OptionalTrailingSlash)
    app.add_middleware(HeadAsGet)
    install_handlers(app)
    install_middleware(app, settings)
    # Requests try one after another: the busiest comes first.
    for router in (
        posts.router,
        users.router,
        auth.router,
        recovery.router,
        # {% if cookiecutter.use_celery %}
        *import_routers,
        # {% endif %}
    ):
        # While the database is unavailable, so is each of them.
        app.include_router(router, responses=documented(503))
    for router in (health.router, metrics.router):
        app.include_router(router)
    install_docs(app)
    return app


def operation_id(route: APIRoute) -> str:
    """Return a short name for clients generated from the schema."""
    return route.name


app = create_app()
