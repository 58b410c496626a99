"""However the tests end, no server and no folder of one stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import KINDS
from tests.servers.keeper import Recipe, ServerFailed, serving
from tests.servers.kinds import NotAnswering
from tests.template import ROOT

PATIENCE = 20
HOLDER = """
import time
from tests.servers.keeper import serving
from tests.test_servers_end import tail
with serving(tail, lambda url: None, "nobody") as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach what a test starts: a shell has its background jobs ignore it, and so their children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(*command: str) -> subprocess.Popen[str]:
    variables = {kind.variable for kind in KINDS.values()}
    kept = {name: value for name, value in os.environ.items() if name not in variables}
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def processes_in(folder: str) -> list[str]:
    found = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if folder in line]


def wait_until_gone(folder: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


def tail(folder: Path, port: int) -> Recipe:
    """A server that every machine has, and whose command line names its folder."""
    return Recipe(str(folder), ["tail", "-f", str(folder / "log")])


def test_a_server_and_its_folder_are_gone_when_it_is_no_longer_used() -> None:
    with serving(tail, lambda url: None, "nobody") as url:
        assert Path(url).is_dir()
        assert processes_in(url)
    assert not Path(url).exists()
    assert processes_in(url) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_server_goes_when_a_signal_ends_the_tests(number: signal.Signals) -> None:
    with start("-c", HOLDER) as process:
        folder = Path(line_of(process))
        assert folder.is_dir()
        process.send_signal(number)
    assert process.returncode != 0
    assert wait_until_gone(folder)
    assert processes_in(str(folder)) == []


def test_a_server_that_ends_while_starting_is_reported_with_its_log_and_leaves_nothing() -> None:
    seen: list[Path] = []

    def plan(folder: Path, port: int) -> Recipe:
        seen.append(folder)
        return Recipe("none://", ["sh", "-c", "echo port in use; exit 3"])

    def never(url: str) -> None:
        raise NotAnswering

    with pytest.raises(ServerFailed, match="sh ended while starting: port in use"), serving(plan, never, "nobody"):
        pass
    assert not seen[0].exists()


def test_a_server_whose_preparation_fails_is_reported_with_its_log() -> None:
    def plan(folder: Path, port: int) -> Recipe:
        return Recipe("none://", ["sleep", "1000"], prepare=["sh", "-c", "echo no space; exit 1"])

    def never(url: str) -> None:
        raise NotAnswering

    with pytest.raises(ServerFailed, match="ended while starting: no space"), serving(plan, never, "nobody"):
        pass


def test_a_plan_that_fails_leaves_no_folder() -> None:
    seen: list[Path] = []

    def plan(folder: Path, port: int) -> Recipe:
        seen.append(folder)
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError), serving(plan, lambda url: None, "nobody"):
        pass
    assert not seen[0].exists()


def test_the_command_gets_the_variables_and_its_exit_code_is_returned() -> None:
    command = "import os, sys; print(os.environ['TEST_REDIS_URL']); sys.exit(7)"
    with start("-m", "tests.servers", "--only", "redis", "--", sys.executable, "-c", command) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    url = output.splitlines()[-1]
    assert (process.returncode, url.partition("://")[0]) == (7, "redis")
    with pytest.raises(NotAnswering):
        KINDS["redis"].ask(url)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_command_and_then_the_servers(number: signal.Signals, code: int) -> None:
    command = "import os, time; print(os.getpid(), os.environ['TEST_REDIS_URL'], flush=True); time.sleep(60)"
    with start("-m", "tests.servers", "--only", "redis", "--", sys.executable, "-c", command) as process:
        while not (line := line_of(process))[:1].isdigit():
            assert process.poll() is None
        pid, url = line.split()
        process.send_signal(number)
    assert process.returncode == code
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    with pytest.raises(NotAnswering):
        KINDS["redis"].ask(url)


def test_ctrl_c_lets_the_command_say_its_last_words_while_the_server_still_answers() -> None:
    command = (
        "import os, time\n"
        "from tests.servers import KINDS\n"
        "try:\n    print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.5); KINDS['redis'].ask(os.environ['TEST_REDIS_URL'])\n"
        "    print('last words', flush=True); raise SystemExit(5)"
    )
    arguments = ("-m", "tests.servers", "--only", "redis", "--", sys.executable, "-c", command)
    # A terminal sends Ctrl-C to the whole group of the foreground.
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    with process:
        while line_of(process) != "ready":
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (5, "last words\n")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--only", "oracle", "--", "true"), 2, "'oracle' is no server; choose from postgresql, mysql, redis"),
        (("--only", "", "--", "no-such-command"), 127, "no-such-command can't be run: No such file or directory"),
    ],
)
def test_a_wrong_call_is_answered_with_a_sentence(arguments: tuple[str, ...], code: int, sentence: str) -> None:
    with start("-m", "tests.servers", *arguments) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, sentence in output) == (code, True)
    assert "Traceback" not in output
