"""The command line: `python -m app.cli`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from app import connections
from app.observability.logs import log_config
from app.settings import get_settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"
METRICS = "PROMETHEUS_MULTIPROC_DIR"

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def complain(error: ValidationError | RequestValidationError) -> None:
    """Print one line for each thing that is wrong with the input."""
    for problem in error.errors():
        field = ".".join(str(part) for part in problem["loc"] if part != "body")
        message = problem["msg"].removeprefix("Value error, ")
        print(f"{field}: {message}" if field else message, file=sys.stderr)


@contextmanager
def database_complaints() -> Iterator[None]:
    """Print what the database says where it can't be reached, or has no tables yet."""
    try:
        yield
    except DBAPIError as error:
        print(f"The database refuses (is DATABASE_URL right, is it migrated?): {error.orig}", file=sys.stderr)
        raise typer.Exit(1) from None


@cli.callback()
def check_settings() -> None:
    """Migrate, serve, and look after the accounts."""
    try:
        get_settings()
    except ValidationError as error:
        print("The settings (environment variables or .env) are wrong:", file=sys.stderr)
        complain(error)
        raise typer.Exit(2) from None


@cli.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Where to go: head, a later revision, or base.")] = "head",
) -> None:
    """Bring the database's tables up to a revision, or take them all down with base."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with database_complaints():
            if revision == "base":
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
    except CommandError as error:
        print(f"Cannot migrate to {revision!r}: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes to serve with.")] = 1,
    *,
    reload: Annotated[bool, typer.Option(help="Start again when the code changes.")] = False,
) -> None:
    """Serve the API."""
    connections.allow_many_files()
    with shared_metrics(workers):
        uvicorn.run(
            "app.main:app",
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            reload_dirs=str(Path(__file__).parent) if reload else None,
            timeout_graceful_shutdown=30,
            timeout_keep_alive=connections.KEEP_ALIVE_SECONDS,
            http=connections.BoundedProtocol,
            backlog=connections.BACKLOG,
            # A process that is still importing says nothing, and would be ended and started again for ever.
            timeout_worker_healthcheck=60,
            log_config=log_config(get_settings()),
            # The application has a line for each request, without what its address may hold.
            access_log=False,
            # The application sees to it, and takes the word of no proxy that TRUSTED_PROXIES does not name.
            proxy_headers=False,
            server_header=False,
        )


@contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """Give several processes an empty folder to add their numbers up in, unless one is named."""
    if workers == 1 or METRICS in os.environ:
        yield
        return
    with TemporaryDirectory() as folder:
        os.environ[METRICS] = folder
        try:
            yield
        finally:
            del os.environ[METRICS]


@cli.command()
def purge() -> None:
    """Delete the tokens of sessions and mails that have expired."""
    from app.auth.purging import purge_expired  # noqa: PLC0415 - reads the settings, as below

    with database_complaints():
        print(f"{purge_expired()} expired tokens were deleted.")


# {% if cookiecutter.use_celery %}
@cli.command(name="worker")
def work(
    processes: Annotated[int | None, typer.Option(min=1, help="Tasks at a time, by default one a processor.")] = None,
    *,
    mail: Annotated[
        bool | None, typer.Option("--mail/--no-mail", help="Send mail alone, or do everything else.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Take tasks from this queue alone.")] = None,
) -> None:
    """Do the tasks that are queued: all of them, unless an option names some."""
    if queue is not None and mail is not None:
        raise typer.BadParameter("--queue names the only queue; leave out --mail and --no-mail")
    from app.worker import celery, queues_for  # noqa: PLC0415 - reads the settings, as below

    worker = celery.Worker(
        concurrency=processes,
        queues=queue or ",".join(queues_for(mail=mail)),
        loglevel=get_settings().log_level,
        # Workers have nothing to tell each other.
        without_mingle=True,
        without_gossip=True,
    )
    worker.start()
    raise typer.Exit(worker.exitcode or 0)


@cli.command()
def beat() -> None:
    """Queue the tasks that are due by the clock; run one of these, however many workers there are."""
    from app.worker import celery  # noqa: PLC0415

    celery.start(["beat", "--loglevel", get_settings().log_level])


# {% endif %}
@cli.command()
def create_admin(
    email: Annotated[str, typer.Option(help="Address to log in with.")],
    password: Annotated[str | None, typer.Option(help="Password to log in with; asked for if it is not given.")] = None,
    name: Annotated[str, typer.Option(help="Name that people see.")] = "Admin",
) -> None:
    """Add a user who may do everything."""
    if password is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    # Imported here, since they read the settings, which `check_settings` looks at first.
    from app.api.errors import Conflict  # noqa: PLC0415
    from app.auth.accounts import create_user  # noqa: PLC0415
    from app.auth.schemas import UserRegister  # noqa: PLC0415
    from app.database import SessionLocal  # noqa: PLC0415
    from app.models import Role  # noqa: PLC0415

    try:
        data = UserRegister(email=email, name=name, password=password)
        with database_complaints(), SessionLocal.begin() as db:
            user = create_user(db, data, role=Role.ADMIN)
    except (ValidationError, RequestValidationError) as error:
        complain(error)
        raise typer.Exit(2) from None
    except Conflict as error:
        print(f"{error.detail}: {email}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{user.email} is an admin.")


if __name__ == "__main__":
    cli()
