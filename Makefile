PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
KAFKA_SHORT := tests/kafka/test_trouble.py tests/kafka/test_deleted_topics.py \
  tests/kafka/test_cluster.py tests/kafka/test_security.py \
  tests/kafka/test_transactions.py tests/kafka/test_foreign_records.py \
  tests/integration/test_chaos.py tests/integration/test_kafka_facts.py

.PHONY: setup demo demo-gateway test test-kafka lint bench lock clean

setup: $(STAMP) $(VENV)/.kernels  ## virtual environment with the locked dependencies and the hydrawatch command

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "hydrawatch needs Python 3.11 to 3.13; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# numba's cache knows a kernel by its own file alone: a change in what it calls must empty it. It is filled
# here, once, and not by whichever processes of a test come first
$(VENV)/.kernels: $(STAMP) $(shell find detectors worlds -name '*.py')
	find detectors worlds -name '*.nb[ic]' -delete
	@echo "compiling kernels, about a minute"
	$(BIN)/python -c 'from streams.worker.warm_up import warm_up; warm_up()'
	touch $@

demo: setup  ## broker, worker and a simulated world on this machine; STAY=1 leaves it up
	$(BIN)/hydrawatch demo $(if $(STAY),--stay)

demo-gateway: setup  ## the same through the intake: a gateway's records over HTTP, and a directory of accounts
	$(BIN)/hydrawatch demo --gateway --scale 0.5 $(if $(STAY),--stay)

test: setup  ## every test, two at a time; those that need a broker start one themselves; SHORT=1 for less
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(if $(SHORT),--short)

test-kafka: setup build/kafka/.ready  ## the broker tests on Apache Kafka (needs Java 17 and Maven); SHORT=1 for less
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --broker kafka $(if $(SHORT),--short $(KAFKA_SHORT),-m "broker or kafka")

build/kafka/.ready: deploy/kafka/pom.xml deploy/kafka/fetch.sh
	deploy/kafka/fetch.sh build/kafka
	touch $@

lint: setup  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## throughput of the full path; see benchmarks/README.md for the others
	$(BIN)/python benchmarks/throughput.py

lock: $(STAMP)  ## compile requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --extra demo --group dev pyproject.toml deploy/build.in -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url -c requirements.lock pyproject.toml deploy/image.in -o deploy/image.lock

clean:
	rm -rf $(VENV) build *.egg-info
