"""Settings of the application, read from the environment and from `.env`."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, EmailStr, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

# The names of the engine in URLs: hosts do not agree on one.
ENGINE_NAMES = r"{{ cookiecutter.__engine_names }}"
DATABASE_DRIVER = "{{ cookiecutter.__database_driver }}"
EXAMPLE_URL = "{{ cookiecutter.__database_url }}"
EXAMPLE_SECRET = "change-me: any text of at least 32 characters"  # noqa: S105 - the value of .env.example, which production refuses
SHORTEST_SECRET = 32
# The schemes of URLs that say all by themselves.
HOSTLESS = {"console", "sqs"}


class Environment(StrEnum):
    """Where the process runs; production refuses what is only safe elsewhere."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


def with_driver(url: str) -> str:
    """Return the URL with the driver that this project installs, whichever one it named."""
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError):
        # The second is of a port that is no number; in a mistyped URL that may be the password, so it is not repeated.
        raise ValueError(f"must look like {EXAMPLE_URL}") from None
    engine = DATABASE_DRIVER.partition("+")[0]
    given = parsed.drivername.partition("+")[0]
    if re.fullmatch(ENGINE_NAMES, given) is None:
        raise ValueError(f"names the engine {given!r}; this project runs on {engine!r}")
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError("names no database")
    return parsed.set(drivername=DATABASE_DRIVER).render_as_string(hide_password=False)


def url_of(*schemes: str) -> AfterValidator:
    """Return a check of URLs; what is wrong with one is said without repeating it, since it may hold a password."""

    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            well_formed = parts.scheme in schemes and (bool(parts.hostname) or parts.scheme in HOSTLESS)
            # Read for what it raises of a port that is none.
            well_formed = well_formed and parts.port != 0
        except ValueError:
            well_formed = False
        if not well_formed:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host")
        return url

    return AfterValidator(check)


class Settings(BaseSettings):
    """All settings; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    environment: Environment = Environment.DEVELOPMENT
    database_url: Annotated[str, Field(repr=False), AfterValidator(with_driver)]
    secret_key: Annotated[str, Field(repr=False, min_length=1)]
    access_token_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    request_threads: Annotated[int, Field(ge=1, le=200)] = 8
    mail_url: Annotated[str, Field(repr=False), url_of("console", "smtp", "smtps")] = "console://"
    mail_from: EmailStr = "app@example.com"
    # {% if cookiecutter.use_redis %}
    redis_url: Annotated[str, Field(repr=False), url_of("redis", "rediss")] = "redis://localhost:6379/0"
    cache_prefix: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    cache_seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = 300
    # {% endif %}
    # {% if cookiecutter.use_celery %}
    celery_broker_url: Annotated[
        str, Field(repr=False), url_of("redis", "rediss", "sentinel", "amqp", "amqps", "sqs")
    ] = "redis://localhost:6379/1"
    celery_queue: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    import_max_bytes: Annotated[int, Field(ge=1, le=16_000_000)] = 10_000_000
    # {% endif %}
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        if self.environment is Environment.PRODUCTION:
            secret = self.secret_key
            if secret == EXAMPLE_SECRET:
                raise ValueError("SECRET_KEY is the example's; production needs one of its own")
            if len(secret) < SHORTEST_SECRET:
                raise ValueError(f"SECRET_KEY has {len(secret)} characters; production needs {SHORTEST_SECRET} or more")
        return self


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once; raises `pydantic.ValidationError` naming what is wrong."""
    return Settings()
