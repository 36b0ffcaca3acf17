/* SPDX-License-Identifier: MIT */
/*
 * Callgrind's format: costs per function and line, and of calls between them. The cost of a stack is that of its
 * innermost function itself, and goes to every call on the way there: to each only once, since in a recursion the same
 * call would else cost more than the whole program.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

/* X(event, what it means) */
#define EVENTS(X)                          \
	X(allocB, "Bytes allocated")       \
	X(allocN, "Allocations")           \
	X(peakB, "Bytes live at the peak") \
	X(liveB, "Bytes not freed")        \
	X(tempN, "Temporary allocations")  \
	X(waitN, "Waits for locks")        \
	X(waitNs, "Nanoseconds waited for locks")

#define X(event, text) EVENT_##event,
enum event { EVENTS(X) EVENT_COUNT };
#undef X

struct cost {
	int64_t values[EVENT_COUNT];
};

/* Cost of a line (callee 0), or of the calls from a line to a function. */
struct entry {
	uint32_t function; /* number + 1 */
	uint32_t line;
	uint32_t callee;  /* number + 1 */
	uint32_t seen_in; /* last stack that added to it */
	uint64_t calls;
	struct cost cost;
	uint32_t callee_line;
};

struct function {
	const struct frame *example;
	bool written; /* its name */
};

struct callgrind {
	FILE *out;
	struct export_tree tree;
	struct text_index function_numbers;
	VEC(struct function) functions;
	struct text_index files, objects;
	uint32_t *ids; /* by number of frame: function + 1 */
	VEC(struct entry) entries;
	struct hash_map entry_of; /* hash of the first three fields -> index + 1 of the latest with that hash */
	VEC(size_t) same_hash;    /* by entry: index + 1 of one with the same hash */
	uint32_t stack_count;
	struct cost total;
};

static struct entry *find_entry(struct callgrind *c, uint32_t function, uint32_t line, uint32_t callee)
{
	uint64_t key = hash_u64((uint64_t)function << 32 | line) ^ callee;
	uint64_t *first = hash_map_put(&c->entry_of, key, NULL);

	for (size_t i = *first; i > 0; i = c->same_hash.list[i - 1]) {
		struct entry *entry = &c->entries.list[i - 1];

		if (entry->function == function && entry->line == line && entry->callee == callee)
			return entry;
	}
	vec_push(&c->entries) = (struct entry){ .function = function, .line = line, .callee = callee };
	vec_push(&c->same_hash) = *first;
	*first = c->entries.count;
	return &c->entries.list[c->entries.count - 1];
}

/* Costs cannot be negative: in the dump of a running program those of a site may be, for a moment. */
static void add_cost(struct cost *sum, const struct cost *cost)
{
	for (size_t i = 0; i < EVENT_COUNT; i++)
		sum->values[i] += cost->values[i] > 0 ? cost->values[i] : 0;
}

static void add_stack(struct callgrind *c, uint32_t stack, const struct cost *cost, uint64_t calls)
{
	uint32_t callee = 0;
	uint32_t callee_line = 0;

	c->stack_count++;
	add_cost(&c->total, cost);
	for (uint32_t at = export_tree_node(&c->tree, stack); at; at = c->tree.nodes.list[at].parent) {
		const struct export_place *place = export_tree_place(&c->tree, at);

		for (size_t i = 0; i < place->count; i++) {
			uint32_t function = c->ids[place->first_frame + i];
			struct entry *entry = find_entry(c, function, place->frames[i].line, callee);

			if (entry->seen_in != c->stack_count) {
				entry->seen_in = c->stack_count;
				entry->calls += calls;
				entry->callee_line = callee_line;
				add_cost(&entry->cost, cost);
			}
			callee = function;
			callee_line = place->frames[i].line;
		}
	}
}

static void add_all(struct callgrind *c, const struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++) {
		const struct site *site = report->sites[i];
		const struct cost cost = { {
			[EVENT_allocB] = (int64_t)site->alloc_bytes,
			[EVENT_allocN] = (int64_t)site->alloc_count,
			[EVENT_peakB] = site->peak_bytes,
			[EVENT_liveB] = site->live_bytes,
			[EVENT_tempN] = (int64_t)site->temporary_count,
		} };

		add_stack(c, site->stack, &cost, site->alloc_count);
	}
	for (size_t i = 0; i < report->lock_count; i++) {
		for (size_t j = 0; j < report->locks[i]->waiter_count; j++) {
			const struct lock_waiter *waiter = &report->locks[i]->waiters[j];
			const struct cost cost = { {
				[EVENT_waitN] = (int64_t)waiter->count,
				[EVENT_waitNs] = (int64_t)waiter->wait_ns,
			} };

			add_stack(c, waiter->stack, &cost, waiter->count);
		}
	}
}

static void number_functions(struct callgrind *c)
{
	c->ids = memory_zeroed((size_t)c->tree.frame_count + 1, sizeof(*c->ids));
	for (size_t i = 0; i < c->tree.places.count; i++) {
		const struct export_place *place = &c->tree.places.list[i];

		for (size_t j = 0; j < place->count; j++) {
			bool is_new;

			c->ids[place->first_frame + j] =
				1 + export_frame_number(&c->function_numbers, &place->frames[j],
							EXPORT_BY_FILE | EXPORT_BY_MODULE, &is_new);
			if (is_new)
				vec_push(&c->functions) = (struct function){ .example = &place->frames[j] };
		}
	}
}

/* Lines of functions together, those of calls behind those of the function itself. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;

	if (left->function != right->function)
		return left->function < right->function ? -1 : 1;
	if ((left->callee == 0) != (right->callee == 0))
		return left->callee == 0 ? -1 : 1;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	return left->callee < right->callee ? -1 : left->callee > right->callee;
}

/* "(3) name" at the first use of a name, "(3)" after it. */
static void write_reference(FILE *out, const char *key, uint32_t number, const char *name, bool is_new)
{
	fprintf(out, "%s=(%" PRIu32 ")", key, number);
	if (is_new)
		fputc(' ', out);
	for (; is_new && *name; name++)
		fputc((unsigned char)*name < 0x20 || *name == 0x7f ? '?' : *name, out);
	fputc('\n', out);
}

static void write_name(FILE *out, const char *key, struct text_index *index, const char *name)
{
	bool is_new;
	uint32_t number;

	name = name ? name : "???";
	number = text_index_put(index, name, strlen(name), &is_new);
	write_reference(out, key, number + 1, name, is_new);
}

/* Object, file and name of a function. Functions of one name in other files have numbers of their own. */
static void write_function(struct callgrind *c, uint32_t function, bool called)
{
	struct function *row = &c->functions.list[function - 1];
	char buffer[256];

	write_name(c->out, called ? "cob" : "ob", &c->objects, row->example->module);
	write_name(c->out, called ? "cfi" : "fl", &c->files, row->example->file);
	write_reference(c->out, called ? "cfn" : "fn", function, stack_view_name(row->example, buffer, sizeof(buffer)),
			!row->written);
	row->written = true;
}

static void write_cost(FILE *out, uint32_t line, const struct cost *cost)
{
	fprintf(out, "%" PRIu32, line);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		fprintf(out, " %" PRId64, cost->values[i]);
	fputc('\n', out);
}

static void write_entries(struct callgrind *c)
{
	uint32_t function = 0;

	if (c->entries.count > 0)
		qsort(c->entries.list, c->entries.count, sizeof(*c->entries.list), compare_entries);
	for (size_t i = 0; i < c->entries.count; i++) {
		const struct entry *entry = &c->entries.list[i];

		if (entry->function != function) {
			fputc('\n', c->out);
			write_function(c, entry->function, false);
			function = entry->function;
		}
		if (entry->callee) {
			write_function(c, entry->callee, true);
			fprintf(c->out, "calls=%" PRIu64 " %" PRIu32 "\n", entry->calls, entry->callee_line);
		}
		write_cost(c->out, entry->line, &entry->cost);
	}
}

static void write_head(struct callgrind *c, const struct report *report)
{
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(report->profile);

	fprintf(c->out,
		"# callgrind format\nversion: 1\ncreator: memprof " MP_VERSION "\npid: %" PRIu32 "\ncmd: %s\n"
		"desc: Remark: %s\npositions: line\n",
		report->profile->process.pid, command, export_remark(report, remark, sizeof(remark)));
#define X(event, text) fputs("event: " #event " : " text "\n", c->out);
	EVENTS(X)
#undef X
	fputs("events:", c->out);
#define X(event, text) fputs(" " #event, c->out);
	EVENTS(X)
#undef X
	fputs("\nsummary:", c->out);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		fprintf(c->out, " %" PRId64, c->total.values[i]);
	fputc('\n', c->out);
	free(command);
}

bool export_callgrind(const struct export *export, struct err *err)
{
	struct callgrind c = { .out = export->out };

	(void)err;
	export_tree_init(&c.tree, export->reports[0], EXPORT_ALL);
	number_functions(&c);
	add_all(&c, export->reports[0]);
	write_head(&c, export->reports[0]);
	write_entries(&c);
	fputs("\ntotals:", c.out);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		fprintf(c.out, " %" PRId64, c.total.values[i]);
	fputc('\n', c.out);
	export_tree_free(&c.tree);
	text_index_free(&c.function_numbers);
	text_index_free(&c.files);
	text_index_free(&c.objects);
	vec_free(&c.functions);
	vec_free(&c.entries);
	vec_free(&c.same_hash);
	hash_map_free(&c.entry_of);
	free(c.ids);
	return true;
}
