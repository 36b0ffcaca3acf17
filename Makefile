# SPDX-License-Identifier: MIT
# One non-recursive Makefile. Variables from the command line are appended to, never replaced: CC CFLAGS LDFLAGS PREFIX
# DESTDIR. Switches: O=build (output), V=1 (show commands), DEBUG=1, SAN=address,undefined, WERROR=1.

VERSION := 0.1.0
O ?= build
PREFIX ?= /usr/local
CC ?= cc
CXX ?= c++
PKG_CONFIG ?= pkg-config
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

ifeq ($(V),)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(patsubst $(O)/%,%,$@)';
else
Q :=
say :=
endif

# A missing library is named before the compiler stumbles over its header.
need = $(if $(shell $(PKG_CONFIG) --exists $(1) && echo y),,\
	$(error $(1) is missing: run scripts/install-deps.sh, or install Debian package $(2)))

warnings := -Wall -Wextra -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wvla \
	-Wformat=2 $(if $(WERROR),-Werror)
opt := $(if $(DEBUG),-O0 -DMP_DEBUG=1,-O2)
common := -std=gnu11 -D_GNU_SOURCE -g $(opt) $(warnings) -Iinclude -DMP_VERSION='"$(VERSION)"' -MMD -MP
san := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)

# LTO lets the hooks inline across files; clang would need another linker for it.
is_clang := $(findstring clang,$(shell $(CC) --version))

# The preload never meets sanitizers as a preload: its modules do, as unit tests. Vectorized, two counters stored as one
# and loaded as two (or the other way round) stall every event for a dozen cycles.
preload_flags := $(common) -Ipreload -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-semantic-interposition \
	-fno-omit-frame-pointer -fexceptions -fasynchronous-unwind-tables -fno-builtin -fcf-protection=none \
	-fno-tree-vectorize -fno-tree-slp-vectorize \
	-Wframe-larger-than=2048 $(if $(DEBUG)$(is_clang),,-flto=auto -fno-fat-lto-objects)
analyzer_flags = $(call need,libdw,libdw-dev)$(call need,jansson,libjansson-dev)$(call need,sqlite3,libsqlite3-dev) \
	$(call need,ncursesw,libncurses-dev) \
	$(common) -Ianalyzer $(san) $(shell $(PKG_CONFIG) --cflags libdw jansson zlib sqlite3 ncursesw)
analyzer_libs = $(san) $(shell $(PKG_CONFIG) --libs libdw libelf jansson zlib sqlite3 ncursesw) -liberty -lm

preload_src := $(sort $(wildcard preload/*.c))
preload_asm := $(wildcard preload/*_$(ARCH).S)
analyzer_src := $(sort $(wildcard analyzer/*.c))
# Unit tests hold the analyzer without main(), and the modules of the preload that do not take malloc over.
unit_src := $(sort $(wildcard tests/unit/*.c)) $(filter-out analyzer/main.c,$(analyzer_src)) \
	$(filter-out %_hooks.c $(addprefix preload/,api.c init.c thread.c leak_scan.c leak_search.c leak_stacks.c \
	leak_roots.c lock_counts.c lock_table.c lock_wait.c lock_rows.c lock_order.c sync.c heap.c sample.c \
	timeline.c fork_in_hook.c),$(preload_src))
fuzz_dump_src := tests/fuzz/fuzz_dump.c tests/fuzz/fuzz_driver.c $(filter-out analyzer/main.c,$(analyzer_src))
# Files that people write; each has a target of its own.
fuzz_texts := suppress policy baseline
fuzz_text_src = tests/fuzz/fuzz_$(1).c tests/fuzz/fuzz_driver.c $(filter-out analyzer/main.c,$(analyzer_src))
fuzz_cfi_src := tests/fuzz/fuzz_cfi.c tests/fuzz/fuzz_driver.c preload/cfi_compile.c preload/cfi_fde.c

preload_obj := $(preload_src:%.c=$(O)/%.o) $(preload_asm:%.S=$(O)/%.o)
analyzer_obj := $(analyzer_src:%.c=$(O)/%.o)
# Everything that runs only here is built with sanitizers.
TEST_SAN ?= address,undefined
san_obj = $(1:%.c=$(O)/san/%.o)

.DEFAULT_GOAL := all
.PHONY: all demo check check-unit check-corpus check-e2e check-sampling check-slow check-stress check-fault check-all
.PHONY: targets check-soak check-verify
.PHONY: bench bench-leak bench-outputs lint fuzz install uninstall clean help

## all: build build/libmemprof.so, build/memprof-analyze and build/memprof
all: $(O)/libmemprof.so $(O)/memprof-analyze $(O)/memprof

$(O)/preload/%.o: preload/%.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(preload_flags) $(CFLAGS) -c -o $@ $<

$(O)/preload/%.o: preload/%.S
	$(call say,AS)mkdir -p $(@D) && $(CC) -Iinclude -Ipreload -MMD -MP $(CFLAGS) -c -o $@ $<

preload_ldflags := -shared -Wl,--version-script=preload/libmemprof.map -Wl,--exclude-libs,ALL \
	-Wl,-z,defs,-z,now,-z,relro,-z,nodelete,-z,noexecstack -Wl,-soname,libmemprof.so -Wl,--as-needed

$(O)/libmemprof.so: $(preload_obj) preload/libmemprof.map
	$(call say,LINK)mkdir -p $(@D) && $(CC) $(preload_flags) $(preload_ldflags) $(CFLAGS) \
		$(LDFLAGS) -o $@ $(preload_obj) -ldl -lpthread

# The same with a seam for tests: system calls of the library's that fail on purpose.
fault_files := os os_child
fault_obj := $(filter-out $(fault_files:%=$(O)/preload/%.o),$(preload_obj)) \
	$(fault_files:%=$(O)/fault/%.o) $(O)/fault/os_faults.o
fault_cc = $(call say,CC)mkdir -p $(@D) && $(CC) $(preload_flags) -DMP_FAULTS=1 -Itests/fault $(CFLAGS) -c -o $@ $<

$(fault_files:%=$(O)/fault/%.o): $(O)/fault/%.o: preload/%.c
	$(fault_cc)

$(O)/fault/os_faults.o: tests/fault/os_faults.c
	$(fault_cc)

$(O)/fault/libmemprof.so: $(fault_obj) preload/libmemprof.map
	$(call say,LINK)mkdir -p $(@D) && $(CC) $(preload_flags) $(preload_ldflags) $(CFLAGS) \
		$(LDFLAGS) -o $@ $(fault_obj) -ldl -lpthread

$(O)/memprof-analyze: $(analyzer_obj)
	$(call say,LINK)$(CC) $(LDFLAGS) -o $@ $(analyzer_obj) $(analyzer_libs)

$(O)/memprof: scripts/memprof
	$(call say,COPY)mkdir -p $(@D) && install -m 755 $< $@

$(O)/analyzer/%.o: analyzer/%.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(analyzer_flags) $(CFLAGS) -c -o $@ $<

# What the HTML report is made of is linked in as it stands.
$(O)/analyzer/html_assets.o $(O)/san/analyzer/html_assets.o: $(wildcard analyzer/html/*.* analyzer/html/vendor/*/*)

# --- tests ---

include tests/targets/targets.mk

$(O)/san/%.o: %.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(common) -Ianalyzer -Ipreload -Itests/unit \
		-fsanitize=$(TEST_SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer $(CFLAGS) -c -o $@ $<

san_link = $(CC) -fsanitize=$(TEST_SAN) $(LDFLAGS) -o $@ $^
san_libs = $(shell $(PKG_CONFIG) --libs libdw libelf jansson zlib sqlite3 ncursesw) -liberty -lm -ldl -lpthread

$(O)/unit_tests: $(call san_obj,$(unit_src))
	$(call say,LINK)$(san_link) $(shell $(PKG_CONFIG) --libs check) $(san_libs)

$(O)/fuzz_dump_replay: $(call san_obj,$(fuzz_dump_src))
	$(call say,LINK)$(san_link) $(san_libs)

define fuzz_text_rules
$(O)/fuzz_$(1)_replay: $(call san_obj,$(call fuzz_text_src,$(1)))
	$$(call say,LINK)$$(san_link) $$(san_libs)

$(O)/fuzz_$(1): $(filter-out %/fuzz_driver.c,$(call fuzz_text_src,$(1)))
	$$(Q)mkdir -p $$(@D) && $$(call fuzz_build,$$^) $$(san_libs)
endef
$(foreach text,$(fuzz_texts),$(eval $(call fuzz_text_rules,$(text))))

$(O)/fuzz_cfi_replay: $(call san_obj,$(fuzz_cfi_src))
	$(call say,LINK)$(san_link)

## check: all tests that a change must pass: unit, corpus and end-to-end
check: check-unit check-corpus check-e2e

## check-unit: unit tests, under the sanitizers of TEST_SAN
check-unit: $(O)/unit_tests
	$(Q)cd $(O) && ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 ./unit_tests

## check-corpus: every fuzz input kept so far, under the sanitizers
check-corpus: $(O)/fuzz_dump_replay $(O)/fuzz_cfi_replay $(fuzz_texts:%=$(O)/fuzz_%_replay)
	$(Q)$(O)/fuzz_dump_replay tests/fuzz/corpus/dump
	$(Q)$(O)/fuzz_cfi_replay tests/fuzz/corpus/cfi
	$(Q)for text in $(fuzz_texts); do $(O)/fuzz_$${text}_replay tests/fuzz/corpus/$$text || exit 1; done

## check-e2e: programs under memprof, their reports compared with what they know of themselves
check-e2e: all targets
	$(Q)tests/e2e/run_e2e.sh $(O)

## check-slow: the end-to-end tests that take minutes: storms, faults, deaths by the dozen
check-slow: all targets $(O)/fault/libmemprof.so
	$(Q)tests/e2e/run_e2e.sh -s $(O)

## check-stress: of those, many processes, threads and signals at a time
check-stress: all targets
	$(Q)tests/e2e/run_e2e.sh -s $(O) 'stress_*'

## check-soak: servers at work for SOAK seconds (half an hour), with memprof and without: nothing grows
SOAK ?= 1800
check-soak: all
	$(Q)tests/soak/run_soak.py --seconds $(SOAK) $(O)

## check-verify: of those, every stack of seven real programs beside libunwind's own walk
check-verify: all targets
	$(Q)tests/e2e/run_e2e.sh -v -s $(O) 'verify_*'

## check-fault: every system call of the library fails in turn, and the program does not notice
check-fault: all targets $(O)/fault/libmemprof.so
	$(Q)tests/e2e/run_e2e.sh -s $(O) 'fault_*'

## check-all: check and check-slow
check-all: check check-slow

## check-sampling: 95 % intervals of sampled runs hold the truth in 95 % of 200 runs (check-e2e makes 40)
check-sampling: all targets
	$(Q)SAMPLE_RUNS=200 E2E_LIMIT=900 tests/e2e/run_e2e.sh -v $(O) sample_coverage

## lint: formats, exports, imports, documents
lint: all
	$(Q)for check in scripts/check-*.sh; do "$$check" $(O) || exit 1; done

## fuzz: builds the libFuzzer targets (needs clang); run them as $(O)/fuzz_dump tests/fuzz/corpus/dump
fuzz: $(O)/fuzz_dump $(O)/fuzz_cfi $(fuzz_texts:%=$(O)/fuzz_%)

fuzz_build = clang -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -g -O1 -std=gnu11 -D_GNU_SOURCE \
	-DMP_VERSION='"$(VERSION)"' -Iinclude -Ianalyzer -Ipreload \
	$(shell $(PKG_CONFIG) --cflags libdw jansson zlib sqlite3 ncursesw) -o $@ $(1)

$(O)/fuzz_dump: $(filter-out %/fuzz_driver.c,$(fuzz_dump_src))
	$(Q)mkdir -p $(@D) && $(call fuzz_build,$^) $(san_libs)

$(O)/fuzz_cfi: $(filter-out %/fuzz_driver.c,$(fuzz_cfi_src))
	$(Q)mkdir -p $(@D) && $(call fuzz_build,$^)

## bench: overhead of memprof beside heaptrack's, in one table (minutes)
bench: all
	$(Q)BUILD=$(O) CC="$(CC)" tests/bench/run_bench.py $(BENCH)

## bench-leak: how long the search for lost blocks takes in heaps of 1 and 4 GiB (minutes)
bench-leak: all
	$(Q)CC="$(CC)" tests/bench/bench_leak.sh $(O)

## bench-outputs: time and memory that each output of the analyzer takes, for dumps of cc1 and python3 (minutes)
bench-outputs: all
	$(Q)CC="$(CC)" tests/bench/bench_outputs.sh $(O)

## demo: profiles sqlite3 at work and prints the report
demo: all
	$(Q)rm -f $(O)/demo.bin
	$(Q)$(O)/memprof --out=$(O)/demo.bin -- sqlite3 :memory: \
		'.read tests/bench/workloads/sqlite3.sql' >$(O)/demo.out
	$(Q)$(O)/memprof-analyze --top 5 $(O)/demo.bin

# --- installation ---

man1 := analyzer/memprof-analyze.1 scripts/memprof.1
man5 := include/memprof-dump.5
man7 := preload/libmemprof.7
dest = $(DESTDIR)$(PREFIX)

## install: below PREFIX (default /usr/local), DESTDIR is put in front
install: all
	install -d $(dest)/bin $(dest)/lib $(dest)/share/man/man1 $(dest)/share/man/man5 $(dest)/share/man/man7
	install -m 755 $(O)/memprof $(O)/memprof-analyze $(dest)/bin
	install -m 755 $(O)/libmemprof.so $(dest)/lib
	install -d $(dest)/include
	install -m 644 include/memprof.h $(dest)/include
	install -m 644 $(man1) $(dest)/share/man/man1
	install -m 644 $(man5) $(dest)/share/man/man5
	install -m 644 $(man7) $(dest)/share/man/man7

## uninstall: removes what install has put there
uninstall:
	rm -f $(dest)/bin/memprof $(dest)/bin/memprof-analyze $(dest)/lib/libmemprof.so $(dest)/include/memprof.h
	rm -f $(addprefix $(dest)/share/man/man1/,$(notdir $(man1)))
	rm -f $(addprefix $(dest)/share/man/man5/,$(notdir $(man5)))
	rm -f $(addprefix $(dest)/share/man/man7/,$(notdir $(man7)))

-include $(wildcard $(O)/*/*.d $(O)/san/*/*.d $(O)/san/tests/*/*.d)

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

clean:
	rm -rf $(O)
