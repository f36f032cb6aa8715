# What people and CI call. Everything installs into .venv (newest dependencies) and .venv-oldest
# (the oldest supported grpcio and protobuf, which also generate the committed stubs).
PYTHON ?= python3
VENV   := .venv
OLDEST := .venv-oldest
BIN    := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help system venv lint test unit demo bench stubs man completions deb rpm wheel clean

help:
	@echo 'make test    everything: lint, types, unit, integration, lab (the lab needs root)'
	@echo 'make unit    what runs without root, in seconds'
	@echo 'make demo    boot real guests under real libvirt hosts and audit them (root)'
	@echo 'make lint    ruff and mypy --strict'
	@echo 'make stubs   regenerate the wire contract'"'"'s Python stubs'
	@echo 'make deb     Debian packages, into build/deb'
	@echo 'make man     the man pages, into build/man'
	@echo 'make completions   those of bash, zsh and fish, into build/completions'
	@echo 'make bench   benchmarks'
	@echo 'make rpm     RPM packages, into build/rpm (needs rpmbuild)'
	@echo 'make wheel   wheels of the contract, the guest side and the host side, in dist/'
	@echo 'make clean   remove the virtual environments, and what was built'

# Debian packages that the build and the lab need; does nothing where they are all there.
system:
	@sh tests/system-packages

$(VENV)/.ready: pyproject.toml | system
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[guest,host,dev]'
	touch $@

$(OLDEST)/.ready: tests/oldest.txt | system
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/pip install --quiet --requirement tests/oldest.txt
	touch $@

venv: $(VENV)/.ready $(OLDEST)/.ready

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: venv
	$(BIN)/python -m tests.everything $(PYTEST_ARGS)

unit: venv
	$(BIN)/pytest tests/unit tests/integration $(PYTEST_ARGS)

demo: venv
	$(BIN)/python -m tests.lab.demo

bench: venv
	$(BIN)/python -m tests.bench

stubs: venv
	$(OLDEST)/bin/python -m grpc_tools.protoc --proto_path=proto --python_out=proto --grpc_python_out=proto \
	    --pyi_out=proto samemachine/v1/guest.proto

deb: $(VENV)/.ready
	$(BIN)/python packaging/make-deb

man:
	packaging/make-man

completions: venv
	$(BIN)/python packaging/make-completions

# --nodeps: on a Debian system rpm knows none of the packages that are installed.
rpm: deb
	rpmbuild --quiet -bb --nodeps --define '_topdir $(CURDIR)/build/rpm' --define '_sourcedir $(CURDIR)/build/deb' \
	    --define '_rpmdir $(CURDIR)/build/rpm' packaging/rpm/samemachine.spec

wheel: venv
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist packaging/wheels/contract packaging/wheels/guest \
	    packaging/wheels/host

clean:
	rm -rf $(VENV) $(OLDEST) build dist
