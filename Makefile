# framelift: every command a person or CI needs. `make help` lists them.
PRESET ?= release
BUILD := build/$(PRESET)
FRAMELIFT := $(BUILD)/bin/framelift

.DEFAULT_GOAL := help
.PHONY: help setup configure torch build test test-models check lint bench goldens peers-venv demo format clean
.NOTPARALLEL:

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14
	@echo 'PRESET=dev|asan|tsan builds and tests another preset (CMakePresets.json).'

setup: ## install what the build needs (Debian packages, .venv)
	@tools/setup.sh

configure: setup
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET)

torch: setup ## install libtorch: training, NVIDIA GPUs; build afterwards
	@tools/setup.sh --torch
	@cmake --preset $(PRESET)

build: configure ## build everything
	@cmake --build --preset $(PRESET)

test: torch build test-models ## run every test
	@ctest --preset $(PRESET)

# The goldens of this one network need its published weights, which the folder of real assets does not hold.
test-models: build
	@test ! -d $${FRAMELIFT_SHARED:-../shared}/assets || test -f build/models/x4plus.safetensors || \
	  FRAMELIFT_MODELS=build/models $(FRAMELIFT) models pull x4plus

lint: torch build ## formatting, layer rules, headers, clang-tidy on changed files
	@tools/setup.sh --lint
	@tools/lint.sh $(BUILD)

check: ## what CI runs: lint and every test
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test

demo: build ## upscale a short clip and show it beside ordinary scaling
	@tools/demo.sh $(abspath $(FRAMELIFT))

peers-venv:
	@tools/setup.sh --peers

bench: build peers-venv ## measure framelift and its peers; writes bench/results and docs/benchmarks.md
	@bench/run.sh $(abspath $(FRAMELIFT))

goldens: peers-venv ## make tests/golden again with PyTorch
	@.venv-peers/bin/python tools/make_goldens.py
	@.venv-peers/bin/python tools/make_onnx_goldens.py

format: ## format all C++ files
	@tools/setup.sh --lint
	@tools/lint.sh --format

clean: ## remove build/ and out/
	@rm -rf build out
