# `make run` and `make test` are all that is needed; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run test test-fast lint bench soak lock clean

# Another active environment must not leak into ours.
unexport PYTHONPATH
unexport PYTHONHOME
unexport VIRTUAL_ENV

PYTHON_IN_VENV := .venv/bin/python

# `make run HOST=… PORT=…`. Some shells and compilers put a machine name into HOST: from the
# environment only addresses are taken.
ifeq ($(origin HOST),environment)
HOST_CHOSEN := $(filter localhost 0.0.0.0 127.% 10.% 172.% 192.168.% ::%,$(HOST))
else
HOST_CHOSEN := $(HOST)
endif
UP_OPTIONS := $(if $(HOST_CHOSEN),--host "$(HOST_CHOSEN)") $(if $(PORT),--port "$(PORT)")

# Two processes test at once, a file of tests in each; the slow ones, in the browser, come early.
PYTEST_OPTIONS := --timeout=300 --numprocesses=2 --dist=loadfile --no-loadscope-reorder

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: ## set up, seed the demo when the home is empty, serve on http://127.0.0.1:8501 (HOST, PORT, DRIFTDECK_HOME)
	@.ci/setup
	@exec $(PYTHON_IN_VENV) -m mlops_core up --demo $(UP_OPTIONS)

test: ## set up, lint, run every test (ARGS="-k drift" passes options to pytest)
	@.ci/setup dev
	@chromium=$$(.ci/browser) && export DRIFTDECK_CHROMIUM="$$chromium" && \
	$(PYTHON_IN_VENV) -m ruff check . && \
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_OPTIONS) $(ARGS)

test-fast: ## the tests that need no browser
	@.ci/setup dev
	@$(PYTHON_IN_VENV) -m pytest $(PYTEST_OPTIONS) -m "not browser and not soak" $(ARGS)

lint: ## ruff and mypy
	@.ci/setup dev
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m mypy

bench: ## measure against the targets (ARGS="profile" runs one)
	@.ci/setup dev
	@$(PYTHON_IN_VENV) -m benchmarks $(ARGS)

soak: ## the long tests: hours of traffic, kills, restarts, and how often intervals hold
	@.ci/setup dev
	@$(PYTHON_IN_VENV) -m pytest -m soak --timeout=0 $(ARGS)

# Keeps the pins that still fit; `make lock ARGS=--upgrade` takes the newest of everything.
LOCK := $(PYTHON_IN_VENV) -m uv pip compile --quiet --universal --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"
lock: ## compile requirements.in and requirements-dev.in into the pinned lists
	@.ci/setup dev
	@$(LOCK) requirements.in --output-file requirements.txt $(ARGS)
	@$(LOCK) requirements-dev.in --output-file requirements-dev.txt $(ARGS)

clean: ## remove .venv and caches; data/ stays
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
