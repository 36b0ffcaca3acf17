/* SPDX-License-Identifier: MIT */
/*
 * Open addressing, half full at most. Readers take no lock: a slot's rule is stored before its key, a bigger table is
 * published whole, and outgrown ones stay mapped (together they are no larger than the current one).
 */
#include "rules.h"

#include "drop.h"
#include "os.h"

#define FIRST_SLOTS 4096u
/* Programs with more return addresses than this (JITs) have them looked up in the unwind tables every time. */
#define MAX_SLOTS (1u << 22)

static struct rule_slot no_slots[1];
static struct rule_table no_rules = { no_slots, 0 };
struct rule_table *rules_current = &no_rules;
uint32_t rules_generation;

static struct rule_table tables[24];
static unsigned table_count;
static uint64_t used;
static struct os_lock lock;

static bool make_table(uint64_t slots)
{
	struct rule_table *t = &tables[table_count];
	const struct rule_table *old = rules_current;

	if (table_count == ARRAY_LEN(tables))
		return false;
	t->slots = os_map(slots * sizeof(struct rule_slot));
	if (!t->slots)
		return false;
	t->mask = slots - 1;
	for (uint64_t i = 0; old != &no_rules && i <= old->mask; i++) {
		uint64_t j = rules_home(old->slots[i].pc) & t->mask;

		if (!old->slots[i].pc)
			continue;
		while (t->slots[j].pc)
			j = (j + 1) & t->mask;
		t->slots[j] = old->slots[i];
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
	if (!make_table(FIRST_SLOTS))
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
	struct rule_table *t = rules_current;
	uint64_t i;

	if (used >= (t->mask + 1) / 2) {
		if (t->mask + 1 >= MAX_SLOTS || !make_table((t->mask + 1) * 2))
			return;
		t = rules_current;
	}
	for (i = rules_home(pc) & t->mask; t->slots[i].pc && t->slots[i].pc != pc; i = (i + 1) & t->mask)
		;
	store_relaxed(&t->slots[i].rule, r);
	if (!t->slots[i].pc) {
		used++;
		store_release(&t->slots[i].pc, pc); /* pairs with rules_find() */
	}
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
		if (t->slots[i].pc >= m->start && t->slots[i].pc < m->end)
			store_relaxed(&t->slots[i].rule, (rule)RULE_STALE);
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
