"""Options, variants as parameters, one bake a variant and session, servers, and the table of what ran."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import variants
from tests.matrix import Matrix
from tests.servers import VARIABLES, ServersMissing, provide
from tests.variants import Variant

SERVERS = ("postgresql", "mysql")
until_the_end = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only", default="*", help="variants to test, such as 'mysql*,sqlite'; others aren't baked")


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    try:
        variants.select(config.getoption("only"))
    except variants.NoVariant as problem:
        raise pytest.UsageError(str(problem)) from None
    if is_worker(config):
        return
    config.pluginmanager.register(Matrix(), "matrix")
    # Workers inherit what is started here; each would start servers of its own otherwise.
    if config.getoption("numprocesses", default=None) and not config.option.collectonly:
        start_servers(SERVERS)


def start_servers(names: tuple[str, ...]) -> None:
    try:
        os.environ.update(until_the_end.enter_context(provide(names)))
    except ServersMissing as problem:
        raise pytest.UsageError(str(problem)) from None


def pytest_unconfigure() -> None:
    until_the_end.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, chosen in (
        ("variant", lambda: variants.select(metafunc.config.getoption("only"))),
        ("combination", variants.pairwise),
    ):
        if name in metafunc.fixturenames:
            # One worker tests all of a variant, since its bake and its environment are made once.
            params = [pytest.param(one, id=one.id, marks=pytest.mark.xdist_group(one.id)) for one in chosen()]
            metafunc.parametrize(name, params, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        stage = item.get_closest_marker("stage")
        variant = item.callspec.params.get("variant") if isinstance(item, pytest.Function) and stage else None
        if stage and isinstance(variant, Variant):
            item.user_properties += [("variant", variant.id), ("stage", stage.args[0])]


@pytest.fixture(scope="session")
def project(variant: Variant, cookies_session: Any) -> Path:
    """The variant's folder, baked once; the stages of one variant use it one after another."""
    return baked(variant, cookies_session)


@pytest.fixture(scope="session")
def combined_project(combination: Variant, cookies_session: Any) -> Path:
    return baked(combination, cookies_session)


def baked(variant: Variant, cookies: Any) -> Path:
    result = cookies.bake(extra_context=dict(variant.options))
    assert result.exit_code == 0, f"{variant.id} can't be baked: {result.exception!r}"
    return Path(result.project_path)


@pytest.fixture(scope="session")
def servers(variant: Variant) -> None:
    """The servers that the variant needs; their variables are set."""
    needed = [name for name in SERVERS if name == variant.engine and VARIABLES[name] not in os.environ]
    for name in needed:
        start_servers((name,))


@pytest.fixture(scope="session")
def environment(project: Path) -> Iterator[Path]:
    """The project with its own environment."""
    from tests import stages

    stages.install(project)
    yield project
