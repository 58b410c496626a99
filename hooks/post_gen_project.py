"""Finish the project: remove what this variant does not use, write `.env`, and start a repository and a lock file."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

# Left by pre_gen_project.py. What is older was there before, and cookiecutter was told to skip it.
BEGUN = Path(".baking")
# Files, never folders: in a folder that was there before, somebody else may have files too.
UNUSED: list[str] = [
    # {% if not cookiecutter.__sqlite %}
    "app/engines/sqlite.py",
    "deploy/kubernetes/storage.yaml",
    "tests/folder.py",
    "tests/integration/test_migrations_sqlite.py",
    "tests/integration/test_sqlite_outages.py",
    "tests/unit/test_sqlite_files.py",
    # {% endif %}
    # {% if not cookiecutter.__postgresql %}
    "app/engines/postgresql.py",
    # {% endif %}
    # {% if not cookiecutter.__mysql %}
    "app/engines/mysql.py",
    # {% endif %}
    # {% if not cookiecutter.__database_server %}
    "app/engines/stale.py",
    "deploy/kubernetes/migrate.yaml",
    "deploy/kubernetes/scaling.yaml",
    "tests/integration/test_migrations_server.py",
    "tests/integration/test_lost_connections.py",
    "tests/server.py",
    # {% endif %}
    # {% if not cookiecutter.__redis_server %}
    "app/settings/redis_urls.py",
    "tests/redis_server.py",
    "tests/replica.py",
    # {% endif %}
    # {% if not cookiecutter.__database_server and not cookiecutter.use_redis %}
    "tests/proxy.py",
    # {% endif %}
    # {% if not cookiecutter.use_redis %}
    "app/cache/__init__.py",
    "app/cache/cache_store.py",
    "app/rate_limiting/redis.py",
    "tests/caching.py",
    "tests/integration/test_cache_concurrency.py",
    "tests/integration/test_cache_invalidation.py",
    "tests/integration/test_cache_outage.py",
    "tests/integration/test_cache_privacy.py",
    "tests/integration/test_shared_buckets.py",
    "tests/outage.py",
    "tests/unit/test_cache_settings.py",
    "tests/unit/test_cache_store.py",
    # {% endif %}
    # {% if not cookiecutter.use_celery %}
    "app/auth/tasks.py",
    "app/worker/messages.py",
    "app/models/outgoing_mail.py",
    "app/models/post_import.py",
    "app/worker/outbox.py",
    "app/imports/csv_rows.py",
    "app/imports/service.py",
    "app/imports/tasks.py",
    "app/imports/router.py",
    "app/imports/__init__.py",
    "app/imports/progress.py",
    "app/imports/schemas.py",
    "app/worker/waiting.py",
    "app/settings/brokers.py",
    "app/worker/__init__.py",
    "deploy/kubernetes/beat.yaml",
    "deploy/kubernetes/worker-mail.yaml",
    "deploy/kubernetes/worker.yaml",
    "docs/scaling.md",
    "migrations/versions/20261122_7e3b5a9c1d42_post_imports.py",
    "migrations/versions/20261128_9d41c7e0b3a6_outgoing_mails.py",
    "tests/eager.py",
    "tests/integration/test_import_again.py",
    "tests/integration/test_import_limits.py",
    "tests/integration/test_import_meeting.py",
    "tests/integration/test_import_posts.py",
    "tests/integration/test_import_queued.py",
    "tests/integration/test_import_refused.py",
    "tests/integration/test_outbox.py",
    "tests/integration/test_queue_length.py",
    "tests/integration/test_tasks.py",
    "tests/integration/test_tasks_scheduled.py",
    "tests/integration/test_worker.py",
    "tests/integration/test_worker_broker.py",
    "tests/unit/test_csv_rows.py",
    "tests/unit/test_brokers.py",
    "tests/unit/test_worker_settings.py",
    "tests/workers.py",
    # {% endif %}
    # {% if cookiecutter.ci_provider != 'github' %}
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    # {% endif %}
    # {% if cookiecutter.ci_provider != 'gitlab' %}
    ".gitlab-ci.yml",
    "renovate.json",
    # {% endif %}
]
# What tools leave in a clone of the template that they were run in, and cookiecutter copies like any other file.
CACHES = (".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__")
# What .env.example has no value for that would do, and how many random bytes each is made of.
SECRETS = {"SECRET_KEY": 48, "DATABASE_PASSWORD": 24, "REDIS_PASSWORD": 24}
GIT_SECONDS = 20
LOCK_SECONDS = 60


def remove_unused() -> None:
    """Remove what this bake has written of UNUSED, and the folders that are empty then."""
    begun = BEGUN.stat().st_mtime_ns
    BEGUN.unlink()
    for name in UNUSED:
        path = Path(name)
        if not path.is_file():
            sys.exit(f"{name}: the template has no such file; correct UNUSED in its hooks/post_gen_project.py.")
        if path.stat().st_mtime_ns < begun:
            continue
        path.unlink()
        if not any(path.parent.iterdir()):
            os.removedirs(path.parent)


def remove_caches() -> None:
    for folder in [path for path in Path().rglob("*") if path.name in CACHES and ".venv" not in path.parts]:
        shutil.rmtree(folder, ignore_errors=True)


def mark_scripts() -> None:
    """Make the scripts executable, which they are not when the template came as a zip file."""
    for script in Path("scripts").iterdir():
        script.chmod(script.stat().st_mode | 0o111)


def write_env() -> None:
    """Write `.env` with secrets of its own, unless there is one already."""
    lines = Path(".env.example").read_text(encoding="utf-8").splitlines()
    for name, size in SECRETS.items():
        secret = f"{name}={secrets.token_urlsafe(size)}"
        lines = [secret if line.startswith(f"{name}=") else line for line in lines]
    try:
        descriptor = os.open(".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as env:
        env.write("\n".join(lines) + "\n")


def failure_of(*command: str, seconds: int) -> str | None:
    """Run a command quietly; return what it said when it failed, and nothing when it did not."""
    try:
        result = subprocess.run(
            command, capture_output=True, check=False, encoding="utf-8", errors="replace", timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if result.returncode == 0 else result.stderr.strip()


def start_repository() -> None:
    """Start a repository on the branch main, unless there is no git or the folder belongs to a repository already."""
    here = Path.cwd()
    if not shutil.which("git"):
        return
    if any((folder / ".git").exists() for folder in (here, *here.parents)):
        # A folder that the repository around it ignores, as this one's bakes/, is none of its own.
        ignored = failure_of("git", "check-ignore", "--quiet", ".", seconds=GIT_SECONDS) is None
        if not ignored:
            return
    failure = failure_of("git", "init", "--quiet", "--initial-branch=main", seconds=GIT_SECONDS)
    if failure is not None:
        print(f"No repository was started; type git init in the project. Git said:\n{failure}", file=sys.stderr)


def lock() -> None:
    """Pin the versions of all packages if uv is installed; TEMPLATE_LOCK=0, for the template's tests, leaves it out."""
    if os.environ.get("TEMPLATE_LOCK") == "0" or not shutil.which("uv"):
        return
    # A network that is not there shall cost a second, not a minute.
    os.environ.setdefault("UV_HTTP_RETRIES", "0")
    failure = failure_of("uv", "lock", "--quiet", seconds=LOCK_SECONDS)
    if failure is not None:
        print(f"No lock file was written; type make lock in the project. uv said:\n{failure}", file=sys.stderr)


def main() -> None:
    remove_unused()
    remove_caches()
    mark_scripts()
    write_env()
    start_repository()
    lock()
    folder = str(Path.cwd())
    print(f"""
The project is ready:

    cd {f'"{folder}"' if " " in folder else folder}
    make dev     serves it on http://127.0.0.1:8000, its documentation on http://127.0.0.1:8000/docs
    make test    runs its tests
    make up      starts it in containers, where Docker is
""")


if __name__ == "__main__":
    main()
