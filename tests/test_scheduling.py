"""With more than one worker, what a variant's tests share is made once."""

import re
import sys
from collections import defaultdict

import pytest

from tests.commands import run
from tests.scheduling import group_of
from tests.template import ROOT

BAKING = (
    "-n",
    "2",
    "-v",
    "--no-servers",
    "--only",
    "sqlite,sqlite-redis",
    "tests/test_variants_baking.py",
    "-p",
    "no:cacheprovider",
)


def test_the_tests_of_a_variant_run_in_one_worker() -> None:
    output = run(
        ROOT, sys.executable, "-m", "pytest", *BAKING, "-k", "parses or is_left", extra={"PYTHONDONTWRITEBYTECODE": "1"}
    )
    workers = defaultdict(list)
    for worker, variant in re.findall(r"\[(gw\d)\].* PASSED .*\[([\w-]+)\]", output):
        workers[variant].append(worker)
    assert len(workers) == 2
    assert [ran for ran in workers.values() if len(ran) < 2 or len(set(ran)) > 1] == []
    assert {ran[0] for ran in workers.values()} == {"gw0", "gw1"}


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/test_variants_running.py::test_its_own_suite_passes[mysql-redis]", "mysql-redis"),
        ("tests/test_variants_baking.py::test_it_parses[mysql-redis]", "mysql-redis"),
        ("tests/test_cruft.py::test_it_updates", "tests/test_cruft.py"),
        ("tests/test_hooks.py::test_it_refuses[mysql-redis]", "tests/test_hooks.py::test_it_refuses[mysql-redis]"),
        ("tests/test_variants.py::test_it_has_servers[mysql]", "tests/test_variants.py::test_it_has_servers[mysql]"),
    ],
)
def test_a_test_goes_with_those_that_share_with_it(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
