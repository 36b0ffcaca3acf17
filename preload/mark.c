/* SPDX-License-Identifier: MIT */
/*
 * A program may set a mark in each of a million iterations, and all of them count: so instead of the first ones, marks
 * at even distances are kept, and the distance grows. Rows are freed and filled in place, never moved: a process that
 * is killed meanwhile leaves no mark twice.
 */
#include "mark.h"

#include <stdbool.h>
#include <stddef.h>

#include "atomic.h"
#include "drop.h"
#include "dump_map.h"
#include "fmt.h"
#include "growth.h"
#include "os.h"

static struct os_lock lock;
static struct mp_mark_name *names;
static uint32_t name_count;
static uint64_t hashes[MP_MARK_NAMES_MAX]; /* of their texts */
static struct mp_mark *rows;
static uint32_t free_from; /* rows before this one are in use */

/* Sites at some marks of a text: at these, which are 1 in `stride`. */
struct points {
	const struct mp_mark_name *name; /* NULL = unused */
	struct mp_mark_growth *rows;     /* MP_GROWTH_SITES for each point */
	uint64_t numbers[MP_MARK_GROWTH_POINTS]; /* of the marks, 0 = no point */
	uint64_t stride;
};
static struct points points[MP_MARK_GROWTH_TEXTS];

static void *take_chunk(enum mp_chunk_kind kind, uint32_t row_bytes, uint32_t row_count, uint64_t first)
{
	struct mp_chunk *chunk = dump_chunk(kind, row_bytes, sizeof(*chunk) + (size_t)row_count * row_bytes, first, 0);

	return chunk ? chunk + 1 : NULL;
}

static uint64_t hash_text(const char *text, size_t bytes)
{
	uint64_t h = bytes;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)text[i]) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static bool is_text(uint64_t reference, const char *text, size_t bytes)
{
	const struct mp_string *string = (const struct mp_string *)(const void *)(dump_base + reference);

	return string->bytes == bytes && fmt_same(string->text, text, bytes);
}

/* The row of TEXT, a new one if need be. NULL: no room. */
static struct mp_mark_name *name_of(const char *text)
{
	size_t bytes = fmt_text_bytes(text, MP_MARK_TEXT_MAX);
	uint64_t hash = hash_text(text, bytes);
	struct mp_mark_name *name;
	uint64_t reference;

	for (uint32_t i = 0; i < name_count; i++) {
		if (hashes[i] == hash && is_text(names[i].text, text, bytes))
			return &names[i];
	}
	if (!names)
		names = take_chunk(MP_CHUNK_MARK_NAME, sizeof(*names), MP_MARK_NAMES_MAX, 1);
	if (!names || name_count == MP_MARK_NAMES_MAX)
		return NULL;
	reference = dump_string(text, bytes);
	if (!reference)
		return NULL;
	name = &names[name_count];
	hashes[name_count++] = hash;
	name->stride = 1;
	store_release(&name->text, reference);
	return name;
}

/* Frees rows of the text that has most of them. There is one with several, as there are more rows than texts. */
static void thin(void)
{
	uint32_t counts[MP_MARK_NAMES_MAX] = { 0 };
	uint32_t most = 0;
	uint64_t stride;

	for (uint32_t i = 0; i < MP_MARKS_MAX; i++) {
		uint32_t n = rows[i].name - 1;

		if (++counts[n] > counts[most])
			most = n;
	}
	stride = names[most].stride * 2;
	store_release(&names[most].stride, stride);
	for (uint32_t i = 0; i < MP_MARKS_MAX; i++) {
		if (rows[i].name - 1 == most && (rows[i].number - 1) % stride)
			store_relaxed(&rows[i].time_ns, 0);
	}
	free_from = 0;
}

/* NULL: no room in the file. */
static struct mp_mark *free_row(void)
{
	if (!rows)
		rows = take_chunk(MP_CHUNK_MARK, sizeof(*rows), MP_MARKS_MAX, 0);
	if (!rows)
		return NULL;
	for (;; free_from++) {
		if (free_from == MP_MARKS_MAX)
			thin();
		if (!rows[free_from].time_ns)
			return &rows[free_from];
	}
}

static void add_row(const struct thread *t, const struct mp_mark_name *name, uint64_t now_ns, uint32_t flags)
{
	struct mp_mark *row = free_row();
	struct mp_thread sum;

	/* Room may just have been made by a stride that leaves this one out, too. */
	if (!row || (name->count - 1) % name->stride)
		return;
	thread_sum(&sum);
	row->number = name->count;
	row->name = (uint32_t)(name - names) + 1;
	row->flags = flags;
	row->live_bytes = (int64_t)(sum.alloc_bytes - sum.free_bytes);
	row->live_count = (int64_t)(sum.alloc_count - sum.free_count);
	row->alloc_count = sum.alloc_count;
	row->alloc_bytes = sum.alloc_bytes;
	row->free_count = sum.free_count;
	row->lock_wait_ns = sum.lock_wait_ns;
	row->tid = t->tid;
	store_release(&row->time_ns, now_ns);
}

/* NULL: there are too many texts, or no room. */
static struct points *points_of(const struct mp_mark_name *name)
{
	uint32_t i = 0;

	while (i < MP_MARK_GROWTH_TEXTS && points[i].name && points[i].name != name)
		i++;
	if (i == MP_MARK_GROWTH_TEXTS)
		return NULL;
	if (!points[i].name) {
		points[i].rows = take_chunk(MP_CHUNK_MARK_GROWTH, sizeof(struct mp_mark_growth),
					    MP_MARK_GROWTH_POINTS * MP_GROWTH_SITES, 0);
		points[i].name = name;
		points[i].stride = 1;
	}
	return points[i].rows ? &points[i] : NULL;
}

static void drop_point(struct points *p, uint32_t k)
{
	struct mp_mark_growth *at = p->rows + k * MP_GROWTH_SITES;

	p->numbers[k] = 0;
	for (uint32_t i = 0; i < MP_GROWTH_SITES; i++)
		store_relaxed(&at[i].number, 0);
}

/* Which point is free. Of points at even distances every other one goes when there are too many. */
static uint32_t free_point(struct points *p)
{
	for (;;) {
		for (uint32_t k = 0; k < MP_MARK_GROWTH_POINTS; k++) {
			if (!p->numbers[k])
				return k;
		}
		p->stride *= 2;
		for (uint32_t k = 0; k < MP_MARK_GROWTH_POINTS; k++) {
			if ((p->numbers[k] - 1) % p->stride)
				drop_point(p, k);
		}
	}
}

struct row_writer {
	struct mp_mark_growth *next;
	uint64_t number;
	uint32_t name;
};

static void write_site(void *data, uint32_t stack, int64_t bytes, int64_t count, bool cut)
{
	struct row_writer *w = data;
	struct mp_mark_growth *row = w->next++;

	row->name = w->name;
	row->stack = stack;
	row->cut = cut;
	row->live_bytes = bytes;
	row->live_count = count;
	store_release(&row->number, w->number);
}

/* The first mark of a text has none: most texts are set once, and of iterations the first ones do not count. */
static void add_point(const struct mp_mark_name *name)
{
	struct points *p = name->count > 1 ? points_of(name) : NULL;
	struct row_writer w = { .number = name->count, .name = (uint32_t)(name - names) + 1 };
	uint32_t k;

	if (!p || (name->count - 1) % p->stride)
		return;
	k = free_point(p);
	/* Room may just have been made by a stride that leaves this one out, too. */
	if ((name->count - 1) % p->stride)
		return;
	p->numbers[k] = name->count;
	w.next = p->rows + k * MP_GROWTH_SITES;
	growth_largest(write_site, &w);
}

void mark_add(const struct thread *t, const char *text, uint32_t flags)
{
	struct mp_mark_name *name;
	uint64_t now_ns;

	os_lock(&lock);
	now_ns = os_now_ns();
	name = name_of(text);
	if (name) {
		store_relaxed(&name->count, name->count + 1);
		store_relaxed(&name->last_ns, now_ns);
		if (!((name->count - 1) % name->stride))
			add_row(t, name, now_ns, flags);
		add_point(name);
		store_relaxed(&dump_header()->last_ns, now_ns);
	} else {
		drop(MP_LOSS_MARKS_FULL);
	}
	os_unlock(&lock);
}

void mark_forked(void)
{
	lock.word = 0;
	names = NULL;
	name_count = 0;
	rows = NULL;
	free_from = 0;
	__builtin_memset(points, 0, sizeof(points));
}
