"""Traces for OpenTelemetry and errors for Sentry, where the environment names a place for them.

By the environment alone: `OTEL_EXPORTER_OTLP_ENDPOINT` and the other variables of OpenTelemetry, and those of Sentry. Their
packages are extras of the project, of which nothing is imported where no variable is set.
"""

import logging
import os
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from fastapi.telemetry import TelemetryConfig

from app.observability.logs import without_secrets
from app.settings import Settings

logger = logging.getLogger(__name__)

TRACES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
ERRORS = ("SENTRY_DSN",)


def wanted(variables: tuple[str, ...], package: str, extra: str) -> bool:
    """Return whether one of the variables is set and the package there; a package that is missing is told."""
    named = next((name for name in variables if os.environ.get(name)), None)
    if named is None:
        return False
    try:
        found = find_spec(package) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        logger.warning("%s is set and its packages are missing: uv sync --extra %s installs them", named, extra)
    return found


def clean_event(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Return what Sentry may be sent of an error or a trace: as little as the log has, and so no query either."""
    clean: dict[str, Any] = without_secrets(event)
    clean.get("request", {}).pop("query_string", None)
    return clean


# {% if cookiecutter.use_celery %}
def start_worker(settings: Settings) -> None:
    """Send what is asked for from a process that does tasks, for which FastAPI does nothing."""
    if start(settings)["auto_configure"]:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
        provider = import_module("opentelemetry.sdk.trace").TracerProvider()
        provider.add_span_processor(import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(exporter))
        import_module("opentelemetry.trace").set_tracer_provider(provider)


# {% endif %}
def start(settings: Settings) -> TelemetryConfig:
    """Send what is asked for from now on, and return what FastAPI does for it."""
    if wanted(ERRORS, "sentry_sdk", "sentry"):
        import_module("sentry_sdk").init(
            environment=settings.environment.value,
            # Neither who it was, nor what was sent, nor what variables held, such as a password.
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            # With the lines of the log that came before, which an event has as well.
            before_send=clean_event,
            before_send_transaction=clean_event,
        )
    traced = wanted(TRACES, "opentelemetry.exporter.otlp.proto.http", "telemetry")
    # FastAPI traces itself; these are for the libraries around it, as they are installed.
    for found in entry_points(group="opentelemetry_instrumentor") if traced else ():
        instrumentor = found.load()()
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument()
    # Errors are in the log, where their text is cleaned.
    return {"auto_configure": traced, "logs": False}
