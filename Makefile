# SPDX-License-Identifier: Apache-2.0
# Operators' habits, each mapped to one command. `make help` lists them.
#
#   CONFIG=path     the TOML file to use          (default configs/demo.toml; configs/langfuse-docker.toml, ...)
#   ARGS='...'      passed on to fusebox          make logs ARGS='redis --follow'
#   JOBS=n          parallel jobs of build and tests
CONFIG ?= configs/demo.toml
ARGS   ?=
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN)
BIN    ?= build/release/bin/fusebox
PREFIX ?= /usr/local

FUSEBOX := $(BIN) --config $(CONFIG)
# Where cmake/setup.sh keeps the programs that it had to build.
export PATH := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fusebox/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2} \
	  /^## / {printf "\n%s\n", substr($$0, 4)}' Makefile

## Start here
.PHONY: demo demo-down test
demo: ## install what is missing, build, run the data plane, say what next
	@./cmake/demo.sh up

demo-down: ## stop the demo; removes its services, data and state
	@./cmake/demo.sh down

test: ## install what is missing, build, run every test on real servers
	@./cmake/setup.sh test
	cmake --preset dev
	cmake --build --preset dev --parallel $(JOBS)
	ctest --preset dev --parallel $(JOBS)

## The stack (CONFIG chooses which)
.PHONY: deploy up stop start restart down health health-verbose ps logs logs-errors urls stats \
  volume-sizes db-shell clickhouse-shell redis-cli preflight pull versions clean plan runs recover doctor init
deploy: ## bring the whole stack up, checked; undone when a step fails
	@$(FUSEBOX) deploy $(ARGS)
up: ## start what does not run
	@$(FUSEBOX) up $(ARGS)
stop: ## stop the services
	@$(FUSEBOX) stop $(ARGS)
start: ## start them again
	@$(FUSEBOX) start $(ARGS)
restart: ## stop and start
	@$(FUSEBOX) restart $(ARGS)
down: ## stop and remove the services; keeps the data
	@$(FUSEBOX) down $(ARGS)
health: ## is it healthy?
	@$(FUSEBOX) health $(ARGS)
health-verbose: ## the same, with what each service uses
	@$(FUSEBOX) health -v $(ARGS)
ps: ## the services and their state
	@$(FUSEBOX) ps $(ARGS)
logs: ## the services' logs
	@$(FUSEBOX) logs $(ARGS)
logs-errors: ## only lines that look like errors
	@$(FUSEBOX) logs --errors $(ARGS)
urls: ## where to reach the services
	@$(FUSEBOX) urls $(ARGS)
stats: ## CPU and memory of each service
	@$(FUSEBOX) stats $(ARGS)
volume-sizes: ## how much each volume holds
	@$(FUSEBOX) volumes $(ARGS)
db-shell: ## psql on the stack's PostgreSQL
	@$(FUSEBOX) db-shell $(ARGS)
clickhouse-shell: ## clickhouse-client on the stack's ClickHouse
	@$(FUSEBOX) clickhouse-shell $(ARGS)
redis-cli: ## redis-cli on the stack's Redis
	@$(FUSEBOX) redis-cli $(ARGS)
preflight: ## all that can stop a deploy; no effect (stacks of containers)
	@$(FUSEBOX) preflight $(ARGS)
pull: ## fetch the images (stacks of containers)
	@$(FUSEBOX) pull $(ARGS)
versions: ## what is locked, running, on record (stacks of containers)
	@$(FUSEBOX) versions $(ARGS)
clean: ## remove what this stack left behind (stacks of containers)
	@$(FUSEBOX) clean $(ARGS)
plan: ## what deploy would do; no effect
	@$(FUSEBOX) plan deploy $(ARGS)
runs: ## the journal of past runs
	@$(FUSEBOX) runs list $(ARGS)
recover: ## after a crash: undo or resume the open run
	@$(FUSEBOX) recover $(ARGS)
doctor: ## is this machine ready?
	@$(FUSEBOX) doctor $(ARGS)
init: ## a folder for a stack of its own; make init ARGS='my-stack --preset langfuse-docker'
	@$(BIN) init $(or $(ARGS),--list)

## Backups
.PHONY: backup backup-list backup-verify backup-prune backup-drill backup-sync backup-schedule restore
backup: ## all data into a new generation, while the services run
	@$(FUSEBOX) backup create $(ARGS)
backup-list: ## what there is to go back to
	@$(FUSEBOX) backup list $(ARGS)
backup-verify: ## re-hash the newest generation and open every source
	@$(FUSEBOX) backup verify $(ARGS)
backup-prune: ## remove what the rules no longer keep; ARGS=--dry-run says what and why
	@$(FUSEBOX) backup prune $(ARGS)
backup-drill: ## prove the newest by restoring it beside the live stack
	@$(FUSEBOX) backup drill $(ARGS)
backup-sync: ## copy what an external drive lacks
	@$(FUSEBOX) backup sync $(ARGS)
backup-schedule: ## have the system do it every night; ARGS='install', 'show', 'remove'
	@$(FUSEBOX) backup schedule $(ARGS)
restore: ## put a generation in the place of the live data; asks which
	@$(FUSEBOX) restore $(ARGS)

## Secrets
.PHONY: security-init security-scan security-test security-audit security-rotate security-log
security-init: ## have git look for secrets before each commit
	@$(BIN) security init $(ARGS)
security-scan: ## look for secrets; ARGS='--staged', '--history', '--since origin/main'
	@$(BIN) scan $(ARGS)
security-test: ## plant secrets and expect them to be stopped
	@$(BIN) security test $(ARGS)
security-audit: ## all that can be wrong around secrets, the running stack's too
	@$(FUSEBOX) security audit $(or $(ARGS),.)
security-rotate: ## what to do about secrets that have been seen
	@$(BIN) security rotate $(ARGS)
security-log: ## the leaks that were found or stopped
	@$(BIN) security log $(ARGS)

## Development
.PHONY: build coverage bench lint format install clean-build
build: ## release build into build/release
	@./cmake/setup.sh build
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)
coverage: ## line coverage of core and sdk; fails under 85 %
	@./cmake/setup.sh test
	@./cmake/coverage.sh $(JOBS)
bench: ## start-up, health, calls, loads and backups, as a table of ratios
	@./cmake/setup.sh test
	cmake --preset release -B build/bench -DFUSEBOX_TESTS=ON
	cmake --build build/bench --parallel $(JOBS) --target fusebox plugins abi_bench langfuse_stand_in
	python3 tests/bench/bench.py build/bench
lint: ## clang-format, clang-tidy and shellcheck; ARGS=--changed for what git sees as changed
	@./cmake/lint.sh $(ARGS)
format: ## clang-format in place
	@git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format -i
install: build ## into PREFIX (default /usr/local)
	cmake --install build/release --prefix $(PREFIX)
clean-build: ## remove the build folder
	rm -rf build
