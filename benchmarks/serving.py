"""Requests a second of one worker on one core, beside two textbook designs on the same rows."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict

from benchmarks.applications import ASYNC, CACHED, LABELS, SYNC, everybody
from benchmarks.load import Outcome, Request, require_wrk, run
from benchmarks.plan import Plan, median_ratio, turns
from benchmarks.processes import served
from benchmarks.table import Bar, Panel, Result, Value

POSTS = 1000
# Short, so that what slows the machine down for some seconds slows all of those down that are compared.
TURN_SECONDS = 2
READ_IDS = 100
BODY = (
    '{"title": "A new post", "body": "Some text of the common length of a post.", "slug": "{n}", "status": "published"}'
)
LOGIN = '{"email": "user-1@example.com", "password": "correct horse battery"}'

HEALTH = Request("health", "/health/live", authenticated=False)
READ = Request("read by id", "/posts/{n}")
FROM_CACHE = Request("read by id, cached", "/posts/{n}")
PUBLIC = Request("public read by id", "/posts/{n}", authenticated=False)
PUBLIC_FROM_CACHE = Request("public read by id, cached", "/posts/{n}", authenticated=False)
LIST = Request("list of 20", "/posts?limit=20")
CREATE = Request("create", "/posts", "POST", BODY)
LOG_IN = Request("login", "/auth/login", "POST", LOGIN, authenticated=False, clients=8)

OURS, SQLITE = LABELS["postgresql"], LABELS["sqlite"]
UNCACHED = [OURS, SQLITE, SYNC, ASYNC]
POINTS = {
    HEALTH: UNCACHED,
    READ: UNCACHED,
    FROM_CACHE: [CACHED],
    # The textbooks let nobody read without a token.
    PUBLIC: [OURS, SQLITE],
    PUBLIC_FROM_CACHE: [CACHED],
    LIST: UNCACHED,
    CREATE: UNCACHED,
    LOG_IN: UNCACHED,
}
PICTURED = (READ, LIST, CREATE, LOG_IN)

Outcomes = Mapping[tuple[str, str], Sequence[Outcome]]


def measure(plan: Plan) -> Result:
    require_wrk()
    outcomes: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    with everybody(plan.folder, POSTS) as (applications, data), ExitStack() as stack:
        servers = {one.name: stack.enter_context(served(one, plan.folder)) for one in applications}
        for request, names in POINTS.items():
            for name in names:
                run(servers[name], request, seconds=1, ids=READ_IDS)
        for turn in range(turns_of(plan)):
            for request, names in POINTS.items():
                for name in turns(names, turn):
                    outcome = run(servers[name], request, seconds=TURN_SECONDS, ids=READ_IDS)
                    outcomes[request.name, name].append(outcome)
                    print(f"  {request.name:18} {name:28} {outcome}", flush=True)
                    if request.method == "POST":
                        for rows in data:
                            rows.restore()
    return Result(
        "Serving",
        ["request", "application", "requests/s", "p50 ms", "p99 ms", "errors", "CPU ms", f"× {SYNC}", f"× {ASYNC}"],
        [row(outcomes, request, name) for request, names in POINTS.items() for name in names],
        notes=[cached_note(outcomes), how(plan)],
        panels=[panel(outcomes, request) for request in PICTURED],
        runs={f"{request}; {name}": [asdict(one) for one in every] for (request, name), every in outcomes.items()},
    )


def turns_of(plan: Plan) -> int:
    return max(1, plan.rounds * plan.seconds // TURN_SECONDS)


def rates(outcomes: Outcomes, request: Request, name: str) -> list[float]:
    return [one.rate for one in outcomes[request.name, name]]


def row(outcomes: Outcomes, request: Request, name: str) -> list[Value]:
    every = outcomes[request.name, name]
    # What a cached read is compared with is a read: the textbooks have no cache.
    theirs = READ if request is FROM_CACHE else request
    peers = [rates(outcomes, theirs, peer) for peer in (SYNC, ASYNC)]
    ratios = [median_ratio(rates(outcomes, request, name), peer) if peer else None for peer in peers]
    return [
        request.name,
        name,
        statistics.median(one.rate for one in every),
        statistics.median(one.p50 for one in every),
        statistics.median(one.p99 for one in every),
        sum(one.errors for one in every),
        statistics.median(one.cpu for one in every),
        *ratios,
    ]


def cached_note(outcomes: Outcomes) -> str:
    pairs = {"with": (FROM_CACHE, READ), "without": (PUBLIC_FROM_CACHE, PUBLIC)}
    ratios = {
        token: median_ratio(rates(outcomes, cached, CACHED), rates(outcomes, uncached, OURS))
        for token, (cached, uncached) in pairs.items()
    }
    told = [f"{ratio:.2f} × an uncached one {token} a token" for token, ratio in ratios.items() if ratio]
    return f"A cached read is {' and '.join(told)}, whose owner is read from the database each time, on PostgreSQL."


def how(plan: Plan) -> str:
    return (
        f"uvicorn with one worker on one core, wrk on another with {READ.clients} clients ({LOG_IN.clients} for logins), "
        f"the database where the system puts it; as many connections for each, {POSTS:,} posts, access log on. CPU is the "
        f"processor time of the server's process for a request. "
        f"Rounds in which all have their turn: {turns_of(plan)}, {TURN_SECONDS} s a turn; medians of them and of their ratios."
    )


def panel(outcomes: Outcomes, request: Request) -> Panel:
    points = [(request, name) for name in UNCACHED]
    points += [(FROM_CACHE, CACHED)] if request is READ else []
    bars = [
        Bar(name, statistics.median(rates(outcomes, point, name)), ours=name not in {SYNC, ASYNC})
        for point, name in points
    ]
    return Panel(f"Serving: {request.name}", "requests/s", bars)
