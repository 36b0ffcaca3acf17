# SPDX-License-Identifier: MIT
# Builds the target programs into $(O)/tests/targets. For the Makefile to include; also works alone (make -f).

O ?= build
CC ?= cc
CXX ?= c++
target_dir := $(O)/tests/targets
target_src := $(dir $(lastword $(MAKEFILE_LIST)))
target_src := $(target_src:%/=%)

# Frame pointers are left to the compiler's default: stacks must be complete without them. An unrolled loop would be
# several sites.
target_flags := -O2 -g -fno-unroll-loops -D_GNU_SOURCE -pthread -I$(target_src)/../../include -Wall -Wextra -Wshadow \
	$(if $(WERROR),-Werror) -MMD -MP
target_libs := leak_module.so ctor_lib.so safe_alloc.so forgetful.so redis_leak.so plugin_a.so plugin_b.so audit_lib.so
target_parts := leak_module redis_leak ctor_lib safe_alloc plugin audit_lib
target_parts += jemalloc_linked static_program boost_fibers asan_built
target_parts += forgetful cxx20_waits rust_locks omp_waits omp_barging split_stack abseil_waits
target_c := $(filter-out $(target_parts),$(notdir $(basename $(wildcard $(target_src)/*.c))))
target_cc := $(filter-out $(target_parts),$(notdir $(basename $(wildcard $(target_src)/*.cc))))

target_programs := $(addprefix $(target_dir)/,$(target_libs) $(target_c) $(target_cc))
# Some programs need what not every machine has; without it they are not built, and their tests skip.
target_optional := $(addprefix $(target_dir)/,$(addsuffix .stamp,\
	jemalloc_linked static_program boost_fibers asan_built cxx20_waits rust_locks \
	omp_waits omp_barging omp_waits_clang split_stack parking_lot_waits abseil_waits))

.PHONY: targets
targets: $(target_programs) $(target_optional)

$(target_dir):
	$(Q)mkdir -p $@

target_cc1 = $(CC) -std=gnu11 $(target_flags) $(CFLAGS)
target_cxx = $(CXX) -std=gnu++17 -fsized-deallocation $(target_flags) $(CXXFLAGS)
target_so = $(CC) -std=gnu11 $(target_flags) -fPIC -fno-builtin -shared -Wl,-soname,$(@F)
target_origin := -Wl,-rpath,'$$ORIGIN'

# Parts of libc since 2.34.
target_libc := -ldl -lrt

$(target_dir)/%: $(target_src)/%.c | $(target_dir)
	$(call say,CC)$(target_cc1) -o $@ $< $(LDFLAGS) $(target_libc)

$(target_dir)/%: $(target_src)/%.cc | $(target_dir)
	$(call say,CXX)$(target_cxx) -o $@ $< $(LDFLAGS) $(target_libc)

$(target_dir)/%.so: $(target_src)/%.c | $(target_dir)
	$(call say,CC)$(target_so) -o $@ $<

$(target_dir)/plugin_a.so $(target_dir)/plugin_b.so: $(target_dir)/plugin_%.so: $(target_src)/plugin.c | $(target_dir)
	$(call say,CC)$(target_so) -DPLUGIN_SITE=plugin_$*_here -DPLUGIN_BYTES=$(if $(filter a,$*),111,222) -o $@ $<

$(target_dir)/malloc_in_ctor: $(target_src)/malloc_in_ctor.c $(target_dir)/ctor_lib.so
	$(call say,CC)$(target_cc1) -o $@ $< $(target_dir)/ctor_lib.so $(target_origin) $(LDFLAGS) $(target_libc)

$(addprefix $(target_dir)/,signal_malloc signal_storm): $(target_dir)/%: $(target_src)/%.c $(target_dir)/safe_alloc.so
	$(call say,CC)$(target_cc1) -o $@ $< $(target_dir)/safe_alloc.so $(target_origin) $(LDFLAGS) $(target_libc)

# Their names without the suffix are the programs. A warning is no sign of something that is missing.
target_forgiven = -o $(basename $@) $(1) 2>$(basename $@).log || \
	{ rm -f $(basename $@); ! grep -F '[-Werror' $(basename $@).log; }

$(target_dir)/jemalloc_linked.stamp: $(target_src)/jemalloc_linked.cc | $(target_dir)
	$(call say,CXX)$(target_cxx) $(call target_forgiven,$< -l:libjemalloc.so.2)
	$(Q)touch $@

$(target_dir)/static_program.stamp: $(target_src)/static_program.c | $(target_dir)
	$(call say,CC)$(target_cc1) $(call target_forgiven,-static $<)
	$(Q)touch $@

$(target_dir)/boost_fibers.stamp: $(target_src)/boost_fibers.cc | $(target_dir)
	$(call say,CXX)$(target_cxx) $(call target_forgiven,$< -lboost_context)
	$(Q)touch $@

$(target_dir)/asan_built.stamp: $(target_src)/asan_built.c | $(target_dir)
	$(call say,CC)$(target_cc1) -fsanitize=address $(call target_forgiven,$<)
	$(Q)touch $@

$(target_dir)/cxx20_waits.stamp: $(target_src)/cxx20_waits.cc $(target_src)/meet.h | $(target_dir)
	$(call say,CXX)$(target_cxx) -std=gnu++20 $(call target_forgiven,$<)
	$(Q)touch $@

$(target_dir)/rust_locks.stamp: $(target_src)/rust_locks.rs $(target_src)/meet.rs | $(target_dir)
	$(call say,RUSTC)env -u MAKEFLAGS rustc -g -O $(call target_forgiven,$<)
	$(Q)touch $@

$(target_dir)/parking_lot_waits.stamp: $(target_src)/parking_lot_waits.rs $(target_src)/meet.rs \
		$(target_src)/cargo_build.sh | $(target_dir)
	$(call say,CARGO)env -u MAKEFLAGS $(target_src)/cargo_build.sh $< $(basename $@) parking_lot \
		2>$(basename $@).log || rm -f $(basename $@)
	$(Q)touch $@

$(target_dir)/abseil_waits.stamp: $(target_src)/abseil_waits.cc $(target_src)/meet.h | $(target_dir)
	$(call say,CXX)$(target_cxx) $(call target_forgiven,$< $$(pkg-config --cflags --libs absl_synchronization))
	$(Q)touch $@

$(target_dir)/omp_waits.stamp $(target_dir)/omp_barging.stamp: $(target_dir)/%.stamp: $(target_src)/%.c | $(target_dir)
	$(call say,CC)$(target_cc1) -fopenmp $(call target_forgiven,$<)
	$(Q)touch $@

# Only the gold linker can mix such code with libraries that know nothing of it.
$(target_dir)/split_stack.stamp: $(target_src)/split_stack.c | $(target_dir)
	$(call say,CC)$(target_cc1) -fsplit-stack -fuse-ld=gold $(call target_forgiven,$<)
	$(Q)touch $@

# clang finds the library itself, but not for programs that look for it.
$(target_dir)/omp_waits_clang.stamp: $(target_src)/omp_waits.c | $(target_dir)
	$(call say,CLANG)clang -O2 -g -D_GNU_SOURCE -Wno-unknown-attributes -fopenmp=libomp \
		$(call target_forgiven,$<)
	$(Q)touch $@

-include $(wildcard $(target_dir)/*.d)
