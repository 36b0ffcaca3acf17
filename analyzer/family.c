/* SPDX-License-Identifier: MIT */
/* Relations of processes, and sums over them. */
#include "family.h"

#include <stdlib.h>
#include <string.h>

#include "stack_view.h"

const char *family_birth_name(enum family_birth birth)
{
	static const char *const names[] = {
#define X(name, text) text,
		FAMILY_BIRTHS(X)
#undef X
	};

	return names[birth];
}

/* --- stacks that mean the same in several processes --- */

static uint64_t join(uint64_t hash, uint64_t value)
{
	return hash_u64(hash * 3 + hash_u64(value + 0x9e3779b97f4a7c15ull));
}

static uint64_t module_hash(const struct profile_module *module)
{
	if (module->build_id)
		return hash_bytes(module->build_id, module->build_id_bytes);
	return module->path ? hash_bytes(module->path, strlen(module->path)) : 1;
}

/* Hash of every node's stack, by number: a parent's number is smaller than its child's. The caller frees it. */
static uint64_t *stack_hashes(const struct profile *profile)
{
	uint64_t *hashes = memory_zeroed(profile->node_count + 1, sizeof(*hashes));
	uint64_t *modules = memory_zeroed(profile->module_count + 1, sizeof(*modules));

	for (size_t i = 0; i < profile->module_count; i++)
		modules[i + 1] = module_hash(&profile->modules[i]);
	for (size_t i = 1; i <= profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		uint64_t bias = node->module ? profile->modules[node->module - 1].bias : 0;

		hashes[i] = join(join(hashes[node->parent], modules[node->module]), node->ip - bias);
	}
	free(modules);
	return hashes;
}

/* --- sums --- */

#define UNSIGNED_SUMS(X) \
	X(alloc_count)       \
	X(alloc_bytes)       \
	X(free_count)        \
	X(free_bytes)        \
	X(temporary_count)   \
	X(realloc_count)
#define SIGNED_SUMS(X) \
	X(live_count)  \
	X(live_bytes)  \
	X(peak_count)  \
	X(peak_bytes)
#define VARIANCE_SUMS(X)       \
	X(alloc_count_var)     \
	X(alloc_bytes_var)     \
	X(free_count_var)      \
	X(free_bytes_var)      \
	X(peak_count_var)      \
	X(peak_bytes_var)      \
	X(temporary_count_var) \
	X(realloc_count_var)

/* Those of corrupt files may wrap around. */
static void add_site(struct site *sum, const struct site *site)
{
#define X(field) sum->field += site->field;
	UNSIGNED_SUMS(X)
	VARIANCE_SUMS(X)
#undef X
#define X(field) sum->field = (int64_t)((uint64_t)sum->field + (uint64_t)site->field);
	SIGNED_SUMS(X)
#undef X
}

static void merge_site(struct family *family, const struct site *site, uint64_t hash)
{
	bool is_new;
	uint64_t *index = hash_map_put(&family->site_of_hash, hash, &is_new);
	uint64_t weight = site->alloc_bytes + site->alloc_count;
	struct family_site *merged;

	if (is_new) {
		*index = family->sites.count;
		vec_push(&family->sites) = (struct family_site){ .process = family->processes.count };
		family->sites.list[*index].stack = site->stack;
	}
	merged = &family->sites.list[*index];
	add_site(&merged->sums, site);
	merged->processes++;
	if (weight > merged->most) {
		merged->most = weight;
		merged->process = family->processes.count;
		merged->stack = site->stack;
	}
}

static uint64_t machine_of(const struct profile_process *process)
{
	static const uint8_t unknown[sizeof(process->boot_id)];

	if (memcmp(process->boot_id, unknown, sizeof(unknown)) == 0)
		return 0;
	return hash_bytes(process->boot_id, sizeof(process->boot_id));
}

static void add_process(struct family *family, const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct profile_process *process = &profile->process;
	uint64_t duration_ns = profile_duration_ns(profile);
	const char *program = process->exe ? stack_view_base_name(process->exe) : "?";
	struct family_process added = {
		.path = arena_string(&family->arena, profile->path, strlen(profile->path)),
		.program = arena_string(&family->arena, program, strlen(program)),
		.pid = process->pid,
		.parent_pid = process->parent_pid,
		.start_realtime_ns = process->start_realtime_ns,
		.duration_ns = duration_ns,
		.end_realtime_ns = process->end_ns ? process->start_realtime_ns + duration_ns : UINT64_MAX,
		.machine = machine_of(process),
		.ended = process->ended,
		.end_status = process->end_status,
		.forked = process->features & MP_FEATURE_FORKED,
		.sampled = profile_is_sampled(profile),
		.totals = report->aggregate->totals,
		.peak_bytes = profile->peak_bytes,
		.parent = FAMILY_NONE,
	};

	for (size_t i = 0; i < report->aggregate->lock_count; i++)
		added.lock_wait_ns += report->aggregate->locks[i].wait_ns;
	vec_push(&family->processes) = added;
	add_site(&family->totals, &added.totals);
	family->peak_bytes += added.peak_bytes;
	family->lock_wait_ns += added.lock_wait_ns;
	family->sampled |= added.sampled;
	family->partial_count += profile->partial;
}

void family_add(struct family *family, const struct report *report)
{
	const struct profile *profile = report->profile;
	uint64_t *hashes = stack_hashes(profile);

	for (size_t i = 0; i < report->site_count; i++)
		merge_site(family, report->sites[i], hashes[report->sites[i]->stack]);
	family_waits_add(&family->waits, report, hashes, family->processes.count);
	free(hashes);
	for (size_t i = 0; i < profile->loss_count; i++) {
		uint64_t reason = profile->losses[i].reason;

		if (reason < sizeof(family->losses) / sizeof(*family->losses))
			family->losses[reason].count += profile->losses[i].count;
	}
	add_process(family, report);
}

/* --- relations --- */

/*
 * Process ids come again, and one process has several dumps if it ran several programs. So the parent is, of those with
 * the right number, the last that started before the child, and it must not have ended before.
 */
static size_t find_parent(const struct family *family, size_t child, uint32_t pid)
{
	const struct family_process *list = family->processes.list;
	size_t found = FAMILY_NONE;

	for (size_t i = 0; i < family->processes.count; i++) {
		if (i == child || list[i].pid != pid || list[i].machine != list[child].machine ||
		    list[i].start_realtime_ns > list[child].start_realtime_ns ||
		    (list[i].start_realtime_ns == list[child].start_realtime_ns && i > child))
			continue;
		if (found == FAMILY_NONE || list[i].start_realtime_ns >= list[found].start_realtime_ns)
			found = i;
	}
	return found;
}

static void set_parent(struct family *family, size_t child)
{
	struct family_process *process = &family->processes.list[child];
	const struct family_process *list = family->processes.list;
	size_t same = find_parent(family, child, process->pid);
	size_t parent;

	if (same != FAMILY_NONE && list[same].ended == PROFILE_ENDED_EXEC && !process->forked) {
		process->parent = same;
		process->birth = FAMILY_EXEC;
		return;
	}
	parent = process->parent_pid ? find_parent(family, child, process->parent_pid) : FAMILY_NONE;
	/* It may have become another program, or ended, just after the fork: a millisecond is for the clocks. */
	if (parent == FAMILY_NONE || list[parent].end_realtime_ns < process->start_realtime_ns - 1000000)
		return;
	process->parent = parent;
	process->birth = process->forked ? FAMILY_FORK : FAMILY_START;
}

static const struct family *comparing; /* qsort has no argument for it */

static int by_start(const void *a, const void *b)
{
	const struct family_process *x = &comparing->processes.list[*(const size_t *)a];
	const struct family_process *y = &comparing->processes.list[*(const size_t *)b];

	if (x->start_realtime_ns != y->start_realtime_ns)
		return x->start_realtime_ns < y->start_realtime_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

/*
 * Puts INDEX and all below it behind what is in ORDER. A stack of our own, since a chain of programs may be long; a
 * parent started before its child, so there are no cycles.
 */
static size_t put_below(struct family *family, const size_t *sorted, size_t index, size_t *order, size_t used)
{
	VEC(size_t) open = { 0 };
	struct family_process *list = family->processes.list;
	size_t count = family->processes.count;

	vec_push(&open) = index;
	while (open.count > 0) {
		size_t next = open.list[--open.count];

		order[used++] = next;
		list[next].depth = list[next].parent == FAMILY_NONE ? 0 : list[list[next].parent].depth + 1;
		for (size_t i = count; i-- > 0;) {
			if (list[sorted[i]].parent == next)
				vec_push(&open) = sorted[i];
		}
	}
	vec_free(&open);
	return used;
}

void family_link(struct family *family)
{
	size_t count = family->processes.count;
	size_t *sorted = memory_zeroed(count + 1, sizeof(*sorted));
	size_t *order = memory_zeroed(count + 1, sizeof(*order));
	size_t *place = memory_zeroed(count + 1, sizeof(*place));
	struct family_process *list = memory_zeroed(count + 1, sizeof(*list));
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		set_parent(family, i);
		sorted[i] = i;
	}
	comparing = family;
	qsort(sorted, count, sizeof(*sorted), by_start);
	for (size_t i = 0; i < count; i++) {
		if (family->processes.list[sorted[i]].parent == FAMILY_NONE)
			used = put_below(family, sorted, sorted[i], order, used);
	}
	for (size_t i = 0; i < used; i++)
		place[order[i]] = i;
	for (size_t i = 0; i < used; i++) {
		list[i] = family->processes.list[order[i]];
		if (list[i].parent != FAMILY_NONE)
			list[i].parent = place[list[i].parent];
	}
	for (size_t i = 0; i < family->sites.count; i++)
		family->sites.list[i].process = place[family->sites.list[i].process];
	family_waits_finish(&family->waits, place);
	free(family->processes.list);
	family->processes.list = list;
	family->processes.count = used;
	family->processes.capacity = count + 1;
	free(sorted);
	free(order);
	free(place);
}

static enum site_key ranking_by;

static int by_value(const void *a, const void *b)
{
	const struct family_site *x = a;
	const struct family_site *y = b;
	int64_t left = site_value(&x->sums, ranking_by);
	int64_t right = site_value(&y->sums, ranking_by);

	if (left != right)
		return left > right ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

size_t family_rank(struct family *family, enum site_key key)
{
	size_t count = family->sites.count;

	ranking_by = key;
	if (count > 0)
		qsort(family->sites.list, count, sizeof(*family->sites.list), by_value);
	while (count > 0 && site_value(&family->sites.list[count - 1].sums, key) <= 0)
		count--;
	return count;
}

void family_free(struct family *family)
{
	vec_free(&family->processes);
	vec_free(&family->sites);
	hash_map_free(&family->site_of_hash);
	family_waits_free(&family->waits);
	arena_free(&family->arena);
	*family = (struct family){ 0 };
}
