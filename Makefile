# Needs make and Python 3.11 or later; everything else goes into $(VENV).

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run test stress bench lint format reference messages FORCE

# The interpreter that $(VENV) is made with: the first of these that is recent enough.
PYTHON ?=
# The virtual environment. A second one, for another Python or Django, lives beside the first.
VENV ?= .venv
# A requirement that overrides Django's version, such as django>=6.0,<7.
DJANGO ?=
# Further arguments for pytest, as in: make test ARGS="-k admin -x".
ARGS ?=
# Most tests wait for other processes more than they work; fewer of tests/stress get on at a time.
SIDE_BY_SIDE := --dist loadfile --durations=40 --durations-min=4
# Any value leaves out the tests of tests/stress, and those that are marked as faults or drive a browser.
LEAVE_FAULTS ?=
# Where `make run` serves the example project.
ADDRESS ?= 127.0.0.1:8000

# Made with the reference library and its extension for Django, for `make bench`; empty: left out.
PEERS ?= .venv-peers/.installed

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Replaces the shell, which would report a Ctrl-C as a failure.
EXAMPLE := exec env DJANGO_SETTINGS_MODULE=example_project.settings

help:  ## Show this list
	@echo "Usage: make TARGET [PYTHON=…] [VENV=.venv] [DJANGO='django>=6.0,<7'] [ARGS=…] [ADDRESS=…]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-example  ## Record the sample through the applications, run the system, check the counts
	@$(EXAMPLE) $(BIN)/python manage.py prepare
	@$(EXAMPLE) $(BIN)/python manage.py demo
	@echo "Or both servers in one terminal, until Ctrl-C:  make run"

run: $(VENV)/.installed-example  ## Serve the example project and run its system until Ctrl-C
	@$(EXAMPLE) $(BIN)/python manage.py prepare
	@$(EXAMPLE) $(BIN)/python scripts/run_example.py '$(ADDRESS)'

test: $(VENV)/.installed-test  ## Run the tests
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest -n 4 $(SIDE_BY_SIDE) --ignore=tests/stress $(if $(LEAVE_FAULTS),-m "not stress and not faults and not browser")
	@$(if $(LEAVE_FAULTS),,$(BIN)/python -m pytest -n 3 $(SIDE_BY_SIDE) tests/stress)
else
	@$(BIN)/python -m pytest $(ARGS)
endif

stress: $(VENV)/.installed-test  ## Run the long forms of the tests
	@export STRESS_SEED="$${STRESS_SEED:-$$($(BIN)/python -c 'import random; print(random.randrange(10**6))')}"; \
	echo "The seed, to repeat this run: STRESS_SEED=$$STRESS_SEED make stress"; \
	exec $(BIN)/python -m pytest -m stress $(ARGS)

bench: $(VENV)/.installed-bench $(PEERS)  ## Compare with other ways to do the same (PEERS= leaves out the reference library)
	@$(BIN)/python -m benchmarks $(if $(PEERS),--peers '$(CURDIR)/$(dir $(PEERS))bin/python') $(ARGS)

lint: $(VENV)/.installed-lint  ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed-lint  ## Put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

reference: $(VENV)/.installed-test  ## Write the pages of names in docs/reference from the docstrings
	@$(BIN)/python scripts/make_reference.py

messages: $(VENV)/.installed-test  ## Bring the translations up to date with the words in the code (needs gettext)
	@$(BIN)/python scripts/make_messages.py $(ARGS)

# A stamp for each set of extras: a second run is quick, a change of pyproject.toml installs again.
$(VENV)/.installed-%: pyproject.toml $(VENV)/.made $(VENV)/.django
	@echo "Installing django-eventsourcing[$*] into $(VENV)"
	@$(PIP) install --editable '.[$*]' $(if $(DJANGO),'$(DJANGO)')
	@$(if $(filter test,$*),$(try_mysql))
	@touch $@

# The driver for MariaDB and MySQL is compiled; the rest of the tests do without it.
define try_mysql
$(PIP) install --editable '.[mysql]' $(if $(DJANGO),'$(DJANGO)') >$(VENV)/mysql.log 2>&1 \
|| echo "mysqlclient cannot be built (see $(VENV)/mysql.log), so the tests on MariaDB are left out." \
"HINT: On Debian: apt-get install gcc pkg-config libmariadb-dev; then: rm $(VENV)/.installed-test"
endef

# The newest that its extension for Django goes with; this project cannot be installed beside it.
.venv-peers/.installed:
	@echo "Installing the reference library into .venv-peers"
	@$(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install \
		'eventsourcing[postgres]<9.5' 'eventsourcing-django==0.6' psycopg-pool 'psycopg[binary]'
	@touch $@

# Holds the requirement that Django was installed for, so that another one installs again.
$(VENV)/.django: $(VENV)/.made FORCE
	@test "$$(cat $@ 2>/dev/null)" = '$(DJANGO)' -a -f $@ || echo '$(DJANGO)' >$@

$(VENV)/.made: FORCE
	@set -e; \
	recent='import sys; sys.exit(sys.version_info < (3, 11))'; \
	version='import sys; print("%d.%d" % sys.version_info[:2])'; \
	python=; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if $$candidate -c "$$recent" >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if test -x $(BIN)/python && $(BIN)/python -c "$$recent" >/dev/null 2>&1; then \
		made=$$($(BIN)/python -c "$$version"); \
		if test -n "$(PYTHON)" -a -n "$$python" && test "$$($$python -c "$$version")" != "$$made"; then \
			echo "$(VENV) has Python $$made, but PYTHON=$(PYTHON) was asked for." \
			"HINT: Give another environment, as in VENV=.venv-other, or remove $(VENV)." >&2; exit 1; \
		fi; \
	elif test -z "$$python"; then \
		echo "No Python 3.11 or later found (tried: $(or $(PYTHON),python3 python3.13 python3.12 python3.11))." \
		"HINT: Install one, or name it, as in: make $(or $(firstword $(MAKECMDGOALS)),test) PYTHON=/path/to/python3" >&2; exit 1; \
	else \
		echo "Making $(VENV) with $$($$python --version)"; \
		$$python -m venv $(VENV) || { \
			echo "$$python cannot make a virtual environment." \
			"HINT: On Debian: apt-get install python3-venv; or name another one with PYTHON=…" >&2; exit 1; }; \
	fi; \
	test -f $@ || touch $@
