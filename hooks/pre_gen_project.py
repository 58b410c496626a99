"""Refuse answers that cannot be baked: a sentence for each of them, all at once.

By now cookiecutter has made the folder; it removes what it made when this fails. So that a slug such as `a/b` leaves
nothing behind, `__answers` of cookiecutter.json keeps the answers as they were given and `__folder` makes the slug safe.
"""

import json
import os
import re
import sys
import unicodedata
from pathlib import Path

# Data, not code: `tojson` writes ASCII in which three quotes never meet, and Python reads no escapes in a raw string.
FACTS = json.loads(r"""{{ cookiecutter | tojson }}""")

CHOICES = {
    "license": ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary"),
    "database_engine": ("sqlite", "postgresql", "mysql"),
    "use_redis": (False, True),
    "use_celery": (False, True),
    "ci_provider": ("github", "gitlab", "none"),
    "python_version": ("3.15", "3.14", "3.13", "3.12", "3.11"),
}
TEXTS = ("project_name", "description", "author_name", "author_email")
NEVER_EMPTY = ("project_name", "author_name")
# An answer is text. What cookiecutter was given as `key=value` it has already rendered by now: see docs/options.md.
JINJA = re.compile(r"\{[{%]")
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# The slug also names a database and, with `_test_gw0` behind it, those of the tests; a server allows 63 bytes.
LONGEST_SLUG = 50

DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
DATABASES = {"information-schema", "mysql", "performance-schema", "postgres", "sys", "template0", "template1"}
# What the project installs, directly or not: uv takes a requirement of the project's own name for the project itself.
DEPENDENCIES = set(
    """
    aiosmtpd alembic amqp annotated-doc annotated-types anyio argon2-cffi argon2-cffi-bindings ast-serialize
    async-timeout atpublic attrs billiard celery celery-types certifi cffi cfgv charset-normalizer click
    click-didyoumean click-plugins click-repl colorama coverage cryptography deprecated deptry distlib dnspython docker
    email-validator execnet factory-boy faker fastapi fastapi-swagger filelock graphql-core h11 harfile httpcore2
    httptools httpx2 httpx2-jsfetch hypothesis hypothesis-graphql identify idna iniconfig jinja2 jsonschema-rs kombu librt
    limits mako markdown-it-py markupsafe mdurl mypy mypy-extensions nodeenv opentelemetry-api opentelemetry-exporter-otlp-proto-http
    opentelemetry-instrumentation-celery opentelemetry-instrumentation-redis opentelemetry-sdk packaging pathspec
    platformdirs pluggy pre-commit prometheus-client prompt-toolkit psycopg psycopg-binary pwdlib pycparser pydantic pydantic-core
    pydantic-settings pygments pyjwt pymysql pyrate-limiter pytest pytest-cov pytest-randomly pytest-timeout
    pytest-xdist python-dateutil python-discovery python-dotenv python-multipart pywin32 pyyaml redis requests
    requirements-parser rich ruff schemathesis sentry-sdk shellingham six sortedcontainers sqlalchemy starlette structlog
    testcontainers tomli truststore typer types-pymysql typing-extensions typing-inspection tzdata tzlocal urllib3
    uvicorn uvloop vine virtualenv wcwidth websockets werkzeug wrapt
    """.split()  # noqa: SIM905 - a list would have a line for each
)

# Invisible, or able to show code in another order than it runs in: zero-width space and the bidirectional controls.
DECEPTIVE = {"\u200b", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
NONCHARACTERS = range(0xFDD0, 0xFDF0)


def unfit(character: str) -> bool:
    """Tell whether the character may not stand in TOML, YAML or Python, or ends a line there."""
    code = ord(character)
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or character in DECEPTIVE
        or code in NONCHARACTERS
        or code & 0xFFFE == 0xFFFE  # noqa: PLR2004 - the last two of each plane
    )


def shown(value: object) -> str:
    """Return the value as it fits in a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(str(value))} characters)"  # noqa: PLR2004


def wrong_choice(option: str, value: object) -> str | None:
    allowed = CHOICES[option]
    # 1 is equal to True.
    if any(value == choice and type(value) is type(choice) for choice in allowed):
        return None
    return f"{option}: {shown(value)} is not offered; choose from {', '.join(map(json.dumps, allowed))}."


def wrong_text(option: str, value: object) -> str | None:
    if not isinstance(value, str):
        return f"{option}: {shown(value)} is not text; give text on one line."
    found = sorted({character for character in value if unfit(character)})
    if found:
        names = ", ".join(f"U+{ord(character):04X}" for character in found)
        return f"{option}: {shown(value)} contains {names}; give text on one line, without control characters."
    jinja = JINJA.search(value)
    if jinja:
        return f"{option}: {shown(value)} contains {jinja[0]}, which begins an expression of Jinja; leave it out."
    if option in NEVER_EMPTY and not value.strip():
        return f"{option}: {shown(value)} is empty; give a name."
    return None


def wrong_slug(value: object) -> str | None:
    if not isinstance(value, str) or not SLUG.fullmatch(value) or len(value) > LONGEST_SLUG:
        return (
            f"project_slug: {shown(value)} is no slug; use lower-case words of letters a-z and digits joined by single "
            f"hyphens, a letter first, at most {LONGEST_SLUG} characters."
        )
    for names, meaning in (
        (DEVICES, "is a device on Windows, where no folder can have that name"),
        (DATABASES, "is a database that servers keep for themselves"),
        (DEPENDENCIES, "is a package that the project installs"),
    ):
        if value in names:
            return f"project_slug: {shown(value)} {meaning}; choose another name."
    return None


def wrong_default() -> str | None:
    """Return what cookiecutter could not take over from the user's `default_context`; it then warns, and drops the rest."""
    if "COOKIECUTTER_CONFIG" not in os.environ and not Path("~/.cookiecutterrc").expanduser().exists():
        return None
    # Only here, since they take longer to import than the hook to run.
    from cookiecutter.config import get_user_config  # noqa: PLC0415
    from cookiecutter.generate import apply_overwrites_to_context  # noqa: PLC0415

    offered = {option: False if False in values else list(values) for option, values in CHOICES.items()}
    try:
        apply_overwrites_to_context(offered, get_user_config()["default_context"])
    except ValueError as error:
        # Not necessarily the file that cookiecutter read: it does not tell a hook of --config-file and --default-config.
        return f"default_context of your cookiecutter configuration: {error} COOKIECUTTER_CONFIG can name another file."
    return None


def problems() -> list[str]:
    """Return what is wrong with the answers."""
    try:
        answers = json.loads(FACTS["__answers"])
        found = [wrong_default(), wrong_slug(answers["project_slug"])]
        found += [wrong_text(option, answers[option]) for option in TEXTS]
        found += [wrong_choice(option, answers[option]) for option in CHOICES]
    except (KeyError, TypeError, ValueError):
        return ["The answers are not those of this version of the template; bake without --replay."]
    if not any(found):
        # Everything else in the file was derived from the answers as they were.
        changed = [option for option in answers if FACTS.get(option) != answers[option]]
        found += [
            f"{option}: {shown(FACTS.get(option))} was edited into the replay file; bake without --replay."
            for option in changed
        ]
    return [problem for problem in found if problem]


def main() -> None:
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        sys.exit(1)
    # Its time tells post_gen_project.py which files the bake has written; in a folder that was there before, not all.
    Path(".baking").touch()


if __name__ == "__main__":
    main()
