"""Options, variants as parameters, one bake a variant and session, servers, and the table of what ran."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer

from tests import stages, variants
from tests.matrix import Matrix
from tests.scheduling import ByVariant
from tests.servers import VARIABLES, ServersMissing, provide
from tests.variants import Variant

EVERY = "*"
SERVERS = ("postgresql", "mysql", "redis")
until_the_end = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-servers", action="store_true", help="start none: the tests chosen need no server")
    parser.addoption("--only", default=EVERY, help="variants to test, such as 'mysql*,sqlite'; others aren't baked")


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    try:
        variants.select(config.getoption("only"))
    except variants.NoVariant as problem:
        raise pytest.UsageError(str(problem)) from None
    # Each bake would be locked otherwise; the stage `install` does that, where its time is seen.
    os.environ["TEMPLATE_LOCK"] = "0"
    if is_worker(config):
        return
    config.pluginmanager.register(Matrix(), "matrix")
    # Workers inherit what is started here; each would start servers of its own otherwise.
    if config.getoption("numprocesses", default=None) and not config.getoption("no_servers"):
        start_servers(SERVERS)


def start_servers(names: tuple[str, ...]) -> None:
    try:
        os.environ.update(until_the_end.enter_context(provide(names)))
    except ServersMissing as problem:
        raise pytest.UsageError(str(problem)) from None


def pytest_unconfigure() -> None:
    until_the_end.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for a `variant` each of them, and one marked `combinations` the other options' values too."""
    if "variant" not in metafunc.fixturenames:
        return
    only = metafunc.config.getoption("only")
    chosen = variants.select(only)
    if metafunc.definition.get_closest_marker("combinations") and only == EVERY:
        chosen += variants.pairwise()
    metafunc.parametrize("variant", chosen, ids=[one.id for one in chosen], scope="session")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByVariant:
    return ByVariant(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    run = {variant.id for variant in variants.variants()}
    for item in items:
        stage = item.get_closest_marker("stage")
        variant = item.callspec.params["variant"] if isinstance(item, pytest.Function) and stage else None
        if stage and isinstance(variant, Variant) and variant.id in run:
            item.user_properties += [("variant", variant.id), ("stage", stage.args[0])]


@pytest.fixture(scope="session")
def project(variant: Variant, cookies_session: Any) -> Path:
    """The variant's folder, baked once; the stages of one variant use it one after another."""
    result = cookies_session.bake(extra_context=dict(variant.options))
    assert result.exit_code == 0, f"{variant.id} can't be baked: {result.exception!r}"
    return Path(result.project_path)


@pytest.fixture(scope="session")
def servers(variant: Variant) -> None:
    """The servers that the variant needs; their variables are set."""
    for name in variant.servers:
        if VARIABLES[name] not in os.environ:
            start_servers((name,))


@pytest.fixture(scope="session")
def installed(project: Path) -> Path:
    """The project with its own environment, installed once."""
    stages.install(project)
    return project
