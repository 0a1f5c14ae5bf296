# `make demo` and `make test` are all the set-up there is: each makes its own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2

.PHONY: demo test lint docs bench clean lock

demo: $(STAMP)
	$(BIN)/partywall demo

test: $(STAMP) lint docs
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/partywall checks lint src/partywall/checks/catalogue

docs: $(STAMP)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(STAMP)
	for each in transport scan judge predicates html_report calls; do \
		echo "== $$each"; $(BIN)/python benchmarks/$$each.py || exit 1; \
	done

clean:
	rm -rf $(VENV) site docs/reference .pytest_cache .ruff_cache .hypothesis

# uv, installed into the environment itself, installs the locked versions; a fresh machine needs only Python.
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $(STAMP)

# The locked versions, for every platform and Python that partywall supports.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra demo --group dev \
		--no-emit-index-url --no-header --no-annotate -o requirements.lock pyproject.toml
