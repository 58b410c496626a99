"""How lists, reads and searches stand a table that grows."""

from benchmarks.applications import one_engine
from benchmarks.load import Request, require_wrk, run
from benchmarks.plan import Plan
from benchmarks.processes import served
from benchmarks.serving import LIST, READ
from benchmarks.table import Result, Value

ENGINES = ("postgresql", "mysql", "sqlite")
POSTS = (1_000, 100_000, 1_000_000)
CLIENTS = 8
SEARCHES = (Request("search, one in 1,000", "/posts?q=mark007"), Request("search, in all", "/posts?q=words"))
DEEP = Request("list of 20, offset 10,000", "/posts?offset=10000")


def measure(plan: Plan) -> Result:
    """Measure once a point: each is a comparison with itself at another size, where factors count and not percents."""
    require_wrk()
    rows: list[list[Value]] = []
    for engine in ENGINES:
        with one_engine(engine, plan.folder) as (application, data):
            for posts in POSTS:
                data.grow(posts)
                with served(application, plan.folder) as server:
                    for request in (LIST, DEEP, READ, *SEARCHES):
                        run(server, request, seconds=1, ids=posts, clients=CLIENTS)
                        outcome = run(server, request, seconds=plan.seconds, ids=posts, clients=CLIENTS)
                        numbers = [outcome.rate, outcome.p50, outcome.p99, outcome.errors]
                        rows.append([application.name, posts, request.name, *numbers])
                        print(f"  {application.name:28} {posts:9,} {request.name:26} {outcome}", flush=True)
    return Result(
        "A table that grows",
        ["application", "posts", "request", "requests/s", "p50 ms", "p99 ms", "errors"],
        rows,
        notes=[
            f"{CLIENTS} clients, {plan.seconds} s a point. Each search has its own share of the posts to find, and looks for it in the newest 10,000."
        ],
    )
