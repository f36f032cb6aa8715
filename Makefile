# What people and CI call. Everything installs into .venv (newest dependencies) and .venv-oldest
# (the oldest supported grpcio and protobuf, which also generate the committed stubs).
PYTHON ?= python3
VENV   := .venv
OLDEST := .venv-oldest
BIN    := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help system lab-system venv lint test test-all unit demo matrix bench fuzz stubs man completions deb rpm wheel oci clean

help:
	@echo 'make test    every capability once: lint, types, unit, integration, lab (the lab needs root)'
	@echo 'make test-all  the long tests too: before an issue is called done, and before a release'
	@echo 'make unit    what runs without root, in seconds'
	@echo 'make demo    boot real guests under real libvirt hosts and audit them (root)'
	@echo 'make matrix  each machine type moved live from bookworm to trixie (root, ARGS)'
	@echo 'make lint    ruff and mypy --strict'
	@echo 'make stubs   regenerate the wire contract'"'"'s Python stubs'
	@echo 'make deb     Debian packages, into build/deb'
	@echo 'make man     the man pages, into build/man'
	@echo 'make completions   those of bash, zsh and fish, into build/completions'
	@echo 'make bench   what it costs, each figure beside its floor (root; in ARGS rows and options)'
	@echo 'make fuzz    the parsers of what strangers give, for SECONDS (3600); into build/fuzz'
	@echo 'make rpm     RPM packages, into build/rpm (needs rpmbuild)'
	@echo 'make wheel   wheels of the contract, the guest side and the host side, in dist/'
	@echo 'make oci     an OCI image of the host command, in build/oci (root)'
	@echo 'make clean   remove the virtual environments, and what was built'

# Debian packages that the build, the lab and the tests need; does nothing where they are all there.
LAB_PACKAGES := tests/lab/packages.txt
system:
	@sh tests/system-packages $(LAB_PACKAGES) tests/system-packages.txt

lab-system:
	@sh tests/system-packages $(LAB_PACKAGES)

# What pip says on the way is of interest where it fails.
PIP := pip install --quiet --disable-pip-version-check
quietly = >$(1)/pip.log 2>&1 || { cat $(1)/pip.log; exit 1; }

# What the demonstration runs: the product itself.
$(VENV)/.demo: pyproject.toml | lab-system
	@echo 'installing the libraries of samemachine into $(VENV) (100 MB)'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/$(PIP) --upgrade pip $(call quietly,$(VENV))
	@$(BIN)/$(PIP) --editable '.[guest,host]' $(call quietly,$(VENV))
	@touch $@

$(VENV)/.ready: $(VENV)/.demo | system
	@echo 'installing what the tests need into $(VENV)'
	@$(BIN)/$(PIP) --editable '.[guest,host,dev]' $(call quietly,$(VENV))
	@touch $@

$(OLDEST)/.ready: tests/oldest.txt | system
	@echo 'installing the oldest libraries into $(OLDEST)'
	@$(PYTHON) -m venv --clear $(OLDEST)
	@$(OLDEST)/bin/$(PIP) --requirement tests/oldest.txt $(call quietly,$(OLDEST))
	@touch $@

venv: $(VENV)/.ready $(OLDEST)/.ready

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: venv
	@sh tests/rooted $(BIN)/python -m tests.everything $(PYTEST_ARGS)

test-all: venv
	@sh tests/rooted $(BIN)/python -m tests.everything --size=all $(PYTEST_ARGS)

unit: venv
	$(BIN)/pytest tests/unit tests/integration $(PYTEST_ARGS)

demo: $(VENV)/.demo
	@sh tests/rooted $(BIN)/python -m tests.lab.demo

matrix: venv
	@sh tests/rooted $(BIN)/samemachine-lab matrix --from bookworm --to trixie $(ARGS)

bench: venv
	@sh tests/rooted $(BIN)/python -m tests.bench $(ARGS)

SECONDS ?= 3600
fuzz: venv
	$(BIN)/pip install --quiet --editable '.[guest,host,dev,fuzz]'
	nice -n 19 $(BIN)/python -m tests.fuzz $(SECONDS)

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

oci: deb
	packaging/oci/make-image build/deb build/oci/samemachine.tar

clean:
	rm -rf $(VENV) $(OLDEST) build dist
