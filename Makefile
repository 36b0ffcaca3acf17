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

need = $(if $(shell $(PKG_CONFIG) --exists $(1) && echo y),,$(error $(1) is missing: run scripts/install-deps.sh, or install Debian package $(2)))

warnings := -Wall -Wextra -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wvla \
	-Wformat=2 $(if $(WERROR),-Werror)
opt := $(if $(DEBUG),-O0 -DMP_DEBUG=1,-O2)
common := -std=gnu11 -g $(opt) $(warnings) -Iinclude -DMP_VERSION='"$(VERSION)"' -MMD -MP
san := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)

# The preload never meets sanitizers as a preload: its modules do, as unit tests.
preload_flags := $(common) -D_GNU_SOURCE -Ipreload -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-semantic-interposition \
	-fno-omit-frame-pointer -fexceptions -fasynchronous-unwind-tables -fno-builtin -fcf-protection=none \
	-Wframe-larger-than=2048 $(if $(DEBUG),,-flto=auto -fno-fat-lto-objects)
analyzer_flags = $(common) -Ianalyzer $(san) $(shell $(PKG_CONFIG) --cflags libdw jansson zlib)
analyzer_libs = $(san) $(shell $(PKG_CONFIG) --libs libdw libelf jansson zlib) -liberty

preload_src := $(sort $(wildcard preload/*.c))
preload_asm := $(wildcard preload/*_$(ARCH).S)
analyzer_src := $(sort $(wildcard analyzer/*.c))
unit_src := $(sort $(wildcard tests/unit/*.c))

preload_obj := $(preload_src:%.c=$(O)/%.o) $(preload_asm:%.S=$(O)/%.o)
analyzer_obj := $(analyzer_src:%.c=$(O)/%.o)
unit_obj := $(unit_src:%.c=$(O)/%.o)

.DEFAULT_GOAL := all
.PHONY: all check check-unit check-e2e bench lint fuzz install uninstall clean help

## all: build build/libmemprof.so, build/memprof-analyze and build/memprof
all: $(O)/libmemprof.so $(O)/memprof-analyze $(O)/memprof

$(O)/preload/%.o: preload/%.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(preload_flags) $(CFLAGS) -c -o $@ $<

$(O)/preload/%.o: preload/%.S
	$(call say,AS)mkdir -p $(@D) && $(CC) -Iinclude -Ipreload -MMD -MP $(CFLAGS) -c -o $@ $<

preload_ldflags := -shared -Wl,--version-script=preload/libmemprof.map -Wl,--exclude-libs,ALL \
	-Wl,-z,defs,-z,now,-z,relro,-z,nodelete,-z,noexecstack -Wl,-soname,libmemprof.so -Wl,--as-needed

$(O)/libmemprof.so: $(preload_obj) preload/libmemprof.map
	$(call say,LINK)mkdir -p $(@D) && $(CC) $(preload_flags) $(preload_ldflags) $(CFLAGS) $(LDFLAGS) -o $@ $(preload_obj) -ldl -lpthread

$(O)/memprof-analyze: $(analyzer_obj)
	$(call say,LINK)$(CC) $(LDFLAGS) -o $@ $(analyzer_obj) $(analyzer_libs)

$(O)/memprof: scripts/memprof
	$(call say,COPY)mkdir -p $(@D) && install -m 755 $< $@

$(O)/analyzer/%.o: analyzer/%.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(analyzer_flags) $(CFLAGS) -c -o $@ $<

-include $(wildcard $(O)/*/*.d $(O)/*/*/*.d)

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

clean:
	rm -rf $(O)
