# Everything here works on a machine with Python 3.11 or newer, git and make; see README.md.
# Variables for cluster-up: NODES=3 DISPATCHERS=2 WRITERS=2 ZOOKEEPERS=1|3 PLACEMENT=hash|round_robin
# STORE=sqlite|cassandra|dynamodb CASSANDRAS=1|3 CASSANDRA_HEAP=512M TOPOLOGY=dispatcher RUNTIME=docker|local
# BIND=127.0.0.1 HTTP_PORT=8080 HTTPS_PORT=8443 RETENTION_S=seconds COMPOSE=command;
# CLUSTER=name for another cluster than the default one, with folder and ports of its own.
# A variable that is not set keeps its last value.

.DEFAULT_GOAL := help
.PHONY: help soak cluster-up cluster-status cluster-logs cluster-down cluster-clean dev \
        setup setup-dev test test-all test-docker check bench compare chaos chaos-all clients
.PHONY: test-k8s test-pythons plan

BIN := .venv/bin
# A user's PYTHONPATH, PYTHONHOME and the like may replace our code by other code.
unexport $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))
MAKEFLAGS += --no-print-directory
# One worker more than there are cores; tests that share a cluster share a worker (tests/tiers.py).
PARALLEL := -n auto --dist loadgroup --no-loadscope-reorder

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

cluster-up: setup ## install what is missing, start a whole cluster, wait until it is ready
	@$(BIN)/livecomments up

cluster-status: setup ## every part: ready or why not, viewers, videos, queues
	@$(BIN)/livecomments status

cluster-logs: setup ## the logs of the parts, followed (LOGS="node-1 writer-2" for some)
	@$(BIN)/livecomments logs -f $(LOGS)

cluster-down: setup ## stop the cluster, keep its data
	@$(BIN)/livecomments down

cluster-clean: setup ## stop the cluster and delete it, comments included
	@$(BIN)/livecomments clean

dev: setup ## one process with everything in it (topology single), no Java, no HAProxy
	@$(BIN)/livecomments dev

setup:
	@cluster/bootstrap.sh

setup-dev:
	@cluster/bootstrap.sh dev
	@$(BIN)/livecomments install

test: setup-dev ## the tests of every day, minutes (PYTEST="-k word" for some, "-n 0" in one process)
	@$(BIN)/livecomments install --tests
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

test-all: setup-dev ## all tests, also the long ones, and the third-party clients that can be installed (50 minutes)
	@$(BIN)/livecomments install --tests
	@$(BIN)/python -m pytest $(PARALLEL) -m "not chaos" $(PYTEST)
	@$(if $(PYTEST),,$(BIN)/python -m tests.clients --available)

test-docker: setup-dev ## the whole-system tests in containers, with SQLite and with Cassandra
	@$(BIN)/python -m cluster.docker
	@$(BIN)/python -m pytest -m "not chaos" --runtime docker --store sqlite tests/docker tests/e2e $(PYTEST)
	@$(BIN)/python -m pytest -m "not chaos" --runtime docker --store cassandra tests/e2e $(PYTEST)

test-k8s: setup-dev ## the Helm chart in the Kubernetes that KUBECONFIG names, judged under load (K8S="node" for some steps)
	@$(BIN)/python -m tests.k8s $(K8S)

test-pythons: setup-dev ## checks, unit and contract tests on Python 3.12 to 3.14, those that are installed (PYTHONS="3.13")
	@$(BIN)/python -m tests.pythons $(PYTHONS)

chaos: setup-dev ## 3 minutes of random faults, judged (SEEDS=n times; SEED=n MINUTES=m FAULTS=a,b repeats one)
	@$(BIN)/livecomments install
	@$(BIN)/python -m tests.chaos

chaos-all: setup-dev ## every fault of docs/faults.md, one after the other (takes long)
	@$(BIN)/livecomments install
	@$(BIN)/python -m pytest -m chaos $(PYTEST)

check: setup-dev ## style, types, layers, configurations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m cluster.check
	@$(BIN)/python -m pytest -q tests/unit/test_layers.py

bench: setup ## measure (see docs/performance.md; BENCH="fanout memory" for some)
	@$(BIN)/python -m bench.peers
	@$(BIN)/python -m bench $(BENCH)

plan: setup ## how many machines a number of viewers needs (docs/capacity.md; PLAN="--viewers 1M --videos 10k")
	@$(BIN)/python -m planner $(PLAN)

soak: setup ## half load for a long time: does anything grow? (MINUTES=30)
	@$(BIN)/python -m bench.peers
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),30)

clients: setup-dev ## third-party SSE clients in six languages (docs/clients.md; CLIENTS="go requests")
	@$(BIN)/python -m tests.clients $(CLIENTS)

compare: setup ## measure the five topologies under one load, some 14 minutes (see docs/topologies.md)
	@$(BIN)/python -m bench.topologies $(COMPARE)
