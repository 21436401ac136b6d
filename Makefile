# SPDX-License-Identifier: GPL-3.0-or-later
# Shortcuts for meson and the scripts in tests/.
BUILD := build
DESTDIR ?=

.PHONY: all deps build demo check test bench load soak mutants static fuzz-smoke fuzz coverage install deb clean

all: build

deps: # installs packages and does nothing else
	tests/install-packages build demo check deb

$(BUILD)/build.ninja:
	meson setup $(BUILD)

build: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

demo: # KEEP=1: keeps it running until Ctrl-C
	KEEP=$(KEEP) tests/demo $(BUILD)

check test: deps
	tests/run-all

bench: build # prints measurements and checks no limits
	tests/install-packages bench
	for bench in $$(find tests/bench -type f -perm -u+x); do "$$bench" $(BUILD) || exit; done

load: build deb # the tests of load at their full size, on an idle machine
	tests/install-packages check
	LOAD=full tests/system/run --tb=short -q -s tests/system/load/test_load.py

soak: build deb # SECONDS of mixed load with faults; figures in $(BUILD)/soak
	tests/install-packages check
	tests/soak $(or $(SECONDS),3600)

mutants: # random changes to the code that the unit tests must notice
	tests/install-packages build
	tests/mutate --directory=build-mutants --seed=$(or $(SEED),1) --count=$(or $(COUNT),24)

PROGRAMS := handlers/acmems-http01 handlers/acmems-sign handlers/acmems-tlsalpn01 orderd/acmems-orderd \
	tools/acmems-generator tools/acmemsctl tools/acme-register

static: build # what the analyzers of four tools find
	tests/install-packages build check static
	tests/static/hardening $(BUILD)
	tests/static/cppcheck $(BUILD)
	tests/static/gcc-analyzer $(PROGRAMS)
	tests/static/scan-build $(PROGRAMS)

fuzz-smoke: # a minute for each parser
	tests/install-packages build fuzz
	tests/fuzz/run 60

fuzz: # SECONDS for each parser
	tests/install-packages build fuzz
	tests/fuzz/run $(or $(SECONDS),3600)

coverage: # of the parsers, by their fuzz targets
	tests/install-packages build fuzz
	tests/fuzz/coverage

install: build
	DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild

deb: # Debian packages, in $(BUILD)/deb
	tests/install-packages build deb
	tests/build-packages $(BUILD)/deb

clean:
	rm -rf build build-asan build-llhttp build-fuzz build-coverage build-mutants build-analyzer build-scan
