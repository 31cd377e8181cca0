# Each target is a task of scripts/dev.py, which also runs where there is no make: python scripts/dev.py run
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := run
.PHONY: run test lint fix knowledge bench wheel lock clean

run test lint fix knowledge bench wheel lock clean:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
