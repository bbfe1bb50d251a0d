# Two commands from nothing: `make demo` and `make test`. They need Python 3.11 or newer, pip and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# torch stands beside the project in one call, so that pip never resolves it to another build.
INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint slow benchmark bundle clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.ok ## set up, then fit the handwritten digits into build/demo
	$(BIN)/justfit fit digits --out build/demo --overwrite
	@echo "Open build/demo/report.html. On a table of yours: $(BIN)/justfit fit TABLE.csv --target COLUMN"
	@echo "(or first \`. $(BIN)/activate\`, then \`justfit fit TABLE.csv --target COLUMN\`)"

# Two processes side by side; the tests of one file stay in one, for they share what takes long to make.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test: lint ## set up, then everything CI runs
	$(PYTEST)

lint: $(VENV)/.ok-test ## style, types and walls only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(VENV)/.ok-test ## the tests that take minutes as well
	$(PYTEST) --slow

benchmark: $(VENV)/.ok-benchmark build/zoo_site build/pages_env ## against the peers, one thread; results in benchmarks/results
	$(BIN)/python benchmarks/sweep_speed.py --out benchmarks/results/sweep_speed.md
	$(BIN)/python benchmarks/memory.py --out benchmarks/results/memory.md
	rm -f build/choice.jsonl && mkdir -p build
	$(BIN)/python benchmarks/choice.py run --log build/choice.jsonl
	$(BIN)/python benchmarks/choice.py report build/choice.jsonl --out benchmarks/results/choice.md
	rm -f build/depth.jsonl
	$(BIN)/python benchmarks/depth.py --log build/depth.jsonl --out benchmarks/results/depth.md
	$(BIN)/python benchmarks/initializers.py --out benchmarks/results/initializers.md
	for split in dev held_out final; do for part in labels features rivals; do \
	  $(BIN)/python benchmarks/trainability.py $$part --split $$split --again || exit 1; \
	done; done
	$(BIN)/python benchmarks/trainability.py report --out benchmarks/results/trainability.md
	rm -rf build/zoo
	$(BIN)/python benchmarks/false_alarms.py --out benchmarks/results/false_alarms.md
	$(BIN)/python benchmarks/check_cost.py --out benchmarks/results/check_cost.md
	$(BIN)/python benchmarks/learning_curves.py --out benchmarks/results/learning_curves.md
	$(BIN)/python benchmarks/fit_verdict.py --out benchmarks/results/fit_verdict.md
	$(BIN)/python benchmarks/watch_overhead.py --out benchmarks/results/watch_overhead.md
	$(BIN)/python benchmarks/watch_faults.py --half all --out benchmarks/results/watch_faults.md
	$(BIN)/python benchmarks/seeded_faults.py --out benchmarks/results/seeded_faults.md
	$(BIN)/python benchmarks/any_module.py --out benchmarks/results/any_module.md
	$(BIN)/python benchmarks/executors.py > benchmarks/results/executors.md
	rm -f build/sweep-*.jsonl build/compaction.jsonl build/regularization.jsonl
	for part in tables mnist; do \
	  $(BIN)/python benchmarks/choice_sweep.py peers $$part --log build/sweep-peers-$$part.jsonl || exit 1; \
	  $(BIN)/python benchmarks/choice_sweep.py sweep $$part --peers build/sweep-peers-$$part.jsonl \
	    --log build/sweep-own.jsonl || exit 1; \
	done
	$(BIN)/python benchmarks/choice_sweep.py report build/sweep-*.jsonl --out benchmarks/results/choice_sweep.md
	for what in compaction regularization; do \
	  $(BIN)/python benchmarks/$$what.py run --log build/$$what.jsonl || exit 1; \
	  $(BIN)/python benchmarks/$$what.py report build/$$what.jsonl --out benchmarks/results/$$what.md || exit 1; \
	done
	$(BIN)/python benchmarks/repair.py --part all --out benchmarks/results/repair.md
	$(BIN)/python benchmarks/pages.py --out benchmarks/results/pages.md

bundle: ## build the ES module of the pages (needs Node and npm; what it builds is part of the project)
	cd web && npm ci --no-audit --no-fund && npm run check && npm run build

clean: ## remove what was built; the environment stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ok: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): a minute or two the first time."
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[lab,plot]'
	touch $@

# Every framework that justfit works with, and the tools of the tests: several minutes more.
$(VENV)/.ok-test: $(VENV)/.ok
	@echo "Setting up the tests: a few minutes the first time."
	$(INSTALL) -e '.[test]'
	touch $@

$(VENV)/.ok-benchmark: $(VENV)/.ok-test
	$(INSTALL) -e '.[test,benchmark]'
	touch $@

# timm stands beside the environment, not in it: of torchvision it needs the Python code only (benchmarks/zoo/library.py).
build/zoo_site: | $(VENV)/.ok-benchmark
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt --target $@ timm torchvision pillow

# What makes pages elsewhere: an environment of its own, for it asks for an older pandas.
build/pages_env: | $(VENV)/.ok-benchmark
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet plotly bokeh altair vl-convert-python fg-data-profiling
	mkdir $@/cartesian
	npm pack --pack-destination $@/cartesian plotly.js-cartesian-dist-min@4.1.1
	tar xzf $@/cartesian/*.tgz -C $@/cartesian
