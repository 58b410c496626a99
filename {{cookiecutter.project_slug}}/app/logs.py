"""Logging of the process."""

import logging.config

from app.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Send every logger's records to standard error, from the level of the settings up."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": settings.log_level, "handlers": ["stderr"]},
        }
    )
