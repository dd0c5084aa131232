# The same words everywhere: make setup | demo | api | airflow | test | check | clean-demo
# Ports and places by variable: make demo LANGUAGE=en, make test PYTEST="-k store".

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
CORPUS ?= ../shared/nsmc
LANGUAGE ?= ko
PYTEST ?=
# Many tests wait for a server to start: a few processes at once, each with whole files, in the order of the folders.
WORKERS ?= 3
# The rooms whose tests start no server and train nothing: what `make check` has the time for.
QUICK := $(addprefix tests/,documents devsite fuzzing models monitoring notify reporting sources store tables text) \
  $(wildcard tests/test_*.py)
# One platform's life: each test builds on those before it.
AIRFLOW_RUNS := tests/airflow/test_airflow_runs.py
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
LIGHT  := $(VENV)/.light
FULL   := $(VENV)/.full
API    := $(VENV)/.api
AIRFLOW := $(VENV)/.airflow
UI     := $(VENV)/.ui
DOCS   := $(VENV)/.docs

# The corpus is used where it is at hand; nothing here needs it.
ifneq ($(wildcard $(CORPUS)/ratings_test.txt),)
export REELSENSE_DATASET__FOLDER := $(CORPUS)
ifneq ($(wildcard $(CORPUS)/more.tsv.gz),)
export REELSENSE_DATASET__EXTRA_FILES := ["$(CORPUS)/more.tsv.gz"]
endif
endif

.PHONY: help setup setup-full demo test test-pages test-exhaustive test-containers check format devsite api ui airflow docs docs-serve env up clean-demo

help:
	@echo "make setup   a virtual environment with what the demo needs"
	@echo "make demo    crawl, score, retrain, gate, promote and report on this machine alone"
	@echo "make test    install everything and run the tests"
	@echo "make test-pages  only the tests of the web page in Chromium"
	@echo "make check   lint, types and the fast tests, within a minute"
	@echo "make api     the inference service on http://127.0.0.1:8000 (PORT=8000)"
	@echo "make ui      the web page on http://127.0.0.1:8501 (PORT=8501)"
	@echo "make airflow the daily loop by itself: Airflow on http://127.0.0.1:8080 (PORT=8080)"
	@echo "make up      everything in containers, behind nginx (.env is made where there is none)"
	@echo "make test-exhaustive  the long tests that make test leaves out"
	@echo "make test-containers  the tests of all containers together"
	@echo "make docs    the documentation as a site in site/ (make docs-serve: on http://127.0.0.1:8085)"
	@echo "make devsite a local server in the review sites' formats (PORT=8900)"

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(LIGHT): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.txt -e .
	@touch $@

# Compiled by all cores at the end, and not package by package.
$(FULL): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements.txt -e .
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true
	@touch $@ $(LIGHT) $(API) $(AIRFLOW) $(UI) $(DOCS)

setup: $(LIGHT)

setup-full: $(FULL)

demo: $(LIGHT)
	REELSENSE_LANGUAGE=$(LANGUAGE) $(BIN)/reelsense demo

test: $(FULL)
	sh deploy/install-test-packages.sh
	sh deploy/helm/install-helm.sh $(BIN) || echo "helm could not be fetched: the tests of the chart are skipped"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(PARALLEL) -m "not alone and not containers and not exhaustive" $(PYTEST)
	$(BIN)/pytest -m alone $(PYTEST) || [ $$? -eq 5 ]

# What `make test` leaves out to end within half an hour: the same promises, at every point and many times.
test-exhaustive: $(FULL)
	sh deploy/install-test-packages.sh
	$(BIN)/pytest $(PARALLEL) -m exhaustive --ignore=$(AIRFLOW_RUNS) $(PYTEST)
	$(BIN)/pytest $(AIRFLOW_RUNS)

# The whole stack, through nginx alone; building takes most of the time, and the first test waits for it.
test-containers: $(FULL)
	sh deploy/install-test-packages.sh
	$(BIN)/pytest tests/containers -m containers -rs --timeout=3600 $(PYTEST)

test-pages: $(FULL)
	sh deploy/install-test-packages.sh
	$(BIN)/pytest $(PARALLEL) -m "not exhaustive" tests/streamlit $(PYTEST)

check: $(FULL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(PARALLEL) -m "not slow and not postgres and not exhaustive and not alone" $(QUICK) $(PYTEST)

format: $(FULL)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

devsite: $(LIGHT)
	$(BIN)/reelsense devsite --port $(or $(PORT),8900)

$(API): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.txt -e .[api]
	@touch $@

api: $(API)
	$(BIN)/uvicorn --app-dir fastapi --factory app.main:create_app --host 127.0.0.1 --port $(or $(PORT),8000) \
	  --no-access-log --log-level warning --timeout-graceful-shutdown 30

$(AIRFLOW): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.txt -e .[airflow,slack,s3,postgres]
	@touch $@

$(UI): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.txt -e .[api,ui,files,studio]
	@touch $@

# With an API of its own, unless REELSENSE_LINKS__API names one.
ui: $(UI)
	PORT=$(or $(PORT),8501) exec $(BIN)/python streamlit/start.py

# Ctrl-C ends it with all its parts.
airflow: $(AIRFLOW)
	AIRFLOW__API__PORT=$(or $(PORT),8080) exec $(BIN)/python airflow/start.py standalone

# The reference is made from the API and the settings as they are: hence their packages.
$(DOCS): pyproject.toml requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.txt -e .[api,docs]
	@touch $@

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

docs-serve: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --quiet --dev-addr 127.0.0.1:$(or $(PORT),8085)

env:
	sh deploy/make-env.sh

# Wrong passwords are told before anything is built or started.
up: env
	docker compose config -q
	sh deploy/build-images.sh
	docker compose run --rm passwords
	docker compose up -d --wait

clean-demo:
	rm -rf .reelsense
