# One target for each task of developers and CI; `make` alone runs the checks.

# The first Python that is new enough and has the venv module. The system's own comes first: a service with ProtectHome=
# cannot start a Python that is installed in a home directory.
PYTHONS = /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11
USABLE = import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON = $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c '$(USABLE)' 2>/dev/null && echo $(python))))

IN = .venv/bin/

# Tests start hundreds of processes: each module is compiled once, and not again by each of them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: check lint types layers test coverage demo deb venv idle startup migration messages fortnight jobs fuzz mutants torture redteam pictures audit clean

# Run every check, all of them even if one fails, two at a time: the types need one core, and most tests wait.
check: venv
	@$(MAKE) --no-print-directory --keep-going --jobs=2 lint types layers test

# Find mistakes, and code that is not formatted.
lint: venv
	$(IN)ruff check --no-cache
	$(IN)ruff format --check

# Check the types of the program, the tests and the benchmarks.
types: venv
	$(IN)mypy

# Check that imports only go down the layers.
layers: venv
	$(IN)lint-imports

# Where tests have their files, the usual place by default: in memory, if there is room for them and programs may be started
# there, since their ledgers wait for the disk at each commit.
ROOMY = $(shell df -k --output=avail /dev/shm 2>/dev/null | awk '$$1 > 4000000')
FILES = $(if $(ROOMY),$(shell grep -q ' /dev/shm .*noexec' /proc/mounts || echo /dev/shm))
PYTEST = PYTEST_DEBUG_TEMPROOT=$(FILES) $(IN)pytest -n 4 --dist loadfile --no-loadscope-reorder

# Run the tests.
test: venv
	$(PYTEST)

# Run the tests and list the lines and branches that no test reached; it takes twice the time.
coverage: venv
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

# Play the life of one complaint over real IMAP and SMTP on this machine.
demo: .venv-demo/made
	.venv-demo/bin/followupd demo

# Build the Debian package, for the Debian or Ubuntu of this machine, in dist.
deb:
	bash systemd/deb/build

# Draft the migration that a change of tables.py needs: make migration SAYS="what changed".
migration: venv
	$(IN)python -m followupd.adapters.storage.migrations "$(SAYS)"

# Extract the sentences for agents from the code, and update the catalogue of every language.
messages: venv
	$(IN)pybabel -q extract -k msg -k msgid --no-default-keywords --add-location=file --omit-header --width=110 \
		-o .venv/agents.pot followupd
	for catalogue in followupd/languages/*/agents.po; do \
		$(IN)pybabel -q update --ignore-obsolete --no-fuzzy-matching --omit-header --width=110 \
			-i .venv/agents.pot -o $$catalogue -l $$(basename $$(dirname $$catalogue)) || exit 1; \
	done

# Live a fortnight of an agent's desk mails, and print what each day brings; FORTNIGHT names the servers
# (dovecot plain_dovecot cyrus courier graph).
fortnight: venv
	$(IN)pytest -q -s tests/journeys/test_fortnight.py

# Do each of an agent's jobs at a service desk; JOBS names the servers, as for `fortnight`.
jobs: venv
	$(IN)pytest -q tests/journeys/test_jobs.py

# Fuzz the parsers of mails, notes, durations and configurations, FOLLOWUPD_FUZZ seconds each (ten minutes).
fuzz: venv
	FOLLOWUPD_FUZZ=$${FOLLOWUPD_FUZZ:-600} $(IN)pytest -o faulthandler_timeout=0 --timeout=0 tests/fuzz

# Change the pure core in one place at a time, and print which changes no test notices: make mutants MODULES="followupd.domain.playbook".
mutants: venv
	$(IN)python -m tests.policies.mutants $(MODULES)

# Run the crash tests for an hour or more: FOLLOWUPD_TORTURE simulated worlds, FOLLOWUPD_TORTURE_KILLS killed daemons,
# FOLLOWUPD_TORTURE_CASES cases on machines that share a ledger, and dropped connections. It prints what was tried.
torture: venv
	FOLLOWUPD_TORTURE=$${FOLLOWUPD_TORTURE:-2000} FOLLOWUPD_TORTURE_CASES=$${FOLLOWUPD_TORTURE_CASES:-500} \
		$(IN)pytest -o faulthandler_timeout=0 --timeout=0 -s tests/properties tests/journeys/test_torture.py \
		tests/journeys/test_several_daemons.py tests/journeys/test_line_cut.py tests/journeys/test_pull_the_plug.py

# Attack a running followupd over real servers as an outsider would: each line of docs/security.md, floods of
# FOLLOWUPD_REDTEAM complaints (1000) and, at a daemon, of FOLLOWUPD_FLOOD (10000), and FOLLOWUPD_FAULTS cases (200) on
# each database amid deaths and outages. It prints what was tried.
redteam: venv
	FOLLOWUPD_REDTEAM=$${FOLLOWUPD_REDTEAM:-1000} FOLLOWUPD_FLOOD=$${FOLLOWUPD_FLOOD:-10000} \
		FOLLOWUPD_FAULTS=$${FOLLOWUPD_FAULTS:-200} \
		$(IN)pytest -o faulthandler_timeout=0 --timeout=0 -s -v --no-header $$($(IN)python -m tests.layers.test_security) \
		tests/journeys/test_redteam.py tests/journeys/test_more_attacks.py tests/journeys/test_nobody_gets_in.py \
		tests/journeys/test_fault_injection.py tests/journeys/test_robots.py tests/contracts/test_mailbox_odd_peers.py tests/layers/test_patterns.py

# Look up every package that the checks use in the public advisories.
audit: venv
	bash .ci/audit

# Measure start-up, idle memory, and the commands status and check.
idle: venv
	$(IN)python -m benchmarks.idle

# Measure the CPU time of the commands alone; needs no servers.
startup: venv
	$(IN)python -m benchmarks.startup

# Take the README's pictures of the sample letter; needs Chromium.
pictures: venv
	$(IN)python -m benchmarks.pictures

# Create .venv with the project and what its tests need; again after pyproject.toml has changed.
venv: .venv/made

.venv/made: pyproject.toml
	$(call create,.venv,--editable . --group test)

# The demo needs none of the test tools.
.venv-demo/made: pyproject.toml
	$(call create,.venv-demo,--editable '.[demo]')

# $(call create,DIRECTORY,WHAT TO INSTALL)
define create
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the venv module; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(1)
	$(1)/bin/pip install --quiet --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(1)/bin/pip install --quiet --quiet --disable-pip-version-check $(2)
	@touch $(1)/made
endef

# Remove what the checks and the demo have created.
clean:
	rm -rf .venv .venv-demo dist .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
