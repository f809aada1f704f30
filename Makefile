# Needs Python 3.11 or newer, and make. The first two to try:
#
#   make demo     install into .venv, mix the sample photographs, show what came out
#   make test     install into .venv, run the tests
#
# PIP_FLAGS goes to pip. On Linux, PyPI's torch brings CUDA along (gigabytes); without it:
#   make demo PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

.DEFAULT_GOAL := help
.PHONY: help demo test test-frameworks test-torchvision test-slow oracles bench bench-gpu accuracy docs lint smoke format clean
.DELETE_ON_ERROR:

# Each candidate is run, not only looked up: a name on the PATH may be a shim with nothing behind it, and Debian's
# python3 comes without ensurepip.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$python"; break; }; done)
PIP_FLAGS ?=
TESTS ?=

VENV := .venv
BIN := $(VENV)/bin
# Errors alone: pip warns of each package that one of several indexes does not have.
QUIETLY := --disable-pip-version-check --quiet --quiet
PIP = $(BIN)/python -m pip $(QUIETLY)
INPUTS := pyproject.toml $(wildcard constraints/*.txt)

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

%/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found." \
		"Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or say where it is:" \
		"make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $*

# Only files with the hashes that are written down, whatever needs them; then PyTorch, which has none; then this
# project, built by what is there.
define INSTALL
@$(PIP) install $(PIP_FLAGS) --require-hashes --no-deps $(foreach list,$(1),--requirement constraints/$(list).txt)
@$(PIP) install $(PIP_FLAGS) --requirement constraints/torch.txt
@$(PIP) install --no-deps --no-build-isolation --editable .
endef

# The stamps make a second run install nothing. What the tests need contains what the demo needs.
$(VENV)/.demo-installed: $(INPUTS) | $(BIN)/python
	@echo "Installing into $(VENV)" >&2
	$(call INSTALL,demo)
	@touch $@

$(VENV)/.dev-installed: $(INPUTS) | $(BIN)/python
	@echo "Installing into $(VENV)" >&2
	$(call INSTALL,demo dev)
	@touch $@ $(VENV)/.demo-installed

# TensorFlow, JAX and what else takes gigabytes: an environment of its own, so that `make test` needs none of it.
FRAMEWORKS := .venv-frameworks

# What is imported is compiled then; to compile all of it takes three times as long as to install it.
$(FRAMEWORKS)/.installed: BIN := $(FRAMEWORKS)/bin
$(FRAMEWORKS)/.installed: PIP_FLAGS += --no-compile
$(FRAMEWORKS)/.installed: $(INPUTS) | $(FRAMEWORKS)/bin/python
	@echo "Installing into $(FRAMEWORKS)" >&2
	$(call INSTALL,demo dev frameworks)
	@touch $@

define SHOW_ROWS
import json, pathlib, h5py
classes = json.loads(pathlib.Path("mixup-out/manifest.json").read_text())["class_names"]
with h5py.File("mixup-out/shard-00000.h5") as shard:
    for column in shard:
        print(f"  {column:14} {shard[column].dtype!s:8} {shard[column].shape}")
    print("The first rows' labels:")
    for row in shard["labels"][:5]:
        print("  " + " + ".join(f"{row[k]:.3f} {classes[k]}" for k in row.argsort()[::-1] if row[k]))
endef
export SHOW_ROWS

# In a copy of the photographs, so that the checkout is never written to.
demo: $(VENV)/.demo-installed
	@rm -rf demo-out && mkdir demo-out && cp -R sample_data/photos demo-out/photos
	@set -e; cd demo-out/photos; PATH="$(CURDIR)/$(BIN):$$PATH"; \
	run() { echo; echo "\$$ $$*"; "$$@"; }; \
	run mixup-gen generate --alpha 0.2; \
	run mixup-gen verify mixup-out; \
	run ls -l mixup-out; \
	echo; echo "mixup-out/shard-00000.h5 holds:"; python -c "$$SHOW_ROWS"; \
	echo; echo "The pictures and the data set are in demo-out/photos."

test: $(VENV)/.dev-installed
	$(BIN)/python -m pytest -n 2 $(TESTS)

# The readers and exporters of the other frameworks.
test-frameworks: $(FRAMEWORKS)/.installed
	$(FRAMEWORKS)/bin/python -m pytest -n 2 tests/frameworks $(TESTS)

# torchvision's own models, and exports whose libraries need torchvision, in an environment of its own, because torchvision needs another torch than the
# one that the project pins (6.3 GB on Linux with CUDA; PIP_FLAGS as above for less).
TORCHVISION := .venv-torchvision

$(TORCHVISION)/.installed: tests/frameworks/requirements-torchvision.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found." >&2; exit 1; }
	@echo "Installing into $(TORCHVISION)" >&2
	$(PYTHON) -m venv $(TORCHVISION)
	$(TORCHVISION)/bin/python -m pip $(QUIETLY) install $(PIP_FLAGS) --requirement $< --editable .
	@touch $@

test-torchvision: $(TORCHVISION)/.installed
	$(TORCHVISION)/bin/python -m pytest tests/frameworks/test_exporters.py tests/frameworks/test_torchvision_models.py \
		-k "Mds or LitData or torchvision"

test-slow: $(VENV)/.dev-installed
	$(BIN)/python -m pytest -n 2 -m slow $(TESTS)

# Other libraries' outputs are recorded in tests/oracles/golden/. This installs those libraries, exactly as pinned, in
# an environment of their own (5.7 GB on Linux with CUDA; PIP_FLAGS as above for less), computes the outputs again and
# compares. To record anew after a change of the pins: .venv-peers/bin/python tests/oracles/make_peer_golden.py
PEERS := .venv-peers

$(PEERS)/.installed: tests/oracles/requirements-peers.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found." >&2; exit 1; }
	@echo "Installing into $(PEERS)" >&2
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip $(QUIETLY) install $(PIP_FLAGS) --requirement $<
	@touch $@

oracles: $(PEERS)/.installed
	$(PEERS)/bin/python tests/oracles/make_peer_golden.py --check

# Measures mixup-gen beside its peers and the machine's limit, and writes benchmarks/results.md: most of an hour on a quiet
# machine. BENCH has options: make bench BENCH="--quick --cifar cifar-10-python.tar.gz --photos FOLDER --scratch FOLDER"
BENCH ?=

$(PEERS)/.bench-installed: benchmarks/requirements.txt $(PEERS)/.installed
	$(PEERS)/bin/python -m pip $(QUIETLY) install $(PIP_FLAGS) --requirement $<
	@touch $@

bench: $(VENV)/.dev-installed $(PEERS)/.bench-installed $(FRAMEWORKS)/.installed
	$(PEERS)/bin/python -m benchmarks.run --mixup-gen $(BIN)/mixup-gen --frameworks-python $(FRAMEWORKS)/bin/python $(BENCH)

# On a machine with CUDA: the kernel's contract and whole runs on the GPU against the CPU, in at most eight minutes. Writes
# benchmarks/gpu.md. make bench-gpu GPU="--cifar cifar-10-python.tar.gz --photos FOLDER"; --device cpu-torch is a trial.
GPU ?=

bench-gpu: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks.gpu $(GPU)

# Trains small networks on mixed and on plain CIFAR-10, adds the runs to benchmarks/accuracy/*.csv, and writes the tables of
# docs/accuracy.md again. Hours; runs that are there are not made again, so an interrupted call goes on.
# make accuracy CIFAR=cifar-10-python.tar.gz ACCURACY="--seeds 0 1 2 --questions tenth"
CIFAR ?= cifar-10-python.tar.gz
ACCURACY ?=

$(PEERS)/.accuracy-installed: constraints/demo.txt $(PEERS)/.bench-installed
	$(PEERS)/bin/python -m pip $(QUIETLY) install $(PIP_FLAGS) --require-hashes --no-deps --requirement $<
	@touch $@

accuracy: $(VENV)/.demo-installed $(PEERS)/.accuracy-installed
	$(PEERS)/bin/python -m benchmarks.accuracy $(CIFAR) --mixup-gen $(BIN)/mixup-gen $(ACCURACY)
	$(PEERS)/bin/python -m benchmarks.accuracy_report

# The pages as a site, in build/site: open its index.html. A warning is an error; nothing is loaded from elsewhere.
docs: $(VENV)/.dev-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.ci/audit $(BIN)/pip-audit

# The package as a user gets it, in an empty environment.
smoke: $(VENV)/.dev-installed
	PIP_FLAGS="$(PIP_FLAGS)" .ci/smoke $(BIN)/python

format: $(VENV)/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(FRAMEWORKS) $(TORCHVISION) $(PEERS) demo-out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find mixup_cli tests sample_data benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
