/* SPDX-License-Identifier: MIT */
/*
 * The stack table. A stack is a path in a tree of nodes {return address, caller}; every prefix of a stack (from the
 * outermost frame inward) has a rolling hash, and the hash of the whole names the stack. One probe finds a known
 * stack; a new one is joined to its deepest known prefix, so that even a recursion with hundreds of thousands of
 * distinct stacks costs a few nodes for each.
 */
#include "capture.h"

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "dump_map.h"
#include "frame_walk.h"
#include "options.h"
#include "os.h"
#include "rules.h"
#include "verify.h"

#define FIRST_SLOTS 8192u
#define MAX_SLOTS   (1u << 25) /* 400 MiB; MEMPROF_MAX_DUMP ends the growth long before */
#define CHUNK_BYTES (64u << 10)

struct slot {
	uint64_t hash;
	uint32_t node; /* 0 = free */
};

static struct slot *slots;
static uint32_t mask;
static uint32_t node_count;
static struct mp_node *next_node;
static uint32_t nodes_left;
static struct os_lock lock;
#define CHUNK_NODES ((CHUNK_BYTES - (uint32_t)sizeof(struct mp_chunk)) / (uint32_t)sizeof(struct mp_node))
static const struct mp_node *chunk_nodes[MAX_SLOTS / 4 * 3 / CHUNK_NODES + 1];

static uint64_t finish(uint64_t h)
{
	h = (h ^ h >> 31) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 32;
}

uint64_t capture(struct thread *t, const struct regs *regs)
{
	frame_walk(t, regs, (uint32_t)opt.depth);
	if (unlikely(opt.verify))
		verify_stack(t, regs);
	return finish(t->frame_count ? t->frames[t->frame_count - 1].hash : frame_hash_root(t->mark));
}

static struct slot *probe(struct slot *table, uint32_t table_mask, uint64_t hash)
{
	uint32_t i = (uint32_t)(finish(hash) >> 20) & table_mask;

	while (table[i].node && table[i].hash != hash)
		i = (i + 1) & table_mask;
	return &table[i];
}

static bool grow(void)
{
	uint64_t want = slots ? ((uint64_t)mask + 1) * 2 : FIRST_SLOTS;
	struct slot *bigger = want <= MAX_SLOTS ? os_map_filled(want * sizeof(*slots)) : NULL;

	if (!bigger)
		return false;
	for (uint64_t i = 0; slots && i <= mask; i++) {
		if (slots[i].node)
			*probe(bigger, (uint32_t)want - 1, slots[i].hash) = slots[i];
	}
	if (slots)
		os_unmap(slots, ((size_t)mask + 1) * sizeof(*slots));
	slots = bigger;
	mask = (uint32_t)want - 1;
	return true;
}

/* Node 0 is "none"; on failure too. Called with the lock held. */
static uint32_t new_node(uint64_t hash, uint64_t ip, uint32_t parent, uint32_t module)
{
	struct mp_node *node;

	if ((!slots || node_count >= (mask + 1) / 4 * 3) && !grow())
		return 0;
	if (!nodes_left) {
		struct mp_chunk *chunk =
			dump_chunk(MP_CHUNK_NODE, sizeof(struct mp_node), CHUNK_BYTES, node_count + 1, 0);

		if (!chunk)
			return 0;
		next_node = (struct mp_node *)(void *)(chunk + 1);
		chunk_nodes[node_count / CHUNK_NODES] = next_node;
		nodes_left = (uint32_t)chunk->rows;
	}
	node = next_node++;
	nodes_left--;
	node->parent = parent;
	node->module = module;
	store_release(&node->ip, ip);
	*probe(slots, mask, hash) = (struct slot){ .hash = hash, .node = ++node_count };
	return node_count;
}

/* With the lock held. */
static stack_id find_or_add(uint64_t hash, uint64_t ip, uint32_t parent, uint32_t module)
{
	if (slots) {
		const struct slot *s = probe(slots, mask, hash);

		if (s->node)
			return s->node;
	}
	return new_node(hash, ip, parent, module);
}

static stack_id mark_node(enum mp_stack_mark mark)
{
	return find_or_add(frame_hash_root(mark), mark, 0, 0);
}

stack_id capture_mark(enum mp_stack_mark mark)
{
	stack_id id;

	os_lock(&lock);
	id = mark_node(mark);
	os_unlock(&lock);
	return id;
}

stack_id capture_function(uint64_t address)
{
	const struct module *module = rules_module(address);
	uint32_t number = module ? module->number : 0;
	stack_id id;

	os_lock(&lock);
	id = find_or_add(frame_hash(frame_hash_root(0), address, number), address, 0, number | MP_NODE_EXACT_IP);
	os_unlock(&lock);
	return id;
}

/* A frame that a signal interrupted stands outside the trampoline's: its pc is exact. */
static bool exact_pc(const struct thread *t, uint32_t i)
{
	return i + 1 < t->frame_count && RULE_KIND(t->frames[i + 1].rule) == CFI_SIGNAL;
}

stack_id capture_intern(struct thread *t)
{
	uint32_t known = t->frame_count;
	stack_id id = 0;

	os_lock(&lock);
	/* Every prefix of a known stack is known, so the first hit from the inside is the deepest one. */
	for (; slots && known; known--) {
		id = probe(slots, mask, t->frames[known - 1].hash)->node;
		if (id)
			break;
	}
	if (!id && t->mark) {
		id = mark_node((enum mp_stack_mark)t->mark);
		if (!id)
			known = t->frame_count; /* no room even for that */
	}
	for (uint32_t i = known; i < t->frame_count; i++) {
		const struct frame *f = &t->frames[i];
		bool exact = exact_pc(t, i);

		id = new_node(f->hash, t->frame_pc[i] + !exact, id,
			      RULE_MODULE(f->rule) | (exact ? MP_NODE_EXACT_IP : 0));
		if (!id)
			break;
	}
	if (unlikely(!id)) {
		drop(MP_LOSS_STACKS_MERGED);
		id = mark_node(MP_MARK_OTHER);
	}
	os_unlock(&lock);
	return id;
}

const struct mp_node *capture_node(stack_id stack)
{
	return stack && stack <= node_count ? &chunk_nodes[(stack - 1) / CHUNK_NODES][(stack - 1) % CHUNK_NODES] : NULL;
}

void capture_reset(void)
{
	/* Left behind by a thread of the parent, half-way to a larger table: the old one may be unmapped already. */
	if (lock.word)
		slots = NULL;
	lock.word = 0;
	if (slots)
		__builtin_memset(slots, 0, ((size_t)mask + 1) * sizeof(*slots));
	node_count = 0;
	nodes_left = 0;
	/* "Other" must find room when all else is full. */
	capture_mark(MP_MARK_OTHER);
}
