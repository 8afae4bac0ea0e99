# Each command alone does all the set-up it needs; only Python ≥ 3.11 with venv is asked for.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
JOBS ?= auto
unexport PYTHONDONTWRITEBYTECODE # what is compiled once is kept: the tests start the program hundreds of times

# Installs lock files with a line that counts the packages; pip's own complaints stay. `--no-deps`: the lock names all.
define install
	@echo "Installing $(1) into .venv. Once; it takes less than a minute."
	@{ $(PIP) install --progress-bar off --no-deps --require-hashes $(addprefix -r ,$(1)) || echo failed; } | awk \
		-v all="$$(cat $(1) | grep -c '^[a-z].*==')" -v live="$$([ -t 1 ] && echo 1)" ' \
		function say(text, last) { printf live ? "\r  %s" (last ? "\n" : "") : "  %s\n", text; fflush() } \
		/^(Collecting|Processing|Requirement already)/ { count++; if (live || count % 20 == 0) say(count " of " all " packages") } \
		/^Installing collected/ { say("unpacking " count " packages", 1) } \
		/^failed$$/ { exit 1 }'
	@$(PIP) --quiet install --no-deps --no-build-isolation -e .
endef

.PHONY: help demo up test check bench fuzz docs format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/runtime ## the whole product on this machine, with no account anywhere
	$(BIN)/bridge demo $(ARGS)

up: .venv/runtime ## sets a bridge up in the browser, and serves with it
	$(BIN)/bridge up $(ARGS)

test: .venv/dev ## all tests, several at a time (one at a time: JOBS=0)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

check: .venv/dev ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev .venv-bench/peers ## the benchmark (about twenty minutes)
	$(BIN)/python -m tests.bench $(ARGS)

fuzz: .venv/dev ## every surface under odd requests, for FUZZ_SECONDS each (an hour)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-3600} $(BIN)/python -m pytest -q -x -n0 -o faulthandler_timeout=0 tests/fuzz $(ARGS)

docs: .venv/dev ## what the docs take from the code
	$(BIN)/python -m tests.test_docs
	$(BIN)/python -m tests.contract.example.generate

format: .venv/dev ## what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/dev ## the lock files anew, from pyproject.toml
	test -x $(BIN)/uv || $(PIP) --quiet install uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra postgresql --extra email pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--group pyproject.toml:build -o requirements-build.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--all-extras --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--group pyproject.toml:bench -o requirements-bench.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "On Debian: apt install python3-venv" >&2; exit 1; }

.venv/runtime: requirements.lock requirements-build.lock pyproject.toml | .venv/bin/python
	$(call install,requirements.lock requirements-build.lock)
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(call install,requirements-dev.lock)
	@touch $@ .venv/runtime

.venv-bench/peers: requirements-bench.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-bench.lock
	@touch $@

clean: ## remove what the other commands made
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
