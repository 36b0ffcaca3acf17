/* SPDX-License-Identifier: MIT */
/*
 * Open addressing, half full at most. Readers take no lock: a rule is stored before a slot names it, a bigger table is
 * published whole, and outgrown ones stay mapped (together they are no larger than the current one).
 */
#include "rules.h"

#include "drop.h"
#include "os.h"

#define FIRST_SLOTS 8192u
/* Programs with more return addresses than this (JITs) have them looked up in the unwind tables every time. */
#define MAX_SLOTS (1u << 22)

static rule_slot no_slots[1];
static struct rule_table no_rules = { no_slots, 0 };
struct rule_table *rules_current = &no_rules;
rule *rules_by_number;
uint32_t rules_generation;

static struct rule_table tables[24];
static unsigned table_count;
static uint64_t used;
static struct os_lock lock;

/* The numbers of rules, by rule; open addressing, half full at most. Only the slow path looks here. */
#define FIRST_NUMBERS 2048u
static uint16_t *numbers;
static uint32_t numbers_mask;
static uint32_t number_count = 1; /* 0 is "compile again" */

/* The slot of PC, or the free one where it goes. */
static rule_slot *place_of(const struct rule_table *t, uint64_t pc)
{
	uint64_t i = rules_home(pc) & t->mask;

	while (t->slots[i] && t->slots[i] >> RULE_NUMBER_BITS != pc)
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static uint16_t *number_place(rule r)
{
	uint32_t i = (uint32_t)(r * 0x9e3779b97f4a7c15ull >> 40) & numbers_mask;

	while (numbers[i] && rules_by_number[numbers[i]] != r)
		i = (i + 1) & numbers_mask;
	return &numbers[i];
}

static bool make_numbers(uint32_t slots)
{
	uint16_t *old = numbers;
	uint16_t *bigger = os_map(slots * sizeof(*numbers));

	if (!bigger)
		return false;
	numbers = bigger;
	numbers_mask = slots - 1;
	for (uint32_t n = 1; n < number_count; n++)
		*number_place(rules_by_number[n]) = (uint16_t)n;
	if (old)
		os_unmap(old, slots / 2 * sizeof(*numbers));
	return true;
}

/* The number of R, a new one at need. 0: no room. */
static uint64_t number_of(rule r)
{
	uint16_t *place = number_place(r);

	if (*place)
		return *place;
	if (number_count == RULE_NUMBERS)
		return 0;
	if (number_count > numbers_mask / 2) {
		if (!make_numbers((numbers_mask + 1) * 2))
			return 0;
		place = number_place(r);
	}
	rules_by_number[number_count] = r; /* published by the release of a slot that names it */
	*place = (uint16_t)number_count;
	return number_count++;
}

static bool make_table(uint64_t slots)
{
	struct rule_table *t = &tables[table_count];
	const struct rule_table *old = rules_current;

	if (table_count == ARRAY_LEN(tables))
		return false;
	t->slots = os_map(slots * sizeof(rule_slot));
	if (!t->slots)
		return false;
	t->mask = slots - 1;
	for (uint64_t i = 0; old != &no_rules && i <= old->mask; i++) {
		if (old->slots[i])
			*place_of(t, old->slots[i] >> RULE_NUMBER_BITS) = old->slots[i];
	}
	table_count++;
	store_release(&rules_current, t); /* pairs with rules_find() */
	return true;
}

const struct module *rules_module(uint64_t pc)
{
	const struct module *m;

	os_lock(&lock);
	m = modules_find(pc);
	os_unlock(&lock);
	return m;
}

bool rules_init(uint64_t loader_base)
{
	rules_by_number = os_map(RULE_NUMBERS * sizeof(rule));
	if (!rules_by_number || !make_numbers(FIRST_NUMBERS) || !make_table(FIRST_SLOTS))
		return false;
	modules_init(loader_base);
	return true;
}

static rule pack(const struct cfi_rule *c, uint32_t module)
{
	uint64_t module_bits = (uint64_t)module << 48;
	int64_t words = c->bp_offset / 8;
	rule r = module_bits | c->kind;

	if (c->kind == CFI_NONE || c->kind == CFI_END || c->kind == CFI_SIGNAL || c->kind == CFI_COMPLICATED)
		return r;
	if (c->ra_offset != -8 || c->bp_offset % 8 || c->cfa_offset < -(1 << 23) || c->cfa_offset >= 1 << 23)
		return module_bits | CFI_COMPLICATED;
	if (c->bp_saved)
		r |= RULE_BP_SAVED;
	if (c->bp_undefined)
		r |= RULE_BP_UNDEFINED;
	if (c->bp_at_bp)
		r |= RULE_BP_AT_BP;
	return r | (uint64_t)(uint16_t)words << 8 | ((uint64_t)(uint32_t)c->cfa_offset & 0xffffff) << 24;
}

static rule compile(uint64_t pc)
{
	const struct module *m = modules_find(pc);
	struct cfi_rule c;

	if (!m)
		return RULE_NO_CODE;
	if (!cfi_compile(&m->tables, pc, &c))
		c.kind = CFI_NONE;
	/* The dynamic linker's entry, from which it calls constructors before main, is its one part without tables. */
	if (c.kind == CFI_NONE && m->loader)
		c.kind = CFI_END;
	return pack(&c, m->number);
}

static void enter(uint64_t pc, rule r)
{
	uint64_t number = number_of(r);
	rule_slot *slot;

	if (!number || pc >> (64 - RULE_NUMBER_BITS))
		return;
	if (used >= (rules_current->mask + 1) / 2 &&
	    (rules_current->mask + 1 >= MAX_SLOTS || !make_table((rules_current->mask + 1) * 2)))
		return;
	slot = place_of(rules_current, pc);
	used += !*slot;
	store_release(slot, pc << RULE_NUMBER_BITS | number); /* pairs with rules_find() */
}

MP_COLD rule rules_compile(uint64_t pc)
{
	rule r;

	os_lock(&lock);
	r = compile(pc);
	/* "No code" may become code any time, so it is not kept; modules_find() limits what asking again costs. */
	if (RULE_KIND(r) != RULE_NO_CODE)
		enter(pc, r);
	os_unlock(&lock);
	return r;
}

static void forget_range(const struct module *m)
{
	struct rule_table *t = rules_current;

	for (uint64_t i = 0; i <= t->mask; i++) {
		uint64_t pc = t->slots[i] >> RULE_NUMBER_BITS;

		if (t->slots[i] && pc >= m->start && pc < m->end)
			store_relaxed(&t->slots[i], pc << RULE_NUMBER_BITS);
	}
}

void rules_recheck(void)
{
	os_lock(&lock);
	modules_check(forget_range);
	add_relaxed(&rules_generation, 1);
	os_unlock(&lock);
}

void rules_forked(const char *old_base)
{
	lock.word = 0;
	modules_forked(old_base);
}
