# Everything that is done to this project by hand or by CI, one word each; `make` alone runs the checks.

# The first Python here that is new enough and can make a venv; the system's own before any other, since a service that
# may not look into home directories could not start a Python that lives in one.
PYTHONS = /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11
SUITS = import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON = $(firstword $(foreach each,$(PYTHONS),$(shell $(each) -c '$(SUITS)' 2>/dev/null && echo $(each))))

IN = .venv/bin/

.PHONY: check lint types layers test demo venv idle migration fuzz torture pictures audit clean

# Run every check, and all of them even where one fails; the tests come last.
check: venv
	@$(MAKE) --no-print-directory --keep-going lint types layers test

# Look for mistakes and for lines that the formatter would write otherwise.
lint: venv
	$(IN)ruff check --no-cache
	$(IN)ruff format --check

# Prove the types, tests and benchmarks included.
types: venv
	$(IN)mypy

# See that imports only go down the layers of the house.
layers: venv
	$(IN)lint-imports

# Run the tests and print which lines and branches none of them reached.
test: venv
	$(IN)pytest -n auto --dist loadfile --cov --cov-report=term-missing:skip-covered

# Tell the whole story over real IMAP and SMTP on this machine.
demo: venv
	$(IN)followupd demo

# Draft the migration that a change of tables.py needs: make migration SAYS="what changed".
migration: venv
	$(IN)python -m followupd.adapters.storage.migrations "$(SAYS)"

# Throw odd mails, notes, durations and configurations at the readers, ten minutes each; FOLLOWUPD_FUZZ=seconds says otherwise.
fuzz: venv
	FOLLOWUPD_FUZZ=$${FOLLOWUPD_FUZZ:-600} $(IN)pytest -o faulthandler_timeout=0 tests/fuzz

# Pull every plug for an hour and more: simulated worlds (FOLLOWUPD_TORTURE of them), killed daemons (FOLLOWUPD_TORTURE_KILLS),
# machines that share a ledger (FOLLOWUPD_TORTURE_CASES), cut lines; prints what was tried.
torture: venv
	FOLLOWUPD_TORTURE=$${FOLLOWUPD_TORTURE:-2000} FOLLOWUPD_TORTURE_CASES=$${FOLLOWUPD_TORTURE_CASES:-500} \
		$(IN)pytest -o faulthandler_timeout=0 -s tests/properties tests/journeys/test_torture.py \
		tests/journeys/test_several_daemons.py tests/journeys/test_line_cut.py tests/journeys/test_pull_the_plug.py

# Ask the public advisories about every package that the checks run with.
audit: venv
	bash .ci/audit

# Measure start-up and idle memory.
idle: venv
	$(IN)python -m benchmarks.idle

# Take the README's pictures of the sample letter anew; needs Chromium.
pictures: venv
	$(IN)python -m benchmarks.pictures

# Make .venv with the project and all that its tests need, once, and again when pyproject.toml has changed.
venv: .venv/made

.venv/made: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the venv module; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(IN)pip install --quiet --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(IN)pip install --quiet --quiet --editable . --group test
	@touch $@

# Take away what the checks have made.
clean:
	rm -rf .venv .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
