# In front of CMake: what people type. `make help` lists it.

BUILD         ?= build
PREFIX        ?= /usr/local
DESTDIR       ?=
JOBS          ?= 2
FUZZ_SECONDS  ?= 60
# The event loop is only exercised by real sockets: the integration tests belong to it.
SANITIZED     := --output-on-failure -j$(JOBS) -L 'unit|replay|integration'
# Thread sanitizer and the kernel's address randomisation do not always get along.
FIXED_ADDRESS := $(shell setarch -R true 2>/dev/null && echo setarch -R)

.DEFAULT_GOAL := all
.PHONY: all run test bench faults check format fuzz deb install clean help check-format check-rooms check-lint \
	check-clang check-asan check-tsan check-types check-model
# Each check uses all cores itself.
.NOTPARALLEL:

all: ## build/weir
	@tools/packages --check build
	@test -f $(BUILD)/build.ninja || cmake --preset release -B $(BUILD) -DWEIR_TESTS=OFF --log-level=NOTICE
	@cmake --build $(BUILD)

run: ## install what is missing, build, show what weir does
	@tools/packages build
	@$(MAKE) --no-print-directory all
	@$(BUILD)/weir demo

test: ## install what is missing, build, run all tests
	@tools/packages build test
	@tools/clients
	@tools/clients tests/page
	@tools/clients bench
	@cmake --preset release -B $(BUILD) -DWEIR_TESTS=ON --log-level=NOTICE
	@cmake --build $(BUILD)
	@ctest --test-dir $(BUILD) -j$(JOBS) --output-on-failure

bench: ## weir beside nginx and HAProxy, and its own numbers
	@tools/packages build test bench
	@tools/clients bench
	@$(MAKE) --no-print-directory all
	@bench/run
	@bench/admission/run --build $(BUILD)
	@bench/processes/run --build $(BUILD)
	@WEIR_LIBRARY=$(BUILD)/libweir.so bench/python_acquire.py
	@WEIR=$(BUILD)/weir bench/yield/run
	@WEIR=$(BUILD)/weir bench/hosts/run
	@WEIR=$(BUILD)/weir bench/watch/run

faults: ## hosts whose store fails, 200 runs: a quarter of an hour
	@tools/packages build test
	@$(MAKE) --no-print-directory all
	@WEIR=$(BUILD)/weir tests/faults/run --runs 200 --parallel 4

check: ## format, rooms, lint, types, the model, both compilers, sanitizers
check: check-format check-rooms check-lint check-types check-model check-clang check-asan check-tsan
	@echo "weir: all checks passed"

check-format:
	@tools/packages build test check
	@tools/clients
	@tools/format.sh --check

check-rooms:
	@/usr/bin/python3 tools/rooms.py

check-lint:
	@cmake --preset release -B $(BUILD) -DWEIR_TESTS=ON --log-level=NOTICE
	@cmake --build $(BUILD)
	@tools/lint.sh $(BUILD)

check-types:
	@mypy --config-file python/pyproject.toml --cache-dir $(BUILD)/mypy python/weir

check-model:
	@tests/model/check

check-clang:
	@cmake --preset clang --log-level=NOTICE
	@cmake --build build/clang

check-asan:
	@cmake --preset asan --log-level=NOTICE
	@cmake --build build/asan
	@ctest --test-dir build/asan $(SANITIZED)

check-tsan:
	@cmake --preset tsan --log-level=NOTICE
	@cmake --build build/tsan
	@$(FIXED_ADDRESS) ctest --test-dir build/tsan $(SANITIZED)

format: ## rewrite the sources as .clang-format says
	@tools/format.sh

fuzz: ## each parser for FUZZ_SECONDS=60
	@tools/packages build check
	@cmake --preset fuzz --log-level=NOTICE
	@cmake --build build/fuzz
	@tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

deb: ## Debian packages in build/deb, judged by lintian
	@tools/packages build deb
	@tools/deb $(BUILD)/deb

install: all ## PREFIX=/usr/local, DESTDIR for packagers
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove build/
	@rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
