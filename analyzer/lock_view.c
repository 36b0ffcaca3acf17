/* SPDX-License-Identifier: MIT */
/*
 * Names of locks. A lock is called after the static object that it is, else the place where its memory was allocated,
 * else where it was first waited for; locks with the same of these are one class.
 */
#include "lock_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alloc_names.h"
#include "dwarf_types.h"

/* Callers whose types may be that of a block: far out they deal with other things. */
#define TYPE_NODES 5u

/* Functions that only pass an allocation on: the caller says more. */
static const char *const allocators[] = {
#define X(name) #name,
	ALLOC_FUNCTIONS(X)
#undef X
		"strdup",
	"operator new",
	"__libc_malloc",
	"__libc_calloc",
	"__gnu_cxx::",
	"std::",
	"core::",
	"alloc::",
	"__rust_alloc",
	"__rustc::__rust_alloc",
	"g_malloc",
	"g_slice_alloc",
	"xmalloc",
	"xcalloc",
	"zmalloc",
	"zcalloc",
	"ztrymalloc",
};

/* Code of locks, and of those who wrap them: the caller is who wanted the lock. Ending in ':' or '_': a prefix. */
static const char *const plumbing[] = {
	"pthread_",
	"__pthread_",
	"___pthread_",
	"mtx_",
	"cnd_",
	"thrd_join",
	"call_once",
	"sem_",
	"syscall",
	"__gthread_",
	"__gthrw_",
	"__cxa_guard_",
	"__gnu_cxx::",
	"std::",
	"core::",
	"parking_lot::",
	"parking_lot_core::",
	"lock_api::",
	"crossbeam_utils::sync::",
	"absl::",
	"boost::",
	"tbb::",
	"GOMP_",
	"gomp_",
	"omp_",
	"__kmpc_",
	"__kmp_",
	"g_mutex_",
	"g_rec_mutex_",
	"g_rw_lock_",
	"g_cond_",
	"uv_mutex_",
	"uv_cond_",
	"uv_rwlock_",
	"uv_sem_",
	"CRYPTO_THREAD_",
	/* postgres, whose locks sleep on semaphores */
	"PGSemaphoreLock",
	"PGSemaphoreUnlock",
	"LWLockAcquire",
	"LWLockAcquireOrWait",
	"LWLockWaitForVar",
	"LWLockRelease",
	"LWLockWakeup",
	"ProcSleep",
	"ProcWakeup",
};

/*
 * Where the qualified name in FUNCTION begins: behind the type that symbols of templates begin with ("void
 * std::call_once<...>(...)") and behind the '<' of a method of a Rust trait.
 */
static const char *qualified_name(const char *function)
{
	const char *start = function;
	unsigned depth = 0;

	for (const char *at = function; *at && !(depth == 0 && *at == '('); at++) {
		depth += *at == '<';
		depth -= *at == '>' && depth > 0;
		if (*at == ' ' && depth == 0 && strncmp(at, " as ", 4) != 0 && strncmp(start, "operator", 8) != 0)
			start = at + 1;
	}
	return start + (*start == '<');
}

/* FUNCTION is one of NAMES, or begins with one of them that ends like a prefix. */
static bool is_one_of(const char *function, const char *const *names, size_t count)
{
	const char *name = qualified_name(function);

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);
		char last = names[i][length - 1];

		if (strncmp(name, names[i], length) != 0)
			continue;
		if (last == ':' || last == '_' || name[length] == 0 || strchr("([<.@", name[length]))
			return true;
	}
	return false;
}

#define IS_ONE_OF(function, names) is_one_of((function), (names), sizeof(names) / sizeof(*(names)))

static bool is_allocator(const char *function)
{
	return IS_ONE_OF(function, allocators);
}

bool lock_view_is_plumbing(const char *function)
{
	return IS_ONE_OF(function, plumbing);
}

/*
 * The innermost frame of STACK for whose name SKIP does not hold; one without a name is better than a caller far out,
 * which has less to do with it. Else the innermost of all. false: there is none.
 */
static bool find_frame(const struct profile *profile, struct symbolizer *symbols, uint32_t stack,
		       bool (*skip)(const char *function), struct frame *ret_frame)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t node_count = profile_stack(profile, stack, nodes);
	bool found = false;

	for (size_t i = 0; i < node_count; i++) {
		size_t frame_count;
		const struct frame *frames = stack_view_node_frames(profile, symbols, nodes[i], &frame_count);

		for (size_t j = 0; j < frame_count; j++) {
			if (!frames[j].function || !skip(frames[j].function)) {
				*ret_frame = frames[j];
				return true;
			}
			if (!found)
				*ret_frame = frames[j];
			found = true;
		}
	}
	return found;
}

bool lock_view_actor(const struct profile *profile, struct symbolizer *symbols, uint32_t stack, struct frame *ret_frame)
{
	return find_frame(profile, symbols, stack, lock_view_is_plumbing, ret_frame);
}

/* "f()", but "f(int)" stays; "[app+0x12ab]" without a name. NULL: no stack, or names are not wanted. */
static const char *function_of(struct lock_namer *namer, uint32_t stack, bool (*skip)(const char *function))
{
	struct frame frame;
	char text[1024], place[256];

	if (!symbolizer_has_names(namer->symbols) || !find_frame(namer->profile, namer->symbols, stack, skip, &frame))
		return NULL;
	if (frame.function)
		snprintf(text, sizeof(text), "%s%s", frame.function, strchr(frame.function, '(') ? "" : "()");
	else
		snprintf(text, sizeof(text), "[%s]", stack_view_name(&frame, place, sizeof(place)));
	return strtab_intern(&namer->strings, text);
}

/* In a dump, a class is known by what is exact: numbers of stacks, not names of functions. */
static const char *make_key(struct lock_namer *namer, enum lock_bond bond, uint32_t kind, const char *text, uint64_t a,
			    uint64_t b)
{
	char key[1200];

	snprintf(key, sizeof(key), "%d/%" PRIu32 "/%" PRIx64 "/%" PRIx64 "/%s", (int)bond, kind, a, b, text);
	return strtab_intern(&namer->strings, key);
}

static const char *make_text(struct lock_namer *namer, enum lock_bond bond, const char *name)
{
	char text[1400];

	snprintf(text, sizeof(text), "%s:%s", lock_view_bond_word(bond), name);
	return strtab_intern(&namer->strings, text);
}

static bool label_static(struct lock_namer *namer, const struct mp_lock *row, struct lock_label *ret_label)
{
	struct symbolizer_object object;
	char name[1024];

	if (!symbolizer_find_object(namer->symbols, row->address, &object))
		return false;
	if (!object.name)
		snprintf(name, sizeof(name), "%s+0x%" PRIx64, stack_view_base_name(object.module), object.offset);
	else if (object.member)
		snprintf(name, sizeof(name), "%s%s", object.name, object.member);
	else if (object.offset > 0)
		snprintf(name, sizeof(name), "%s+0x%" PRIx64, object.name, object.offset);
	else
		snprintf(name, sizeof(name), "%s", object.name);
	/* An array of locks is one class: its elements have one name, and a key without the offset. */
	ret_label->bond = LOCK_BOND_STATIC;
	ret_label->name = strtab_intern(&namer->strings, name);
	ret_label->key = make_key(namer, LOCK_BOND_STATIC, row->kind, name, (uintptr_t)object.module, 0);
	ret_label->text = make_text(namer, LOCK_BOND_STATIC, name);
	return true;
}

/* Looks at who allocated the block, and who waited for the lock in it, as far as TYPE_NODES callers out. */
static void guess_member(struct lock_namer *namer, const struct mp_lock *row, uint32_t stack, struct dwarf_guess *guess)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t count = profile_stack(namer->profile, stack, nodes);

	for (size_t i = 0; i < count && i < TYPE_NODES; i++) {
		const struct profile_node *node = &namer->profile->nodes[nodes[i]];

		symbolizer_guess_member(namer->symbols, node->module, node->ip, node->exact, row->alloc_bytes,
					row->alloc_offset, guess);
	}
}

/* Looking through the debug data takes long, and many locks have the same answer. */
static const char *find_member(struct lock_namer *namer, const struct mp_lock *row)
{
	uint64_t key = hash_u64(hash_u64((uint64_t)row->alloc_stack << 32 | row->first_stack) ^
				hash_u64(row->alloc_bytes) ^ row->alloc_offset);
	struct dwarf_guess guess = { 0 };
	bool is_new;
	uint64_t *member = hash_map_put(&namer->members, key, &is_new);

	if (is_new) {
		guess_member(namer, row, row->alloc_stack, &guess);
		guess_member(namer, row, row->first_stack, &guess);
		*member = (uintptr_t)guess.text;
	}
	return (const char *)(uintptr_t)*member;
}

static void label_heap(struct lock_namer *namer, const struct mp_lock *row, struct lock_label *ret_label)
{
	const char *member = find_member(namer, row);
	const char *function = function_of(namer, row->alloc_stack, is_allocator);
	char name[1100];

	if (member) {
		ret_label->bond = LOCK_BOND_MEMBER;
		ret_label->name = member;
		ret_label->key = make_key(namer, LOCK_BOND_MEMBER, row->kind, member, 0, 0);
		ret_label->text = make_text(namer, LOCK_BOND_MEMBER, member);
		return;
	}
	ret_label->bond = LOCK_BOND_HEAP;
	ret_label->key = make_key(namer, LOCK_BOND_HEAP, row->kind, "", row->alloc_stack, row->alloc_offset);
	if (!function)
		return;
	snprintf(name, sizeof(name), "%s+0x%" PRIx32, function, row->alloc_offset);
	ret_label->name = strtab_intern(&namer->strings, name);
	ret_label->text = make_text(namer, LOCK_BOND_HEAP, name);
}

static void label_by_first_wait(struct lock_namer *namer, const struct mp_lock *row, struct lock_label *ret_label)
{
	const char *function = function_of(namer, row->first_stack, lock_view_is_plumbing);
	char name[1100];

	ret_label->bond = LOCK_BOND_FIRST_WAIT;
	ret_label->key = make_key(namer, LOCK_BOND_FIRST_WAIT, row->kind, "", row->first_stack, 0);
	if (!function)
		return;
	snprintf(name, sizeof(name), "of %s", function);
	ret_label->name = strtab_intern(&namer->strings, name);
	ret_label->text = make_text(namer, LOCK_BOND_FIRST_WAIT, function);
}

void lock_namer_free(struct lock_namer *namer)
{
	strtab_free(&namer->strings);
	hash_map_free(&namer->members);
}

void lock_view_label(struct lock_namer *namer, const struct profile_lock *lock, struct lock_label *ret_label)
{
	const struct mp_lock *row = &lock->row;

	*ret_label = (struct lock_label){ .bond = LOCK_BOND_ADDRESS };
	if (lock->name) {
		ret_label->bond = LOCK_BOND_GIVEN;
		ret_label->name = strtab_intern(&namer->strings, lock->name);
		ret_label->key = make_key(namer, LOCK_BOND_GIVEN, row->kind, lock->name, 0, 0);
		ret_label->text = make_text(namer, LOCK_BOND_GIVEN, lock->name);
		return;
	}
	if (row->alloc_stack != 0)
		label_heap(namer, row, ret_label);
	else if (label_static(namer, row, ret_label))
		return;
	else if (row->first_stack != 0 && symbolizer_has_names(namer->symbols))
		label_by_first_wait(namer, row, ret_label);
	if (!ret_label->key)
		ret_label->key = make_key(namer, LOCK_BOND_ADDRESS, row->kind, "", lock->number, 0);
}

/*
 * Futexes serve for everything, and the name of a library function that waits says for what. The first that matches
 * counts: parking_lot parks threads for its mutexes, and condition variables have a mutex in their arguments.
 */
static const struct {
	const char *part; /* of a function's name */
	const char *primitive;
	const char *category;
} primitives[] = {
	{ "ondvar", "condvar", "coordination" },
	{ "CondVar", "condvar", "coordination" },
	{ "ondition_variable", "condvar", "coordination" },
	{ "emaphore", "semaphore", "coordination" },
	{ "latch", "latch", "coordination" },
	{ "arrier", "barrier", "coordination" },
	{ "__cxa_guard", "static initialisation", "contention" },
	{ "once", "once", "contention" },
	{ "Once", "once", "contention" },
	{ "rwlock", "rwlock", "contention" },
	{ "RwLock", "rwlock", "contention" },
	{ "rw_lock", "rwlock", "contention" },
	{ "raw_mutex", "mutex", "contention" },
	{ "RawMutex", "mutex", "contention" },
	{ "mutex", "mutex", "contention" },
	{ "Mutex", "mutex", "contention" },
	{ "SpinLock", "spinlock", "contention" },
	{ "Parker", "parked thread", "coordination" },
	{ "park", "parked thread", "coordination" },
	{ "future", "future", "coordination" },
	{ "atomic", "atomic wait", "coordination" },
};

/* Index in primitives, or their number. Arguments count for nothing: they may be guarded by another lock. */
static size_t find_primitive(const char *function)
{
	size_t length = strcspn(function, "(");
	size_t i = 0;

	for (; i < sizeof(primitives) / sizeof(*primitives); i++) {
		const char *place = strstr(function, primitives[i].part);

		if (place && (size_t)(place - function) < length)
			break;
	}
	return i;
}

void lock_view_primitive(struct lock_namer *namer, const struct profile_lock *lock, const char **ret_primitive,
			 const char **ret_category)
{
	const size_t count = sizeof(primitives) / sizeof(*primitives);
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t node_count, best = count;

	if (lock->row.kind != MP_LOCK_FUTEX)
		return;
	node_count = profile_stack(namer->profile, lock->row.first_stack, nodes);
	for (size_t i = 0; i < node_count; i++) {
		size_t frame_count;
		const struct frame *frames =
			stack_view_node_frames(namer->profile, namer->symbols, nodes[i], &frame_count);

		for (size_t j = 0; j < frame_count; j++) {
			size_t found = count;

			if (frames[j].function && !lock_view_is_plumbing(frames[j].function))
				goto out;
			if (frames[j].function)
				found = find_primitive(frames[j].function);
			best = found < best ? found : best;
		}
	}
out:
	if (best == count)
		return;
	*ret_primitive = primitives[best].primitive;
	*ret_category = primitives[best].category;
}

const char *lock_view_bond_word(enum lock_bond bond)
{
#define X(name, word, text) [LOCK_BOND_##name] = word,
	static const char *const words[] = { LOCK_BONDS(X) };
#undef X

	return words[bond];
}

const char *lock_view_bond_text(enum lock_bond bond)
{
#define X(name, word, text) [LOCK_BOND_##name] = text,
	static const char *const texts[] = { LOCK_BONDS(X) };
#undef X

	return texts[bond];
}
