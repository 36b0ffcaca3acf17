/* SPDX-License-Identifier: MIT */
/*
 * Lost blocks fall into components that reach each other (Tarjan's algorithm, with a stack of its own). What no other
 * component leads to is an owner, by its block with the lowest address; whatever it leads to hangs on it.
 *
 * Memory: 28 bytes for each block, touched for lost ones only.
 */
#include "leak_owners.h"

#include "leak_blocks.h"
#include "leak_graph.h"
#include "leak_pages.h"

struct frame {
	uint64_t next; /* word to look at */
	uint32_t block;
};

static uint32_t *order; /* of the search for components; then the owner + 1 */
static uint32_t *link;  /* then the representative of the component */
static uint32_t *stack;
static struct frame *frames;

static bool is_lost(uint32_t i)
{
	return !(blocks.state[i] & (BLOCK_REACHED | BLOCK_POSSIBLE));
}

static struct frame frame_of(uint32_t block)
{
	return (struct frame){ .next = (block_address(block) + 7) & ~7ull, .block = block };
}

/* The next lost block that the block of F points to; BLOCKS_NONE at its end. */
static uint32_t next_lost(struct frame *f)
{
	uint64_t end = block_address(f->block) + block_bytes(f->block);

	if (graph_late())
		return BLOCKS_NONE;
	for (; f->next + 8 <= end; f->next += 8) {
		uint32_t i = blocks_find(pages_word(f->next));

		if (i == BLOCKS_NONE || !is_lost(i))
			continue;
		f->next += 8;
		return i;
	}
	return BLOCKS_NONE;
}

static void enter(uint32_t block, uint32_t *depth, uint32_t *clock, uint32_t *stack_count)
{
	graph_in_time(block_bytes(block));
	order[block] = link[block] = ++*clock;
	blocks.state[block] |= BLOCK_ON_STACK;
	stack[(*stack_count)++] = block;
	frames[(*depth)++] = frame_of(block);
}

/* Takes the component that ends with BLOCK off the stack. Its block with the lowest address stands for it. */
static void close_component(uint32_t block, uint32_t *stack_count, bool has_parent)
{
	uint32_t from = *stack_count;
	uint32_t chief = block;

	do {
		from--;
		chief = stack[from] < chief ? stack[from] : chief;
	} while (stack[from] != block);
	for (uint32_t n = from; n < *stack_count; n++) {
		uint32_t i = stack[n];

		link[i] = chief;
		blocks.state[i] &= (uint8_t)~BLOCK_ON_STACK;
		if (*stack_count - from > 1)
			blocks.state[i] |= BLOCK_CYCLE;
	}
	if (has_parent)
		blocks.state[chief] |= BLOCK_HAS_PARENT;
	*stack_count = from;
}

static void find_components(void)
{
	uint32_t depth = 0;
	uint32_t clock = 0;
	uint32_t stack_count = 0;

	for (uint32_t i = 0; i < blocks.count; i++) {
		if (!is_lost(i) || order[i])
			continue;
		enter(i, &depth, &clock, &stack_count);
		while (depth) {
			struct frame *f = &frames[depth - 1];
			uint32_t block = f->block;
			uint32_t to = next_lost(f);

			if (to != BLOCKS_NONE && !order[to]) {
				enter(to, &depth, &clock, &stack_count);
			} else if (to != BLOCKS_NONE && blocks.state[to] & BLOCK_ON_STACK) {
				if (order[to] < link[block])
					link[block] = order[to];
			} else if (to != BLOCKS_NONE) {
				blocks.state[link[to]] |= BLOCK_HAS_PARENT;
			} else {
				uint32_t parent = --depth ? frames[depth - 1].block : BLOCKS_NONE;

				if (link[block] == order[block])
					close_component(block, &stack_count, parent != BLOCKS_NONE);
				else if (parent != BLOCKS_NONE && link[block] < link[parent])
					link[parent] = link[block];
			}
		}
	}
}

static bool is_owner(uint32_t i)
{
	return is_lost(i) && link[i] == i && !(blocks.state[i] & BLOCK_HAS_PARENT);
}

/* All that hangs on block I and on no owner before it. */
static void own(uint32_t i)
{
	uint32_t count = 0;

	order[i] = i + 1;
	stack[count++] = i;
	while (count) {
		struct frame f = frame_of(stack[--count]);

		for (uint32_t to = next_lost(&f); to != BLOCKS_NONE; to = next_lost(&f)) {
			if (order[to])
				continue;
			order[to] = i + 1;
			stack[count++] = to;
		}
	}
}

bool owners_find(void)
{
	order = blocks_array(blocks.capacity, sizeof(*order));
	link = blocks_array(blocks.capacity, sizeof(*link));
	stack = blocks_array(blocks.capacity, sizeof(*stack));
	frames = blocks_array(blocks.capacity, sizeof(*frames));
	if (blocks_failed())
		return false;
	find_components();
	for (uint32_t i = 0; i < blocks.count; i++) {
		if (is_lost(i))
			order[i] = 0;
	}
	for (uint32_t i = 0; i < blocks.count && !graph_late(); i++) {
		if (is_owner(i))
			own(i);
	}
	return true;
}

uint64_t owners_bytes_for(uint64_t count)
{
	return count * (sizeof(*order) + sizeof(*link) + sizeof(*stack) + sizeof(*frames));
}

uint32_t owners_of(uint32_t i)
{
	return order[i] ? order[i] - 1 : i;
}

bool owners_is_cyclic(uint32_t i)
{
	return blocks.state[i] & BLOCK_CYCLE;
}
