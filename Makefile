# Run `make` for the list of targets. PYTHON chooses the interpreter of a new .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export HF_HUB_DISABLE_TELEMETRY := 1
export GRADIO_ANALYTICS_ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help venv demo pretrained captions test coverage quality style space bench docs release clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(INSTALLED)  ## Create .venv with the locked packages, if it is missing or the lock changed

$(INSTALLED): requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)')"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python scripts/mend_torchvision.py
	@touch $@

demo: $(INSTALLED)  ## The whole path on synthetic data: cubes, dataset, two models, predictions (runs/demo)
	$(BIN)/python scripts/demo.py

pretrained: $(INSTALLED)  ## Make the model in the box again (hours; goes on where it stopped)
	$(BIN)/python scripts/pretrained.py

captions: $(INSTALLED)  ## Train captioners and a retriever on simulated pairs (an hour; goes on where it stopped)
	$(BIN)/python scripts/captions.py

test: $(INSTALLED)  ## Run the tests (three processes, as some of them wait)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q

coverage: $(INSTALLED)  ## Run the tests and say which lines of the rooms they never reach
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q --cov --cov-report term-missing:skip-covered

quality: $(INSTALLED)  ## Check style, types, dead code, and which way imports go
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture
	PYTHONPATH=spaces $(BIN)/lint-imports

style: $(INSTALLED)  ## Mend what style checks can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

space: $(INSTALLED)  ## Serve the demo page on http://127.0.0.1:7860
	$(BIN)/python spaces/app.py

bench: $(INSTALLED)  ## Measure speed and size against the usual pipelines (benchmarks/results)
	$(BIN)/python -m benchmarks

docs: $(INSTALLED)  ## Write docs/ pages that are generated from the code
	$(BIN)/python scripts/reference.py

release: $(INSTALLED)  ## Build the wheel and the source archive and check them
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

clean:  ## Delete everything that make made (.venv, runs, caches)
	rm -rf .venv runs build dist test-output .coverage* *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
