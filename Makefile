# Every command does its own set-up, uv and the packages included: Python 3.11 or later, make and git are enough.

SOURCE = "{{cookiecutter.project_slug}}"
UV = $(SOURCE)/scripts/uv
RUN = $(UV) run
SERVERS = $(RUN) python -m tests.servers --only postgresql,mysql,redis --
OUTPUT = bakes
ARGS =

# The tools' caches stay out of the source, from where they would be baked.
export RUFF_CACHE_DIR := $(CURDIR)/.ruff_cache

.DEFAULT_GOAL = help
.PHONY: help bake test lint check fix matrix bench sabotage containers browser

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1#\2/p' Makefile | while IFS='#' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

bake: ## Bake a project into bakes/ (ARGS="database_engine=postgresql use_redis=true", OUTPUT=folder)
	@$(RUN) python -m tests.bake . --no-input --output-dir "$(OUTPUT)" $(ARGS)

test: ## Run every test, all variants on real servers (ARGS="-k posts", ARGS="--only 'mysql*'")
	$(SERVERS) python -m pytest -n auto $(ARGS)

lint: ## Lint, format and types of the source and of the tests
	@failed=0; \
	$(RUN) ruff check || failed=1; \
	$(RUN) ruff format --check || failed=1; \
	$(RUN) mypy || failed=1; \
	$(RUN) sh -c 'cd $(SOURCE) && exec mypy --cache-dir ../.mypy_cache/source' || failed=1; \
	PYTHONPYCACHEPREFIX=build/pycache $(RUN) python -m compileall -q benchmarks hooks tests $(SOURCE) || failed=1; \
	exit $$failed

check: ## The same, and of every bake too
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(RUN) python -m pytest -q -n auto --no-servers tests/test_variants_baking.py tests/test_variants_checks.py $(ARGS) || failed=1; \
	exit $$failed

fix: ## Correct what ruff can, in the source too: lint and format
	@failed=0; \
	$(RUN) ruff check --fix --unfixable I || failed=1; \
	$(RUN) ruff format || failed=1; \
	exit $$failed

matrix: ## Run every variant through every stage and show the table (ARGS="--only 'postgresql*'")
	$(SERVERS) python -m tests.live $(ARGS)

bench: ## Measure baking, suites and serving, beside peers (ARGS="serving --seconds 10 --rounds 5", ARGS=--write)
	@$(RUN) --group bench python -m benchmarks $(ARGS)

sabotage: ## Plant a defect after another in a bake; its suite must go red for each (ARGS="refresh post")
	@$(RUN) python -m tests.sabotage $(ARGS)

containers: ## Build images, start their containers and be rough to them, in Docker (ARGS="mysql-redis --suite")
	@$(RUN) python -m tests.containers $(ARGS)

browser: ## Use /docs of a fresh bake in a real browser: log in, create a post, read it
	@$(RUN) python -m tests.browser $(ARGS)
