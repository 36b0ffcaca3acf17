/* SPDX-License-Identifier: MIT */
/*
 * Names of members. The type of a static variable is known. That of a block from malloc() or operator new is not in the
 * debug data, but the functions that allocate it and those that take its lock have variables, parameters and template
 * arguments of that type: one of the right size that has a lock at the right offset is hardly ever another.
 */
#include "dwarf_types.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"
#include "vec.h"

#define NESTING_MAX  24   /* members within members, types within types */
#define SCOPES_MAX   6    /* blocks within a function */
#define CHILDREN_MAX 4000 /* of one type or function */
#define PATH_BYTES   256

/* How well a type fits a block. */
enum rank {
	RANK_EXACT,    /* has its size */
	RANK_ARRAY,    /* the block is a whole number of them */
	RANK_AT_END,   /* something in front of it: std::make_shared(), and headers of other libraries */
	RANK_AT_START, /* something behind it: a flexible array */
	RANK_NONE,
};

struct dwarf_types {
	Dwarf *dwarf;
	struct dwarf_frames *frames;
	struct strtab *strings;
	bool variables_read;
	VEC(Dwarf_Die) variables;
	struct hash_map by_address; /* to index in variables */
};

struct dwarf_types *dwarf_types_new(Dwarf *dwarf, struct dwarf_frames *frames, struct strtab *strings)
{
	struct dwarf_types *t = memory_zeroed(1, sizeof(*t));

	t->dwarf = dwarf;
	t->frames = frames;
	t->strings = strings;
	return t;
}

void dwarf_types_free(struct dwarf_types *t)
{
	if (t == NULL)
		return;
	vec_free(&t->variables);
	hash_map_free(&t->by_address);
	free(t);
}

/* Types. */

/* Parts of names of types that are locks, or that locks are made of. */
static bool is_lock_name(const char *name)
{
	static const char *const parts[] = {
		"mutex",    "Mutex",    "rwlock",   "RwLock",
		"spinlock", "SpinLock", "cond_t",   "condition_variable",
		"Condvar",  "CondVar",  "sem_t",    "semaphore",
		"barrier",  "latch",    "once_",    "Once",
		"mtx_t",    "cnd_t",    "omp_lock", "omp_nest_lock",
		"atomic",   "Atomic",
	};

	/* What stands in the arguments of a template is not the type itself: std::shared_ptr<std::mutex>. */
	size_t length = name ? strcspn(name, "<") : 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && length > 0; i++) {
		const char *place = strstr(name, parts[i]);

		if (place && (size_t)(place - name) < length)
			return true;
	}
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret_type);
}

/* Takes typedefs and qualifiers off TYPE. *RET_IS_LOCK: a name on the way was that of a lock. */
static void peel(Dwarf_Die *type, bool *ret_is_lock)
{
	for (unsigned i = 0; i < NESTING_MAX; i++) {
		int tag = dwarf_tag(type);

		/* Rust gives names to references: "&Mutex<T>". */
		if (tag != DW_TAG_pointer_type && tag != DW_TAG_reference_type)
			*ret_is_lock |= is_lock_name(dwarf_diename(type));
		switch (tag) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_atomic_type:
		case DW_TAG_restrict_type:
			if (type_of(type, type))
				continue;
			__attribute__((fallthrough));
		default:
			return;
		}
	}
}

static bool is_record(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* 0 = unknown. */
static uint64_t size_of(Dwarf_Die *type)
{
	Dwarf_Word size;

	return dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

struct path {
	char text[PATH_BYTES];
	size_t used;
	bool is_lock;
};

static void append(struct path *path, const char *a, const char *b)
{
	int length = snprintf(path->text + path->used, sizeof(path->text) - path->used, "%s%s", a, b);

	if (length > 0 && path->used + (size_t)length < sizeof(path->text))
		path->used += (size_t)length;
	path->text[path->used] = 0;
}

static bool find_member(Dwarf_Die *type, uint64_t offset, struct path *path, unsigned depth);

/* Where MEMBER begins in its record; false: it is not a part of each object. */
static bool member_offset(Dwarf_Die *member, uint64_t *ret_offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset = 0;
	bool flag;

	if (dwarf_attr(member, DW_AT_data_bit_offset, &attribute) ||
	    (dwarf_attr(member, DW_AT_external, &attribute) && dwarf_formflag(&attribute, &flag) == 0 && flag))
		return false;
	if (dwarf_attr(member, DW_AT_data_member_location, &attribute) && dwarf_formudata(&attribute, &offset) != 0)
		return false;
	*ret_offset = offset;
	return true;
}

/* Follows MEMBER if OFFSET lies in it. */
static bool enter_member(Dwarf_Die *member, uint64_t offset, struct path *path, unsigned depth)
{
	const char *name = dwarf_diename(member);
	uint64_t start, size;
	Dwarf_Die type;

	if (!member_offset(member, &start) || offset < start || !type_of(member, &type))
		return false;
	size = size_of(&type);
	if (size == 0 || offset - start >= size)
		return false;
	/* Unnamed are bases, and structures whose members count as those of the one around them. */
	if (name && dwarf_tag(member) == DW_TAG_member)
		append(path, ".", name);
	return find_member(&type, offset - start, path, depth + 1);
}

/* In a union, several members hold OFFSET: one that is a lock is meant. */
static bool enter_record(Dwarf_Die *record, uint64_t offset, struct path *path, unsigned depth)
{
	struct path first = *path;
	unsigned children = 0;
	bool found = false;
	Dwarf_Die child;

	if (dwarf_child(record, &child) != 0)
		return false;
	do {
		struct path way = *path;
		int tag = dwarf_tag(&child);

		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || !enter_member(&child, offset, &way, depth))
			continue;
		if (way.is_lock) {
			*path = way;
			return true;
		}
		if (!found)
			first = way;
		found = true;
	} while (++children < CHILDREN_MAX && dwarf_frames_next_sibling(&child, &child));
	*path = first;
	return found;
}

/* Appends the way to what lies at OFFSET in TYPE, down to a lock or to what has no parts. false: nothing is there. */
static bool find_member(Dwarf_Die *type, uint64_t offset, struct path *path, unsigned depth)
{
	Dwarf_Die element;
	uint64_t size;

	if (depth > NESTING_MAX)
		return false;
	peel(type, &path->is_lock);
	/* A lock of a library is not opened up. A record of the program may only be called like one. */
	if (path->is_lock && (!is_record(type) || offset == 0))
		return true;
	if (dwarf_tag(type) == DW_TAG_array_type) {
		if (!type_of(type, &element) || (size = size_of(&element)) == 0)
			return false;
		append(path, "[]", "");
		return find_member(&element, offset % size, path, depth + 1);
	}
	if (is_record(type)) {
		path->is_lock = false;
		return enter_record(type, offset, path, depth);
	}
	return offset == 0;
}

/* Static variables. */

static void add_variable(struct dwarf_types *t, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1 || operations[0].atom != DW_OP_addr)
		return;
	*hash_map_put(&t->by_address, operations[0].number, NULL) = t->variables.count;
	vec_push(&t->variables) = *die;
}

/* Variables of a unit, its namespaces and its functions. */
static void add_variables(struct dwarf_types *t, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	if (depth > SCOPES_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
			add_variable(t, &die);
			break;
		case DW_TAG_namespace:
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
			add_variables(t, &die, depth + 1);
		}
	} while (dwarf_frames_next_sibling(&die, &die));
}

static void read_variables(struct dwarf_types *t)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	if (t->variables_read)
		return;
	t->variables_read = true;
	while (dwarf_get_units(t->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			add_variables(t, split.addr ? &split : &die, 0);
	}
}

const char *dwarf_types_of_variable(struct dwarf_types *t, uint64_t address, uint64_t offset)
{
	struct path path = { 0 };
	const uint64_t *index;
	Dwarf_Die type;

	read_variables(t);
	index = hash_map_find(&t->by_address, address);
	if (index == NULL || !type_of(&t->variables.list[*index], &type) || !find_member(&type, offset, &path, 0))
		return NULL;
	return strtab_intern(t->strings, path.text);
}

/* Blocks. */

struct block {
	struct dwarf_types *types;
	uint64_t bytes, offset;
	struct dwarf_guess *guess;
};

/* Where an object of SIZE that has the lock would begin in the block, by RANK. false: it cannot. */
static bool place_of(const struct block *block, uint64_t size, enum rank rank, uint64_t *ret_offset)
{
	*ret_offset = block->offset;
	switch (rank) {
	case RANK_EXACT:
		return size == block->bytes;
	case RANK_ARRAY:
		*ret_offset = block->offset % size;
		return block->bytes > size && block->bytes % size == 0;
	case RANK_AT_END:
		if (block->bytes <= size || block->offset < block->bytes - size)
			return false;
		*ret_offset = block->offset - (block->bytes - size);
		return true;
	case RANK_AT_START:
		return block->bytes > size && block->offset < size;
	case RANK_NONE:
		break;
	}
	return false;
}

static void try_record(const struct block *block, Dwarf_Die *record)
{
	const char *name = dwarf_diename(record);
	uint64_t size = size_of(record);

	if (size == 0 || !is_record(record) || is_lock_name(name))
		return;
	for (enum rank rank = RANK_EXACT; rank < (enum rank)block->guess->rank; rank++) {
		struct path path = { 0 };
		char text[2 * PATH_BYTES];
		Dwarf_Die type = *record;
		uint64_t offset;

		if (!place_of(block, size, rank, &offset) || !find_member(&type, offset, &path, 0) || !path.is_lock)
			continue;
		name = name ? dwarf_frames_qualified_name(block->types->frames, record, name) : "(anonymous struct)";
		snprintf(text, sizeof(text), "%.250s%s%s", name, rank == RANK_ARRAY ? "[]" : "", path.text);
		*block->guess = (struct dwarf_guess){ strtab_intern(block->types->strings, text), rank };
		return;
	}
}

/* TYPE, what it points to, and the arguments if it is an instance of a template (std::unique_ptr<conn>). */
static void try_type(const struct block *block, Dwarf_Die *given, unsigned depth)
{
	Dwarf_Die type = *given, child, argument;
	bool is_lock = false;
	unsigned children = 0;

	if (depth > 3)
		return;
	peel(&type, &is_lock);
	switch (dwarf_tag(&type)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		if (type_of(&type, &argument))
			try_type(block, &argument, depth + 1);
		return;
	}
	if (!is_record(&type))
		return;
	try_record(block, &type);
	if (dwarf_child(&type, &child) != 0)
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_template_type_parameter && type_of(&child, &argument))
			try_type(block, &argument, depth + 1);
	} while (++children < CHILDREN_MAX && dwarf_frames_next_sibling(&child, &child));
}

/* The types of what SCOPE declares, and of the blocks in it. */
static void try_scope(const struct block *block, Dwarf_Die *scope, unsigned depth, unsigned *left)
{
	Dwarf_Attribute attribute;
	Dwarf_Die child, type, origin;

	if (dwarf_tag(scope) != DW_TAG_lexical_block && type_of(scope, &type))
		try_type(block, &type, 0);
	/* The arguments of a template are only in what the copy was made from. */
	if (dwarf_attr(scope, DW_AT_abstract_origin, &attribute) && dwarf_formref_die(&attribute, &origin) &&
	    depth == 0)
		try_scope(block, &origin, SCOPES_MAX, left);
	if (dwarf_child(scope, &child) != 0)
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_formal_parameter:
		case DW_TAG_variable:
		case DW_TAG_template_type_parameter:
			if (type_of(&child, &type))
				try_type(block, &type, 0);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
			if (depth < SCOPES_MAX)
				try_scope(block, &child, depth + 1, left);
		}
		*left -= *left > 0;
	} while (block->guess->rank > RANK_EXACT && *left > 0 && dwarf_frames_next_sibling(&child, &child));
}

void dwarf_types_guess(struct dwarf_types *t, uint64_t pc, uint64_t bytes, uint64_t offset, struct dwarf_guess *guess)
{
	const struct block block = { t, bytes, offset, guess };
	Dwarf_Die scopes[DWARF_FRAMES_MAX];
	size_t count = dwarf_frames_scopes(t->frames, pc, scopes);

	if (guess->text == NULL)
		guess->rank = RANK_NONE;
	for (size_t i = count; i-- > 0 && guess->rank > RANK_EXACT;) {
		unsigned left = CHILDREN_MAX;

		try_scope(&block, &scopes[i], 0, &left);
	}
}
