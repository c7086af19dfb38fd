# Every target is idempotent and says what it does. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Tests and measurements build hosts as network namespaces as root; the demo asks for it only where it must.
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BASE ?= debian:bookworm-slim
IMAGE ?= gridwire
# One more than there are CPUs: tests of whole hosts wait for WireGuard's timers more than they work.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

# tailscaled, tailscale and the lab's control server: built once.
TAILSCALE ?= $(HOME)/.cache/gridwire/tailscale

# All that the panel is built from; a name with a blank in it would be two.
PANEL_SOURCES := $(shell find panel \( -name node_modules -o -name out -o -name .next -o -name .built \) -prune -o -type f -print \
  2>/dev/null)

.PHONY: demo test check lint types imports dependencies units test-browser test-scale test-compose test-kernel test-systemd test-tailscale images panel panel-api panel-dev panel-drift panel-test pictures wheel bench proof lock clean help \
  prerequisites test-prerequisites bench-prerequisites

demo: prerequisites .venv/run ## a real grid in namespaces on this machine: joins, serves, is attacked, and proves it; ARGS='--serve 127.0.0.1:8080' shows it and its panel
	@$(MAKE) --no-print-directory panel || echo "demo: goes on without the panel"
	@case "$$($(BIN)/gridwire demo --needs)" in sudo) as=$$(command -v sudo) ;; *) as= ;; esac; \
	  echo "$${as:+$$as }$(BIN)/gridwire demo $(ARGS)"; $$as $(BIN)/gridwire demo $(ARGS)

test: test-prerequisites .venv/dev ## every test, in parallel; pytest's closing line comes last
	$(ROOT) $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" $(ARGS)

proof: test-prerequisites .venv/dev ## the slow proofs: every start order, 2,000 clients, 1,000 WebSockets, 100 dead tunnels
	$(ROOT) $(BIN)/pytest -m "slow and not browser and not systemd and not compose and not tailscale" $(ARGS)

test-browser: test-prerequisites .venv/dev panel ## the panel in Chromium, through a tunnel; PICTURES=DIRECTORY keeps what was seen
	@$(ROOT) packaging/prerequisites.sh --test --browser
	$(ROOT) env PICTURES=$(PICTURES) $(BIN)/pytest -m "browser and not scale" -rs tests/e2e $(ARGS)

test-scale: test-prerequisites .venv/dev panel ## what the panel takes with 10,000 nodes and 5,000 routes, in Chromium: 5 minutes of a quiet machine
	@$(ROOT) packaging/prerequisites.sh --test --browser
	$(ROOT) $(BIN)/pytest -m scale -s -rs tests/e2e $(ARGS)

test-systemd: test-prerequisites .venv/dev ## a gateway and an edge booted with systemd: install, reboot, any order, uninstall
	$(ROOT) tests/systemd/root.sh $(BIN)/python
	$(ROOT) $(BIN)/pytest -m systemd tests/systemd $(ARGS)

test-compose: test-prerequisites .venv/dev ## containers on a real Docker engine, Compose v1 and v2, beside the bridge
	@$(ROOT) packaging/prerequisites.sh --compose || echo "compose: Docker could not be installed; what needs it is skipped"
	@$(MAKE) --no-print-directory panel || echo "compose: goes on without the panel"
	$(ROOT) $(BIN)/python tests/compose/prepare.py
	$(ROOT) $(BIN)/pytest -m compose tests/compose $(ARGS)

images: ## gridwire's image, for Docker here: BASE=debian:bookworm-slim IMAGE=gridwire
	@$(MAKE) --no-print-directory panel || echo "images: goes on without the panel"
	@BASE="$(BASE)" IMAGE="$(IMAGE)" packaging/images.sh

test-kernel: test-prerequisites .venv/dev ## the mesh's contract on a kernel with WireGuard: this one, with a join and a grid, or Debian's in QEMU
	tests/kernel/run.sh $(BIN)/python -m kernel $(ARGS)

test-tailscale: test-prerequisites .venv/dev ## a grid on a tailnet: real tailscaled (built once, 5 minutes; wants Go 1.26), a control server for the lab
	@tests/tailscale/build.sh $(TAILSCALE) || [ $$? = 3 ]
	$(ROOT) env GRIDWIRE_TAILSCALE=$(TAILSCALE) $(BIN)/pytest -m tailscale -rs tests/tailscale $(ARGS)

pictures: ## docs/pictures again: the panel in a grid that is broken
	@from=$$(mktemp -d) && $(MAKE) --no-print-directory test-browser PICTURES=$$from ARGS="-k questions $(ARGS)" \
	  && packaging/panel.sh pictures $$from; status=$$?; rm -rf $$from; exit $$status

panel: panel/.built ## panel/out, which nginx serves: built with Node 20 or later, or with one from PyPI

panel/.built: $(PANEL_SOURCES) packaging/panel.sh
	@packaging/panel.sh

panel-api: .venv/dev ## panel/lib/api/schema.d.ts, the API's types, from `gridwire openapi`
	@packaging/panel.sh api

panel-dev: .venv/dev ## the panel on http://localhost:3000 against a mock of control; GRIDWIRE_API=http://…: against that
	@packaging/panel.sh dev

panel-test: .venv/dev ## the panel's own tests: types, drift of the API, biome, vitest, and what a built page loads
	@packaging/panel.sh test

panel-drift: .venv/dev
	@packaging/panel.sh drift

wheel: .venv/dev ## dist/gridwire-*.whl: Python, Lua, units, the demo, all in one, and the panel if `make panel` built it
	$(BIN)/python -m hatchling build -t wheel -d dist

bench: bench-prerequisites .venv/bench ## gridwire beside other proxies, bare WireGuard and a bridge, in turn; ARGS=proxy: only that
	$(ROOT) $(BIN)/gridwire bench run $(ARGS)

check: lint types imports dependencies units panel-drift ## ruff, mypy --strict, import-linter, deptry, systemd-analyze

lint: .venv/dev
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests

types: .venv/dev
	$(BIN)/mypy

imports: .venv/dev
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

dependencies: .venv/dev
	$(BIN)/deptry src

units: .venv/dev
	@$(BIN)/python tests/systemd/check_units.py

prerequisites:
	@packaging/prerequisites.sh

test-prerequisites:
	@packaging/prerequisites.sh --test

bench-prerequisites:
	@packaging/prerequisites.sh --bench

.venv/bin/python: | prerequisites
	@echo "environment: .venv"
	@$(PYTHON) -m venv .venv

.venv/run: requirements/run.lock pyproject.toml | .venv/bin/python
	@echo "environment: packages of requirements/run.lock"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements/dev.lock pyproject.toml | .venv/bin/python
	@echo "environment: packages of requirements/dev.lock"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .venv/run

.venv/bench: requirements/bench.lock .venv/run
	@echo "environment: packages of requirements/bench.lock"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bench.lock
	@touch $@

lock: ## resolve requirements/*.lock again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --group build pyproject.toml -o requirements/run.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --extra bench --group build --group dev pyproject.toml -o requirements/dev.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --extra bench --group rivals pyproject.toml -o requirements/bench.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --group wheel -o requirements/wheel.lock

clean: ## remove the environment and every cache
	rm -rf .venv dist .hypothesis .mypy_cache .ruff_cache .import_linter_cache src/*.egg-info \
	  panel/.built panel/.next panel/out panel/node_modules
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
