/* SPDX-License-Identifier: MIT */
/* Unwind rules by address: compiled once per return address seen, looked up without a lock. */
#ifndef MP_RULES_H
#define MP_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "cfi_compile.h"
#include "modules.h"

/*
 * A rule in 64 bits:
 *   kind 0..3 | bp_saved 4 | bp_undefined 5 | bp at bp 6 | 7 free for flags of a frame |
 *   bp offset in words 8..23 (signed) |   CFA offset in bytes 24..47 (signed) | module number 48..63
 * The return address is always at CFA - 8; other rules are CFI_COMPLICATED.
 */
typedef uint64_t rule;

#define RULE_KIND(r)       ((enum cfi_kind)((r)&15))
#define RULE_BP_SAVED      (1ull << 4)
#define RULE_BP_UNDEFINED  (1ull << 5)
#define RULE_BP_AT_BP      (1ull << 6) /* the caller's bp = *(bp + bp offset) */
#define RULE_BP_OFFSET(r)  ((int64_t)(int16_t)((r) >> 8) * 8)
#define RULE_CFA_OFFSET(r) ((int64_t)((r) << 16) >> 40)
#define RULE_MODULE(r)     ((uint32_t)((r) >> 48))
/* Kinds beyond enum cfi_kind */
#define RULE_NO_CODE 14 /* the address lies in no executable mapping */

/*
 * A slot is 8 bytes: pc << 16 | number of the rule, 0 = free. Rules repeat, return addresses do not: cc1 meets 5,633 of
 * these and 170 of those, and much of a walk is spent on cache misses of this table. Equal rules share a number; 0 is
 * "compile again".
 *
 * Return addresses in the same 128 bytes of code share a cache line as far as they fit, because code that runs often
 * lies in clumps.
 */
typedef uint64_t rule_slot;

#define RULE_NUMBER_BITS 16u
#define RULE_NUMBERS     (1u << RULE_NUMBER_BITS)

struct rule_table {
	rule_slot *slots;
	uint64_t mask;
};

extern struct rule_table *rules_current;
extern rule *rules_by_number;
extern uint32_t rules_generation; /* raised when rules change */

static inline uint64_t rules_home(uint64_t pc)
{
	return ((pc >> 7) * 0x9e3779b97f4a7c15ull >> 20 << 3) | (pc >> 4 & 7);
}

/* The slow half of rules_find(): compiles and enters the rule. Context: hook, under a lock of its own. */
rule rules_compile(uint64_t pc);

/* The rule at PC, an address inside the call instruction or the exact interrupted one. Context: hook. */
static inline rule rules_find(uint64_t pc)
{
	const struct rule_table *t = load_acquire(&rules_current);

	for (uint64_t i = rules_home(pc) & t->mask;; i = (i + 1) & t->mask) {
		rule_slot s = load_acquire(&t->slots[i]);

		if (likely(s >> RULE_NUMBER_BITS == pc)) {
			uint64_t number = s & (RULE_NUMBERS - 1);

			return likely(number) ? rules_by_number[number] : rules_compile(pc);
		}
		if (!s)
			return rules_compile(pc);
	}
}

/* The module that holds PC; NULL: none known. Context: hook (slow path). */
const struct module *rules_module(uint64_t pc);

/* Makes the table, and reads the list of modules. false: no memory. Context: setup. */
bool rules_init(uint64_t loader_base);
/*
 * After a dlclose: rules of objects that went away are compiled anew when their addresses turn up again. Context:
 * setup.
 */
void rules_recheck(void);
/* In a fork child, whose parent's dump is still mapped at OLD_BASE. Context: setup. */
void rules_forked(const char *old_base);

#endif
