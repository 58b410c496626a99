"""Installing servers on Debian and Ubuntu, without a service of theirs being started."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

# Packages ask this program whether they may start their service; 101 means no.
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSAL = "#!/bin/sh\nexit 101\n"


class InstallFailed(Exception):
    """apt was there, but could not install."""


def usable() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextlib.contextmanager
def no_service_started() -> Iterator[None]:
    """Refuse starts for a while, unless the machine has a policy of its own, as containers do."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(REFUSAL, encoding="utf-8")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def install(packages: Sequence[str]) -> None:
    with no_service_started():
        apt_get("update")
        apt_get("install", "--yes", "--no-install-recommends", *packages)


def apt_get(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "--quiet", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise InstallFailed(f"apt-get {' '.join(arguments)} failed: {lines[-1]}")
