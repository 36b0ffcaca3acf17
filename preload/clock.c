/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter counts at a rate that nobody tells a program, so the rate is taken from the kernel's clock:
 * readings of both at the start and some time later. Until that time has passed, the kernel's clock answers.
 */
#include "clock.h"

#include <stdbool.h>

#include "atomic.h"
#include "compiler.h"
#include "os.h"

/* Two readings are each some 50 ns wide: over this distance the rate is right to about 10 in a million. */
#define CALIBRATE_NS 10000000u

/* Two readings that are further apart were interrupted in between; some 5 us. */
#define APART_TICKS 16384u

struct reading {
	uint64_t ticks;
	uint64_t ns;
};

static struct reading start;
static uint64_t rate; /* ns per tick, times 2^32; 0 = not known yet */
static bool usable;

#if defined(__x86_64__)
#include <cpuid.h>

static inline uint64_t ticks(void)
{
	return __builtin_ia32_rdtsc();
}

/* At a rate that neither frequency nor sleep states change? */
static bool steady(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}
#elif defined(__aarch64__)
static inline uint64_t ticks(void)
{
	uint64_t v;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static bool steady(void)
{
	return true;
}
#endif

static bool starts_with(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return !*word;
}

/* Does the kernel itself take the time from the counter, as it does only if all processors agree on it? */
static bool kernel_trusts_counter(void)
{
	char name[64];

	if (os_read_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", name, sizeof(name)) <= 0)
		return false;
	return starts_with(name, "tsc") || starts_with(name, "kvm-clock") || starts_with(name, "arch_sys_counter");
}

/* Both at the same moment. false: this thread was interrupted every time. */
static bool read_both(struct reading *ret)
{
	for (unsigned i = 0; i < 8; i++) {
		uint64_t before = ticks();
		uint64_t ns = os_now_ns();
		uint64_t width = ticks() - before;

		if (width < APART_TICKS) {
			*ret = (struct reading){ .ticks = before + width / 2, .ns = ns };
			return true;
		}
	}
	return false;
}

void clock_init(void)
{
	usable = steady() && kernel_trusts_counter() && read_both(&start);
}

static MP_NOINLINE uint64_t stamp_slow(void)
{
	struct reading now;
	uint64_t passed;

	if (!usable || !read_both(&now))
		return os_now_ns();
	passed = now.ticks - start.ticks;
	/* Any two threads that come here find almost the same. */
	if (now.ns - start.ns >= CALIBRATE_NS && passed)
		store_release(&rate, (uint64_t)(((unsigned __int128)(now.ns - start.ns) << 32) / passed));
	return now.ns;
}

uint64_t clock_stamp(void)
{
	uint64_t r = load_acquire(&rate);

	if (unlikely(!r))
		return stamp_slow();
	return start.ns + (uint64_t)(((unsigned __int128)(ticks() - start.ticks) * r) >> 32);
}
