/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of leak_blocks, leak_graph, leak_owners and leak_pages: random heaps, beside the definition of each class
 * computed by closure over a matrix; the memory that a search must not trip over.
 */
#include "leak_graph.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak_blocks.h"
#include "leak_owners.h"
#include "leak_pages.h"
#include "os.h"
#include "unit_util.h"

Suite *suite_leak_graph(void);

#define ARENA_BYTES (200ull << 20)
#define BLOCKS_MAX  48u
#define ROOTS_MAX   8u
#define WORDS_MAX   8u /* of a block that are pointers; what else is in it is zero */

struct heap {
	uint64_t base;
	uint32_t count;
	struct {
		uint64_t address;
		uint64_t bytes;
	} blocks[BLOCKS_MAX];
	uint64_t roots[ROOTS_MAX];
	/* From block to block. */
	bool start[BLOCKS_MAX][BLOCKS_MAX];
	bool interior[BLOCKS_MAX][BLOCKS_MAX];
	bool root_start[BLOCKS_MAX];
	bool root_interior[BLOCKS_MAX];
};

static void *map_arena(void)
{
	void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* Sizes from none to one that no map of 32 MiB lies outside of. */
static uint64_t random_bytes(void)
{
	static const uint64_t limits[] = { 1, 9, 64, 600, 5000, 100000 };

	return unit_random_below(30) == 0 ? (40ull << 20) + unit_random_below(1 << 20)
					  : unit_random_below(limits[unit_random_below(UNIT_LENGTH(limits))]);
}

static void lay_out(struct heap *h)
{
	uint64_t at = h->base;

	memset(&h->count, 0, sizeof(*h) - offsetof(struct heap, count));
	while (h->count < 2 + unit_random_below(BLOCKS_MAX - 1) && h->count < BLOCKS_MAX) {
		uint64_t bytes = random_bytes();

		if (at + bytes + 4096 > h->base + ARENA_BYTES)
			break;
		h->blocks[h->count].address = at;
		h->blocks[h->count++].bytes = bytes;
		at += ((bytes + 8) & ~7ull) + 8 * unit_random_below(unit_random_below(2) ? 4 : 3000);
	}
}

/* A word that points somewhere; which pointer it is, is noted. */
static uint64_t random_word(struct heap *h, bool *start, bool *interior)
{
	uint32_t to = (uint32_t)unit_random_below(h->count);
	uint64_t offset = 0;

	switch (unit_random_below(6)) {
	case 0:
		return unit_random_below(1 << 20); /* a number */
	case 1:                                    /* just past a block, where there may be the next one; or nothing */
		return h->base + ARENA_BYTES - 1 - unit_random_below(1000);
	case 2:
		if (h->blocks[to].bytes > 1)
			offset = 1 + unit_random_below(h->blocks[to].bytes - 1);
		break;
	default:
		break;
	}
	(offset ? interior : start)[to] = true;
	return h->blocks[to].address + offset;
}

static void connect(struct heap *h, uint32_t density)
{
	for (uint32_t i = 0; i < h->count; i++) {
		uint64_t words = h->blocks[i].bytes / 8;

		if (!words)
			continue;
		for (uint32_t n = 0; n < unit_random_below(WORDS_MAX); n++) {
			uint64_t at = unit_random_below(words);
			uint64_t *word = (uint64_t *)(h->blocks[i].address + at * 8);

			if (!*word && unit_random_below(4) < density)
				*word = random_word(h, h->start[i], h->interior[i]);
		}
	}
	for (uint32_t i = 0; i < ROOTS_MAX; i++)
		h->roots[i] = unit_random_below(3) ? 0 : random_word(h, h->root_start, h->root_interior);
}

/* What each block is, by definition. */
static void expect(const struct heap *h, enum graph_mark *mark)
{
	bool changed = true;

	for (uint32_t i = 0; i < h->count; i++)
		mark[i] = h->root_start[i] ? GRAPH_REACHED : GRAPH_LOST;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < h->count; i++) {
			for (uint32_t j = 0; j < h->count && mark[i] == GRAPH_REACHED; j++) {
				changed |= h->start[i][j] && mark[j] == GRAPH_LOST;
				mark[j] = h->start[i][j] ? GRAPH_REACHED : mark[j];
			}
		}
	}
	for (changed = true; changed;) {
		changed = false;
		for (uint32_t j = 0; j < h->count; j++) {
			bool possible = h->root_interior[j];

			for (uint32_t i = 0; i < h->count; i++)
				possible |= mark[i] == GRAPH_POSSIBLE ? h->start[i][j] || h->interior[i][j]
								      : mark[i] == GRAPH_REACHED && h->interior[i][j];
			if (possible && mark[j] == GRAPH_LOST) {
				mark[j] = GRAPH_POSSIBLE;
				changed = true;
			}
		}
	}
}

/* Among lost blocks: a leads to b, over others. */
static void close_over(const struct heap *h, const enum graph_mark *mark, bool leads[BLOCKS_MAX][BLOCKS_MAX])
{
	for (uint32_t i = 0; i < h->count; i++) {
		for (uint32_t j = 0; j < h->count; j++)
			leads[i][j] =
				mark[i] == GRAPH_LOST && mark[j] == GRAPH_LOST && (h->start[i][j] || h->interior[i][j]);
	}
	for (uint32_t k = 0; k < h->count; k++) {
		for (uint32_t i = 0; i < h->count; i++) {
			for (uint32_t j = 0; j < h->count; j++)
				leads[i][j] |= leads[i][k] && leads[k][j];
		}
	}
}

/* The block with the lowest address of a cycle that no other lost block leads to; or a single block like that. */
static bool is_head(const struct heap *h, bool leads[BLOCKS_MAX][BLOCKS_MAX], uint32_t i)
{
	for (uint32_t j = 0; j < h->count; j++) {
		if (j != i && leads[j][i] && (!leads[i][j] || j < i))
			return false;
	}
	return true;
}

static bool is_in_cycle(const struct heap *h, bool leads[BLOCKS_MAX][BLOCKS_MAX], uint32_t i)
{
	for (uint32_t j = 0; j < h->count; j++) {
		if (j != i && leads[i][j] && leads[j][i])
			return true;
	}
	return false;
}

static void build(const struct heap *h, const bool *candidates)
{
	ck_assert(graph_init(h->count));
	for (uint32_t i = 0; i < h->count; i++)
		blocks_add(h->blocks[i].address, h->blocks[i].bytes, i + 1, false, candidates && candidates[i]);
	ck_assert(blocks_finish());
	ck_assert_uint_eq(blocks_count(), h->count);
}

static void check_heap(const struct heap *h, uint32_t round)
{
	bool leads[BLOCKS_MAX][BLOCKS_MAX];
	enum graph_mark mark[BLOCKS_MAX];

	expect(h, mark);
	close_over(h, mark, leads);
	build(h, NULL);
	graph_scan_root((uint64_t)h->roots, (uint64_t)(h->roots + ROOTS_MAX));
	graph_mark_all(false);
	ck_assert(owners_find());
	for (uint32_t i = 0; i < h->count; i++) {
		uint32_t owner = owners_of(i);

		ck_assert_uint_eq(block_address(i), h->blocks[i].address);
		ck_assert_uint_eq(block_bytes(i), h->blocks[i].bytes);
		ck_assert_uint_eq(block_row(i), i + 1);
		ck_assert_msg(graph_mark(i) == mark[i], "round %u block %u: mark %d, not %d", round, i, graph_mark(i),
			      mark[i]);
		if (mark[i] != GRAPH_LOST)
			continue;
		ck_assert_msg((owner == i) == is_head(h, leads, i), "round %u block %u: owner %u", round, i, owner);
		ck_assert_msg(owner == i || (leads[owner][i] && is_head(h, leads, owner)),
			      "round %u block %u: owner %u", round, i, owner);
		ck_assert_msg(owners_is_cyclic(i) == is_in_cycle(h, leads, i), "round %u block %u: cycle", round, i);
	}
	blocks_free();
}

/* The fast way to see if candidates are still lost finds as many as the slow one. EVERY: all lost ones, and more. */
static void check_confirmed(const struct heap *h, uint32_t every)
{
	bool candidates[BLOCKS_MAX];
	enum graph_mark mark[BLOCKS_MAX];
	uint32_t lost = 0;

	expect(h, mark);
	for (uint32_t i = 0; i < h->count; i++)
		candidates[i] = (every && mark[i] == GRAPH_LOST) || i % 3 == 0;
	build(h, candidates);
	graph_scan_root((uint64_t)h->roots, (uint64_t)(h->roots + ROOTS_MAX));
	graph_mark_all(/*confirm=*/true);
	for (uint32_t i = 0; i < h->count; i++)
		lost += graph_mark(i) == GRAPH_LOST;
	blocks_free();
	build(h, candidates);
	graph_assume_others();
	graph_scan_root((uint64_t)h->roots, (uint64_t)(h->roots + ROOTS_MAX));
	ck_assert_uint_eq(graph_confirm(), lost);
	blocks_free();
}

START_TEST(random_heaps_are_judged_by_definition)
{
	static struct heap h;

	h.base = (uint64_t)map_arena();
	for (uint32_t round = 0; round < 600; round++) {
		pages_open();
		pages_in_snapshot(round & 4);
		lay_out(&h);
		connect(&h, 1 + round % 4);
		check_heap(&h, round);
		check_confirmed(&h, round % 2);
		pages_close();
		ck_assert_int_eq(madvise((void *)h.base, ARENA_BYTES, MADV_DONTNEED), 0);
	}
	pages_in_snapshot(false);
	munmap((void *)h.base, ARENA_BYTES);
}
END_TEST

/* More edges under way than any ring holds, in a chain and a fan of 20,000. */
START_TEST(long_chains_and_wide_fans_are_followed)
{
	enum { COUNT = 20000 };
	uint64_t *arena = map_arena();
	uint64_t root = (uint64_t)arena;

	pages_open();
	ck_assert(graph_init(2 * COUNT));
	/* Blocks of two words: the first half a chain, backwards; the second a fan from the end of the chain. */
	blocks_add((uint64_t)arena, 8 * COUNT, 1, false, false);
	for (uint32_t i = 0; i < COUNT - 1; i++)
		arena[i] = (uint64_t)&arena[COUNT + 16 * (COUNT - 1 - i)];
	for (uint32_t i = 0; i < COUNT; i++) {
		uint64_t *block = &arena[COUNT + 16 * i];

		blocks_add((uint64_t)block, 16, 1, false, false);
		block[0] = i ? (uint64_t)(block - 16) : 0;
	}
	ck_assert(blocks_finish());
	graph_scan_root((uint64_t)&root, (uint64_t)(&root + 1));
	graph_mark_all(false);
	for (uint32_t i = 0; i < blocks_count(); i++)
		ck_assert_int_eq(graph_mark(i), GRAPH_REACHED);
	blocks_free();
	pages_close();
	munmap(arena, ARENA_BYTES);
}
END_TEST

START_TEST(low_bits_are_a_tag_only_if_asked_for)
{
	for (unsigned on = 0; on < 2; on++) {
		uint64_t *arena = map_arena();
		uint64_t root = (uint64_t)arena + 3;

		pages_open();
		ck_assert(graph_init(1));
		blocks_add((uint64_t)arena, 64, 1, false, false);
		ck_assert(blocks_finish());
		graph_set_heuristics(on << MP_SCAN_HEURISTIC_TAG);
		graph_scan_root((uint64_t)&root, (uint64_t)(&root + 1));
		graph_mark_all(false);
		ck_assert_int_eq(graph_mark(0), on ? GRAPH_REACHED : GRAPH_POSSIBLE);
		ck_assert_uint_eq(graph_counts()->heuristic_count[MP_SCAN_HEURISTIC_TAG], on);
		blocks_free();
		pages_close();
		munmap(arena, ARENA_BYTES);
	}
}
END_TEST

START_TEST(what_is_no_candidate_is_not_lost_when_confirmed)
{
	uint64_t *arena = map_arena();

	pages_open();
	ck_assert(graph_init(3));
	blocks_add((uint64_t)arena, 64, 1, false, true);
	blocks_add((uint64_t)(arena + 8), 64, 1, false, false);
	blocks_add((uint64_t)(arena + 16), 64, 1, false, true);
	arena[8] = (uint64_t)(arena + 16);
	ck_assert(blocks_finish());
	graph_mark_all(/*confirm=*/true);
	ck_assert_int_eq(graph_mark(0), GRAPH_LOST);
	ck_assert_int_eq(graph_mark(1), GRAPH_REACHED);
	ck_assert_int_eq(graph_mark(2), GRAPH_REACHED);
	ck_assert_uint_eq(graph_counts()->unconfirmed_count, 1);
	blocks_free();
	pages_close();
	munmap(arena, ARENA_BYTES);
}
END_TEST

START_TEST(a_deadline_in_the_past_stops_it)
{
	uint64_t *arena = map_arena();
	uint64_t root = (uint64_t)arena;

	pages_open();
	memset(arena, 1, 40 << 20);
	ck_assert(graph_init(1));
	blocks_add((uint64_t)arena, 40 << 20, 1, false, false);
	ck_assert(blocks_finish());
	graph_set_deadline(1);
	graph_scan_root((uint64_t)&root, (uint64_t)(&root + 1));
	graph_mark_all(false);
	ck_assert(graph_late());
	blocks_free();
	pages_close();
	munmap(arena, ARENA_BYTES);
}
END_TEST

/* In a child, which settles as a snapshot does: descriptors and signal handlers are its own. */
static int in_child(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		os_snapshot_settle(/*borrows=*/false);
		pages_open();
		run();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_what_is_hidden(void)
{
	char *page = mmap(NULL, 3 * PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *copy;
	uint64_t bytes;

	page[PAGES_BYTES + 5] = 42;
	if (mprotect(page + PAGES_BYTES, PAGES_BYTES, PROT_NONE) != 0 ||
	    munmap(page + 2 * PAGES_BYTES, PAGES_BYTES) != 0)
		_exit(1);
	if (pages_data((uint64_t)page + 7) != page || pages_unreadable())
		_exit(2);
	if (pages_data((uint64_t)page + PAGES_BYTES)[5] != 42 || pages_unreadable())
		_exit(3);
	if (pages_data((uint64_t)page + 2 * PAGES_BYTES)[0] != 0 || pages_unreadable() != 1)
		_exit(4);
	if (!os_readable((uint64_t)page) || os_readable((uint64_t)page + PAGES_BYTES))
		_exit(5);
	pages_in_snapshot(true);
	copy = pages_copy((uint64_t)page + 8, 3 * PAGES_BYTES - 8, &bytes);
	if (!copy || bytes != 2 * PAGES_BYTES - 8 || copy[PAGES_BYTES - 8 + 5] != 42)
		_exit(6);
	if (pages_copy((uint64_t)page + 2 * PAGES_BYTES, PAGES_BYTES, &bytes))
		_exit(7);
	if (pages_copy((uint64_t)page, PAGES_BYTES - 8, &bytes))
		_exit(8);
}

START_TEST(hidden_pages_are_read_and_missing_ones_are_zero)
{
	ck_assert_int_eq(in_child(read_what_is_hidden), 0);
}
END_TEST

START_TEST(pages_without_memory_are_passed_over)
{
	const uint64_t pages = 3000; /* more than are asked about at once */
	char *at = map_arena();
	uint64_t start = (uint64_t)at;
	uint64_t end = start + pages * PAGES_BYTES;
	uint64_t from = 0;
	uint64_t upto = 0;

	at[1 * PAGES_BYTES] = 1;
	for (unsigned i = 400; i < 1100; i++)
		at[i * PAGES_BYTES] = 1;
	at[(pages - 1) * PAGES_BYTES] = 1;
	pages_open();
	ck_assert(pages_next(start + 8, end, &from, &upto));
	ck_assert_uint_eq(from, start + PAGES_BYTES);
	ck_assert_uint_eq(upto, start + 2 * PAGES_BYTES);
	ck_assert(pages_next(upto, end, &from, &upto));
	ck_assert_uint_eq(from, start + 400 * PAGES_BYTES);
	ck_assert_uint_eq(upto, start + 1100 * PAGES_BYTES);
	ck_assert(pages_next(upto, end - 16, &from, &upto));
	ck_assert_uint_eq(from, end - PAGES_BYTES);
	ck_assert_uint_eq(upto, end - 16);
	ck_assert(!pages_next(start + 2 * PAGES_BYTES, start + 400 * PAGES_BYTES, &from, &upto));
	pages_close();
	munmap(at, ARENA_BYTES);
}
END_TEST

START_TEST(pages_of_a_file_are_not_the_process_s_own)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	volatile char *at = mmap(NULL, 4 * PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	uint64_t start = (uint64_t)at;
	uint64_t from = 0;
	uint64_t upto = 0;

	ck_assert_uint_ne(start, (uint64_t)MAP_FAILED);
	(void)at[0];
	at[2 * PAGES_BYTES] = 1;
	pages_open();
	ck_assert(pages_next_private(start, start + 4 * PAGES_BYTES, &from, &upto));
	ck_assert_uint_eq(from, start + 2 * PAGES_BYTES);
	ck_assert_uint_eq(upto, start + 3 * PAGES_BYTES);
	pages_close();
	munmap((void *)start, 4 * PAGES_BYTES);
	close(fd);
}
END_TEST

Suite *suite_leak_graph(void)
{
	Suite *s = suite_create("leak_graph");
	TCase *t = tcase_create("all");

	tcase_add_test(t, random_heaps_are_judged_by_definition);
	tcase_add_test(t, long_chains_and_wide_fans_are_followed);
	tcase_add_test(t, low_bits_are_a_tag_only_if_asked_for);
	tcase_add_test(t, what_is_no_candidate_is_not_lost_when_confirmed);
	tcase_add_test(t, a_deadline_in_the_past_stops_it);
	tcase_add_test(t, hidden_pages_are_read_and_missing_ones_are_zero);
	tcase_add_test(t, pages_without_memory_are_passed_over);
	tcase_add_test(t, pages_of_a_file_are_not_the_process_s_own);
	suite_add_tcase(s, t);
	return s;
}
