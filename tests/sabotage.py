"""Does the baked suite see what it should? `python -m tests.sabotage` plants one defect after another and expects red."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from cookiecutter.main import cookiecutter

from tests.commands import environment, run
from tests.databases import database
from tests.defects import Defect, defects
from tests.servers import provide
from tests.template import ROOT
from tests.variants import variants

# Without -x a defect that breaks everything takes as long as a good run; slow tests run only where the others saw nothing.
FAST = ("uv", "run", "pytest", "-q", "-x", "-n", "2", "-m", "not slow")
ALL = ("uv", "run", "pytest", "-q", "-x", "-n", "2")


def passes(project: Path, command: tuple[str, ...], servers: Mapping[str, str]) -> bool:
    """Run the suite; an exit code that means neither green nor red raises `RuntimeError`."""
    try:
        done = subprocess.run(
            command, cwd=project, env=environment(servers), capture_output=True, text=True, check=False, timeout=600
        )
    except subprocess.TimeoutExpired:
        # A suite that does not come to an end is not green.
        return False
    # 4 is what pytest says when the application can't even be imported, which a user would see at once.
    if done.returncode not in {0, 1, 2, 4}:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.returncode == 0


def survives(project: Path, defect: Defect, servers: Mapping[str, str]) -> bool:
    """Plant the defect, run the suite, and take it out again."""
    path = project / defect.path
    good = path.read_text(encoding="utf-8")
    path.write_text(defect.planted_in(good), encoding="utf-8")
    try:
        return passes(project, FAST, servers) and passes(project, ALL, servers)
    finally:
        path.write_text(good, encoding="utf-8")


def tried(project: Path, defect: Defect, servers: Mapping[str, str]) -> bool:
    """Say how it went, and return whether it survived."""
    started = time.monotonic()
    alive = survives(project, defect, servers)
    print(f"{'SURVIVED' if alive else 'red     '} {time.monotonic() - started:5.1f} s  {defect.meaning}", flush=True)
    return alive


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument(
        "words", nargs="*", help="plant only defects that have one of these in their variant, meaning or file"
    )
    words = parser.parse_args().words
    chosen = [one for one in defects() if one.has_any(words)]
    survivors: list[Defect] = []
    for variant in variants():
        planted = [one for one in chosen if one.variant == variant.id]
        if planted:
            with provide(variant.servers) as servers, tempfile.TemporaryDirectory() as folder:
                options = dict(variant.options)
                project = Path(cookiecutter(str(ROOT), no_input=True, output_dir=folder, extra_context=options))
                run(project, "uv", "sync")
                os.environ.update(servers)
                with database(variant, "sabotage", project, create=False) as url:
                    given = {**servers, "TEST_DATABASE_URL": url}
                    if not passes(project, FAST, given):
                        print(f"The suite of {variant.id} is red without any defect.")
                        return 1
                    survivors += [one for one in planted if tried(project, one, given)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} defects turned the suite red.")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
