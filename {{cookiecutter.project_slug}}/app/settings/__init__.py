"""Settings of the application, read from the environment and from `.env`."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AnyUrl,
    BeforeValidator,
    Field,
    HttpUrl,
    IPvAnyNetwork,
    SecretStr,
    UrlConstraints,
    # {% if cookiecutter.__redis_server %}
    field_validator,
    # {% endif %}
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from app import engines
from app.settings.production import refuse_unsafe
from app.settings.values import FromJSON, Host, MailAddress, Origin, Rate

EXAMPLE_URL = "{{ cookiecutter.__database_url }}"
MailUrl = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["console", "smtp", "smtps"])]
SigningKey = Annotated[SecretStr, Field(min_length=1)]
EmptyAsNone = BeforeValidator(lambda value: value or None)


class Environment(StrEnum):
    """Where the process runs; production refuses settings that are only safe elsewhere."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


def with_driver(url: str) -> str:
    """Return the URL with the driver that this project installs, whichever driver it names."""
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError):
        # Without the original message: it repeats the port, which in a mistyped URL may be the password.
        raise ValueError(f"must look like {EXAMPLE_URL}") from None
    schemes = engines.CURRENT.SCHEMES
    given = parsed.drivername.partition("+")[0]
    if given not in schemes:
        raise ValueError(f"names the engine {given!r}; this project runs on {schemes[0]!r}")
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError("names no database")
    parsed = parsed.set(drivername=engines.CURRENT.DRIVER)
    engines.connect_args(parsed)
    return parsed.render_as_string(hide_password=False)


class Settings(BaseSettings):
    """All settings; each is read from the environment variable of the same name in capitals."""

    # `FromJSON` decodes instead, whose errors are reported with all others and name the setting.
    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, enable_decoding=False
    )

    environment: Environment = Environment.DEVELOPMENT
    debug: bool = False
    database_url: Annotated[str, Field(repr=False), AfterValidator(with_driver)]
    secret_key: SigningKey
    secret_key_fallbacks: Annotated[tuple[SigningKey, ...], FromJSON] = ()
    access_token_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    refresh_grace_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    password_reset_minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 60
    email_verification_hours: Annotated[int, Field(ge=1, le=30 * 24)] = 48
    breached_passwords_url: Annotated[HttpUrl | None, EmptyAsNone] = None
    account_rate: Rate = "10/5 minutes"
    address_rate: Rate = "100/5 minutes"
    mail_rate: Rate = "3/hour"
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], FromJSON] = ()
    trusted_hosts: Annotated[tuple[Host, ...], FromJSON, Field(min_length=1)] = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: Annotated[tuple[Origin, ...], FromJSON] = ()
    cors_credentials: bool = False
    hsts_seconds: Annotated[int, Field(ge=0, le=2 * 365 * 24 * 3600)] = 365 * 24 * 3600
    request_max_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    request_body_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    request_threads: Annotated[int, Field(ge=1, le=200)] = 8
    drain_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    mail_url: Annotated[MailUrl, Field(repr=False)] = AnyUrl("console://")
    mail_from: MailAddress = "app@example.com"
    public_url: HttpUrl = HttpUrl("http://localhost:8000")
    # {% if cookiecutter.use_redis %}
    redis_url: Annotated[str, Field(repr=False)] = "redis://localhost:6379/0"
    cache_prefix: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    cache_seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = 300

    @field_validator("redis_url")
    @classmethod
    def check_redis_url(cls, url: str) -> str:
        from app.settings import redis_urls  # noqa: PLC0415 - only some projects have a Redis server

        return redis_urls.check(url)

    # {% endif %}
    # {% if cookiecutter.use_celery %}
    celery_broker_url: Annotated[str, Field(repr=False)] = "redis://localhost:6379/1"
    celery_broker_options: Annotated[dict[str, object], FromJSON, Field(repr=False)] = {}
    celery_queue: Annotated[str, Field(min_length=1)] = "{{ cookiecutter.project_slug }}"
    import_max_bytes: Annotated[int, Field(ge=1, le=8_000_000)] = 5_000_000
    import_rate: Rate = "20/hour"

    @field_validator("celery_broker_url")
    @classmethod
    def check_broker_url(cls, url: str) -> str:
        from app.settings import brokers  # noqa: PLC0415 - only some projects have a broker

        return brokers.check(url)

    # {% endif %}
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        if self.environment is Environment.PRODUCTION:
            refuse_unsafe(self)
        return self


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once; raises `pydantic.ValidationError`."""
    return Settings()
