"""What readers notice of 8 clients that log in as fast as they can, and what it costs in memory."""

import statistics
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.applications import on_postgresql
from benchmarks.load import finish, require_wrk, run, start
from benchmarks.plan import Plan, median_ratio, turns
from benchmarks.processes import Served, Watch, memory, served
from benchmarks.serving import LOG_IN, POSTS, READ, READ_IDS
from benchmarks.table import Result, Value


@dataclass(frozen=True)
class Pair:
    """Reads a second alone, and beside the logins; MiB before and at most."""

    alone: float
    beside: float
    p99: float
    logins: float
    errors: int
    before: float
    most: float


def measure(plan: Plan) -> Result:
    require_wrk()
    pairs: dict[str, list[Pair]] = defaultdict(list)
    with on_postgresql(plan.folder, POSTS) as (applications, data), ExitStack() as stack:
        servers = [stack.enter_context(served(one, plan.folder)) for one in applications]
        for turn in range(plan.rounds):
            for server in turns(servers, turn):
                pair = both(server, plan.seconds)
                pairs[server.name].append(pair)
                print(
                    f"  {server.name:28} {pair.alone:5.0f} reads/s alone, {pair.beside:5.0f} beside {pair.logins:3.0f} "
                    f"logins/s, {pair.before:.0f} to {pair.most:.0f} MiB",
                    flush=True,
                )
                data.restore()
    return Result(
        f"Reads while {LOG_IN.clients} clients log in",
        ["application", "reads/s", "beside logins", "part", "p99 ms", "logins/s", "errors", "MiB before", "MiB most"],
        [row(server.name, pairs[server.name]) for server in servers],
        notes=[
            f"Reads by {READ.clients} clients. Rounds: {plan.rounds}, {plan.seconds} s each; medians, and the most memory of all."
        ],
    )


def both(server: Served, seconds: int) -> Pair:
    """Read alone, then read while others log in."""
    run(server, READ, seconds=1, ids=READ_IDS)
    run(server, LOG_IN, seconds=1, ids=1, clients=1)
    alone = run(server, READ, seconds=seconds, ids=READ_IDS)
    before = memory(server.process)
    with Watch(server.process) as watch:
        # The readers' own login comes before the others'.
        reading = start(server, READ, seconds=seconds, ids=READ_IDS)
        logging_in = start(server, LOG_IN, seconds=seconds, ids=1)
        beside, logins = finish(reading), finish(logging_in)
    errors = beside.errors + logins.errors
    return Pair(alone.rate, beside.rate, beside.p99, logins.rate, errors, before, watch.most)


def row(name: str, pairs: list[Pair]) -> list[Value]:
    return [
        name,
        statistics.median(pair.alone for pair in pairs),
        statistics.median(pair.beside for pair in pairs),
        median_ratio([pair.beside for pair in pairs], [pair.alone for pair in pairs]),
        statistics.median(pair.p99 for pair in pairs),
        statistics.median(pair.logins for pair in pairs),
        sum(pair.errors for pair in pairs),
        pairs[0].before,
        max(pair.most for pair in pairs),
    ]
