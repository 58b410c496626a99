"""Settings of the application, read from the environment and from `.env`."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from app import engines
from app.settings.production import refuse_unsafe
from app.settings.setting_values import FromJSON, Host, MailAddress, Network, Origin, Rate, SigningKey
from app.settings.urls import url_of

# The names of the engine in URLs: hosts do not agree on one.
ENGINE_NAMES = r"{{ cookiecutter.__engine_names }}"
DATABASE_DRIVER = "{{ cookiecutter.__database_driver }}"
EXAMPLE_URL = "{{ cookiecutter.__database_url }}"


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
    parsed = parsed.set(drivername=DATABASE_DRIVER)
    engines.connect_args(parsed)
    return parsed.render_as_string(hide_password=False)


class Settings(BaseSettings):
    """All settings; each is the environment variable of the same name in capitals."""

    # What is in JSON is read by `app.settings.setting_values`, whose complaint is one of many and names the setting.
    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, enable_decoding=False
    )

    environment: Environment = Environment.DEVELOPMENT
    debug: bool = False
    database_url: Annotated[str, Field(repr=False), AfterValidator(with_driver)]
    secret_key: Annotated[str, Field(repr=False, min_length=1)]
    secret_key_fallbacks: Annotated[tuple[SigningKey, ...], FromJSON, Field(repr=False)] = ()
    access_token_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    refresh_grace_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    password_reset_minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 60
    email_verification_hours: Annotated[int, Field(ge=1, le=30 * 24)] = 48
    breached_passwords_url: Annotated[str, url_of("http", "https", optional=True)] = ""
    account_rate: Rate = "10/5 minutes"
    address_rate: Rate = "100/5 minutes"
    mail_rate: Rate = "3/hour"
    trusted_proxies: Annotated[tuple[Network, ...], FromJSON] = ()
    trusted_hosts: Annotated[tuple[Host, ...], FromJSON, Field(min_length=1)] = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: Annotated[tuple[Origin, ...], FromJSON] = ()
    cors_credentials: bool = False
    hsts_seconds: Annotated[int, Field(ge=0, le=2 * 365 * 24 * 3600)] = 365 * 24 * 3600
    request_max_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    request_body_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    request_threads: Annotated[int, Field(ge=1, le=200)] = 8
    drain_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    mail_url: Annotated[str, Field(repr=False), url_of("console", "smtp", "smtps")] = "console://"
    mail_from: MailAddress = "app@example.com"
    public_url: Annotated[str, url_of("http", "https")] = "http://localhost:8000"
    # {% if cookiecutter.use_redis %}
    redis_url: Annotated[str, Field(repr=False), url_of("redis", "rediss", then="app.settings.redis_urls:check")] = (
        "redis://localhost:6379/0"
    )
    cache_prefix: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    cache_seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = 300
    # {% endif %}
    # {% if cookiecutter.use_celery %}
    celery_broker_url: Annotated[str, Field(repr=False), url_of(then="app.settings.brokers:check")] = (
        "redis://localhost:6379/1"
    )
    celery_broker_options: Annotated[dict[str, object], FromJSON, Field(repr=False)] = {}
    celery_queue: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    import_max_bytes: Annotated[int, Field(ge=1, le=8_000_000)] = 5_000_000
    import_rate: Rate = "20/hour"
    # {% endif %}
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    metrics_token: Annotated[str, Field(repr=False)] = ""

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        if self.environment is Environment.PRODUCTION:
            refuse_unsafe(self)
        return self


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once; raises `pydantic.ValidationError` naming what is wrong."""
    return Settings()
