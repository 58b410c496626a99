"""The list of variants itself."""

import json
import subprocess
import sys
import tomllib

import pytest

from tests import variants
from tests.template import ROOT, SOURCE, choices


def test_the_variants_are_every_engine_with_and_without_redis_and_celery() -> None:
    ids = [variant.id for variant in variants.variants()]
    assert len(ids) == len(set(ids)) == 12
    assert {"sqlite", "mysql-celery", "postgresql-redis-celery"} <= set(ids)


def test_every_value_of_every_option_meets_every_value_of_every_other() -> None:
    covered = set().union(*(variants.pairs_of(variant.options) for variant in variants.pairwise()))
    for one, ones in choices().items():
        for other, others in choices().items():
            if one < other:
                expected = {frozenset({(one, a), (other, b)}) for a in ones for b in others}
                assert expected - covered == set()


def test_every_choice_of_cookiecutter_json_is_combined() -> None:
    assert set(variants.pairwise()[0].options) == {
        "license",
        "database_engine",
        "use_redis",
        "use_celery",
        "ci_provider",
        "python_version",
    }


@pytest.mark.parametrize(
    ("pattern", "servers"),
    [
        ("sqlite", []),
        ("sqlite-redis", ["redis"]),
        ("sqlite-celery", ["redis"]),
        ("mysql", ["mysql"]),
        ("postgresql-redis-celery", ["postgresql", "redis"]),
    ],
)
def test_a_variant_names_its_servers(pattern: str, servers: list[str]) -> None:
    (variant,) = variants.select(pattern)
    assert variant.servers == servers


def test_a_pattern_selects_variants() -> None:
    assert [variant.id for variant in variants.select("sqlite")] == ["sqlite"]
    assert len(variants.select("mysql*, sqlite")) == 5


def test_a_pattern_that_matches_nothing_is_refused_with_the_list() -> None:
    with pytest.raises(variants.NoVariant, match="'oracle' matches no variant of sqlite, "):
        variants.select("sqlite,oracle")


def test_the_ci_matrix_is_printed_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.variants", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [variant.id for variant in variants.variants()]


def test_this_environment_holds_what_the_baked_projects_depend_on() -> None:
    # The source is valid TOML with every option's lines in it, so this is the union of all variants.
    baked = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["baked"]
    assert set(ours) == {*baked["project"]["dependencies"], *baked["dependency-groups"]["dev"]}
    assert ours == sorted(set(ours))
