"""Logging of the process: structlog behind the standard library's loggers, whoever they belong to."""

import logging.config
import re
import sys
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder
from structlog.typing import EventDict, Processor, WrappedLogger

from app.settings import Environment, Settings

# Of these, what is below INFO shows the messages that they carry: texts of mails, with tokens in them.
TALKATIVE = (
    # {% if cookiecutter.use_celery %}
    "amqp",
    "celery",
    "kombu",
    # {% endif %}
    "multipart",
    "python_multipart",
)
ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*")
# Access tokens, and the random ones that `secrets.token_urlsafe` makes of 32 bytes.
TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+|(?<![\w-])[\w-]{43}(?![\w-])")
SHORTEST_TOKEN = 43
# What `logging` lets nobody add to a record, except those that structlog hands it as arguments.
RESERVED = {*vars(logging.makeLogRecord({})), "message", "asctime"} - {"exc_info", "stack_info"}
add_extra = ExtraAdder()
add_time = TimeStamper(fmt="iso")


class Lines(logging.Formatter):
    """Passes records through processors of structlog, whose own formatter copies each of them: a tenth of what a line takes."""

    def __init__(self, renderer: Processor) -> None:
        super().__init__()
        # Of errors no more than their text: what shows the values of variables shows passwords.
        self.processors: tuple[Any, ...] = (add_time, merge_contextvars, format_exc_info, hide_secrets, renderer)

    def format(self, record: logging.LogRecord) -> str:
        line: Any = {"level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        if record.name.startswith("app."):
            # Others may have anything there, such as the arguments of a task.
            line = add_extra(logging.root, "", {**line, "_record": record})
            del line["_record"]
        if record.exc_info:
            line["exc_info"] = record.exc_info
        for processor in self.processors:
            line = processor(None, record.levelname, line)
        return str(line)


def hide_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Take addresses and tokens out of what others say, such as a mail server of those that it refuses."""
    return {key: without_secrets(value) for key, value in event.items()}


def without_secrets(value: object) -> Any:
    """Return the same with no address or token in any text, however deep; what JSON does not know becomes text."""
    if isinstance(value, str):
        text = ADDRESS.sub("[address]", value) if "@" in value else value
        return TOKEN.sub("[token]", text) if len(text) >= SHORTEST_TOKEN else text
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {without_secrets(str(key)): without_secrets(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return without_secrets(repr(value))


def rename_reserved(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Let code name a value as `logging` names its own: `name` becomes `name_`, and raises no `KeyError`."""
    return {f"{key}_" if key in RESERVED else key: value for key, value in event.items()}


def json_lines() -> Lines:
    """Return what makes an object of each line, for programs to read."""
    return Lines(structlog.processors.JSONRenderer(ensure_ascii=False))


def readable_lines() -> Lines:
    """Return what makes lines for people, in colour where they look at a terminal."""
    return Lines(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))


def log_config(settings: Settings) -> dict[str, Any]:
    """Return what `logging.config` takes; all of it is text, since it is sent to the processes of a server that has several."""
    lines = "json_lines" if settings.environment is Environment.PRODUCTION else "readable_lines"
    quiet = "INFO" if settings.log_level == "DEBUG" else settings.log_level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.{lines}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {name: {"level": quiet} for name in TALKATIVE},
        "root": {"level": settings.log_level, "handlers": ["stderr"]},
    }


def configure_logging(settings: Settings) -> None:
    """Send every logger's records to standard error, from the level of the settings up."""
    logging.config.dictConfig(log_config(settings))
    # What asks structlog for a logger goes the same way.
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, rename_reserved, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
