# SPDX-License-Identifier: MIT
# The front door. Every target sets up what it needs, and skips what is up to date.

BOARD ?= maix_bit
BOARDS := $(notdir $(patsubst %/,%,$(dir $(wildcard boards/*/mpconfigboard.h))))
VARIANT ?=
PORT ?= /dev/ttyUSB0
QEMU_DIR ?= build/src/qemu-src
MICROPY_DIR ?= build/src/micropython-src
# What `make run` puts into flash, shows to the camera and runs: our digit detector. With a MODEL of your own:
# the face detector's script, and the test data's picture of a face where that is there.
DATA := $(or $(K210_TEST_DATA),../shared/data)
ifdef MODEL
CAMERA ?= $(or $(wildcard $(DATA)/images/astronaut.png),examples/digits.png)
SCRIPT ?= examples/face_detect.py
endif
MODEL ?= examples/models/digit_detector.kmodel
CAMERA ?= examples/digits.png
SCRIPT ?= examples/digit_detect.py
FRAMES ?= 3
# More arguments for pytest: make test TESTS=tests/device PYTEST_ARGS="-k lcd"
TESTS ?=
PYTEST_ARGS ?=

SETUP := scripts/setup
VENV := build/venv/bin
export QEMU_DIR MICROPY_DIR

.PHONY: help run test test-upstream firmware boards minimal emulator flash repl bench lint setup packages venv venv-test
.DEFAULT_GOAL := help
# Emulator and firmware one after the other: each of them uses all cores.
.NOTPARALLEL:

help:
	@echo "make run                    build all, read the digits on a picture, write build/run/lcd.png"
	@echo "make test                   every test that needs no board"
	@echo "make test-upstream          only MicroPython's own test suite, on the emulator"
	@echo "make firmware BOARD=...     build/<BOARD>/firmware.elf .bin .kfpkg (default $(BOARD))"
	@echo "make boards                 the firmware of every board"
	@echo "     VARIANT=minimal        as much memory for models as possible, in build/<BOARD>-minimal/"
	@echo "make emulator               build/qemu/qemu-system-riscv64"
	@echo "make flash PORT=...         program a board (default $(PORT))"
	@echo "make repl PORT=...          its MicroPython prompt"
	@echo "make bench [BASE=bench.json] build/bench/: speed of the emulator and of the firmware on it"
	@echo "make lint                   formatting and static checks"
	@echo
	@echo "make run takes MODEL= CAMERA= SCRIPT= FRAMES=; sources of your own: QEMU_DIR= MICROPY_DIR="

packages:
	@$(SETUP)/packages.sh

venv: packages
	@$(SETUP)/venv.sh

venv-test: packages
	@$(SETUP)/venv.sh test

setup: packages venv

emulator: setup
	@$(SETUP)/sources.sh qemu "$(QEMU_DIR)"
	@$(SETUP)/emulator.sh "$(QEMU_DIR)"

firmware: setup
	@$(SETUP)/sources.sh micropython "$(MICROPY_DIR)"
	@$(SETUP)/firmware.sh "$(BOARD)" "$(MICROPY_DIR)" "$(VARIANT)"

boards: setup
	@$(SETUP)/sources.sh micropython "$(MICROPY_DIR)"
	@for b in $(BOARDS); do $(SETUP)/firmware.sh $$b "$(MICROPY_DIR)" || exit 1; done

minimal: setup
	@$(SETUP)/sources.sh micropython "$(MICROPY_DIR)"
	@$(SETUP)/firmware.sh "$(BOARD)" "$(MICROPY_DIR)" minimal

run: emulator firmware
	@$(SETUP)/run.sh "$(BOARD)" "$(MODEL)" "$(CAMERA)" "$(SCRIPT)" "$(FRAMES)"

test: venv-test emulator boards minimal
	@$(VENV)/python -m pytest -n auto --dist loadfile $(TESTS) $(PYTEST_ARGS)

test-upstream: emulator firmware
	@$(VENV)/python tests/upstream/run.py

flash: firmware
	@$(VENV)/k210 flash --port "$(PORT)" --board "$(BOARD)" build/$(BOARD)/firmware.bin

repl: venv
	@$(VENV)/mpremote connect "$(PORT)" repl

bench: venv-test emulator firmware
	@$(VENV)/python -m k210.bench --board "$(BOARD)" $(if $(BASE),--base "$(BASE)") $(if $(ONLY),--only "$(ONLY)")

lint: venv-test
	@$(SETUP)/lint.sh
