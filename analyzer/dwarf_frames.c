/* SPDX-License-Identifier: MIT */
/*
 * Source positions and inlined calls out of DWARF.
 *
 * libdw finds a unit by .debug_aranges, which clang does not write, and a scope by walking its unit from the start, for
 * every address anew. With tens of thousands of addresses in large units that takes minutes. So this file keeps sorted
 * ranges of its own: of all units, and of the functions of each unit in use. Below a function the DIE tree is small
 * enough to walk.
 *
 * Words: a *unit* is a compilation unit, a *DIE* is a node of its tree, a *container* is a DIE that gives its name to
 * those within it (namespace, class, function). DIEs are stored in preorder, so a container is a range of DIE offsets.
 */
#include "dwarf_frames.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"
#include "spans.h"
#include "vec.h"

/* Nesting of DIEs that is followed; damaged data may nest without end. */
#define DEPTH_MAX 64

/* Ranges kept per object. The largest programs have some million functions; damaged data can repeat a list for ever. */
#define SPANS_MAX (8u * 1024 * 1024)

#define QUALIFIED_NAME_BYTES 1024

/* References from a function to its declaration that are followed; two are usual. */
#define REFERENCES_MAX 8

enum listing {
	LISTED_NOTHING,
	LISTED_SHALLOW, /* functions directly in the unit and its namespaces, where compilers put nearly all */
	LISTED_DEEP,    /* and those within classes and functions, and the containers */
};

struct unit {
	Dwarf_Die die;
	enum listing listing;
	bool has_containers; /* the language nests functions in namespaces or classes */
	VEC(Dwarf_Die) dies; /* of functions and containers */
	struct spans functions;
	struct spans containers; /* ranges of DIE offsets */
};

struct dwarf_frames {
	Dwarf *dwarf;
	struct strtab *strings;
	VEC(struct unit) units;
	struct hash_map units_by_cu; /* libdw's handle to index */
	struct spans ranges;         /* of the units; index: unit */
};

static bool has_room(const struct spans *s)
{
	return s->spans.count < SPANS_MAX;
}

/* Adds the code ranges of DIE. false: it has none. */
static bool add_ranges(struct spans *s, Dwarf_Die *die, size_t index)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;
	bool added = false;

	while (has_room(s) && (offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
		/* The linker sets the ranges of discarded functions to 0, where never any code is. */
		if (start == 0 || start >= end)
			continue;
		spans_add(s, (struct span){ .start = start, .end = end, .index = index });
		added = true;
	}
	return added;
}

bool dwarf_frames_next_sibling(Dwarf_Die *die, Dwarf_Die *ret_next)
{
	Dwarf_Off offset = dwarf_dieoffset(die);

	return dwarf_siblingof(die, ret_next) == 0 && dwarf_dieoffset(ret_next) > offset;
}

/* First offset behind the children of DIE: that of the next sibling, else PARENT_END. */
static Dwarf_Off end_offset(Dwarf_Die *die, Dwarf_Off parent_end)
{
	Dwarf_Die next;

	return dwarf_frames_next_sibling(die, &next) ? dwarf_dieoffset(&next) : parent_end;
}

static void add_container(struct unit *unit, Dwarf_Die *die, Dwarf_Off end)
{
	if (!unit->has_containers || !has_room(&unit->containers))
		return;
	spans_add(&unit->containers,
		  (struct span){ .start = dwarf_dieoffset(die), .end = end, .index = unit->dies.count });
	vec_push(&unit->dies) = *die;
}

static void add_function(struct unit *unit, Dwarf_Die *die)
{
	if (add_ranges(&unit->functions, die, unit->dies.count))
		vec_push(&unit->dies) = *die;
}

static void list_within(struct unit *unit, Dwarf_Die *parent, Dwarf_Off parent_end, unsigned depth)
{
	bool deep = unit->listing == LISTED_DEEP;
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);
		bool enter = deep;
		Dwarf_Off end;

		if (!dwarf_haschildren(&die) && tag != DW_TAG_subprogram)
			continue;
		end = deep ? end_offset(&die, parent_end) : 0;
		switch (tag) {
		case DW_TAG_subprogram:
			add_function(unit, &die);
			if (deep)
				add_container(unit, &die, end);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
			enter = true;
			__attribute__((fallthrough));
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_interface_type:
			if (deep)
				add_container(unit, &die, end);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
		case DW_TAG_enumeration_type: /* holds methods in Rust */
		case DW_TAG_variant_part:
			break;
		default:
			enter = false;
		}
		if (enter)
			list_within(unit, &die, end, depth + 1);
	} while (dwarf_frames_next_sibling(&die, &die));
}

static void list_unit(struct unit *unit, enum listing listing)
{
	if (unit->listing >= listing)
		return;
	unit->listing = listing;
	unit->dies.count = 0;
	unit->functions.spans.count = 0;
	list_within(unit, &unit->die, UINT64_MAX, 0);
	spans_sort(&unit->functions);
	spans_sort(&unit->containers);
}

static bool language_has_containers(Dwarf_Die *die)
{
	switch (dwarf_srclang(die)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_D:
	case DW_LANG_Rust:
	case DW_LANG_ObjC_plus_plus:
		return true;
	default:
		return false;
	}
}

/* Units without code are kept as well: they may hold the declarations that others refer to. */
static void add_unit(struct dwarf_frames *d, Dwarf_Die *die, Dwarf_Die *split)
{
	size_t index = d->units.count;
	struct unit *unit;

	vec_push(&d->units) = (struct unit){ .die = *die };
	unit = &d->units.list[index];
	/* With split debug data the unit's own DIE has the ranges and the one in the .dwo file has the rest. */
	if (split->addr != NULL)
		unit->die = *split;
	*hash_map_put(&d->units_by_cu, (uintptr_t)unit->die.cu, NULL) = index;
	unit->has_containers = language_has_containers(&unit->die);
	if (dwarf_tag(die) == DW_TAG_partial_unit || add_ranges(&d->ranges, die, index))
		return;
	list_unit(unit, LISTED_SHALLOW);
	for (size_t i = 0; i < unit->functions.spans.count && has_room(&d->ranges); i++) {
		struct span span = unit->functions.spans.list[i];

		span.index = index;
		spans_add(&d->ranges, span);
	}
}

struct dwarf_frames *dwarf_frames_new(Dwarf *dwarf, struct strtab *strings)
{
	struct dwarf_frames *d = memory_zeroed(1, sizeof(*d));
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	d->dwarf = dwarf;
	d->strings = strings;
	while (dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
		if (type == DW_UT_compile || type == DW_UT_skeleton || type == DW_UT_partial)
			add_unit(d, &die, &split);
	}
	spans_sort(&d->ranges);
	return d;
}

void dwarf_frames_free(struct dwarf_frames *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->units.count; i++) {
		vec_free(&d->units.list[i].dies);
		spans_free(&d->units.list[i].functions);
		spans_free(&d->units.list[i].containers);
	}
	vec_free(&d->units);
	hash_map_free(&d->units_by_cu);
	spans_free(&d->ranges);
	free(d);
}

/* From a copy of a function (inlined, out of line) to the DIE that stands where the source declares it. */
static Dwarf_Die declaration_of(Dwarf_Die die)
{
	for (unsigned i = 0; i < REFERENCES_MAX; i++) {
		Dwarf_Attribute attribute;

		if (!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(&die, DW_AT_specification, &attribute))
			break;
		if (!dwarf_formref_die(&attribute, &die))
			break;
	}
	return die;
}

static const char *container_name(Dwarf_Die *die, bool is_call_operator)
{
	const char *name = dwarf_diename(die);

	if (name)
		return name;
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
		return "(anonymous namespace)";
	case DW_TAG_subprogram:
		return "(anonymous function)";
	default:
		return is_call_operator ? "<lambda>" : "(anonymous class)";
	}
}

const char *dwarf_frames_qualified_name(struct dwarf_frames *d, Dwarf_Die *die, const char *name)
{
	bool is_call_operator = strcmp(name, "operator()") == 0;
	Dwarf_Die declaration = declaration_of(*die);
	Dwarf_Off offset = dwarf_dieoffset(&declaration);
	uint64_t *index = hash_map_find(&d->units_by_cu, (uintptr_t)declaration.cu);
	char text[QUALIFIED_NAME_BYTES];
	size_t used = strnlen(name, sizeof(text));
	char *start = text + sizeof(text) - used;
	const struct span *span = NULL;
	struct unit *unit;

	if (index == NULL || used == sizeof(text))
		return name;
	unit = &d->units.list[*index];
	if (!unit->has_containers)
		return name;
	list_unit(unit, LISTED_DEEP);
	memcpy(start, name, used);
	while ((span = spans_find(&unit->containers, offset, span)) != NULL) {
		const char *outer = container_name(&unit->dies.list[span->index], is_call_operator);
		size_t length = strlen(outer);

		if (span->start == offset)
			continue; /* itself */
		if (length + 2 > (size_t)(start - text))
			break;
		start -= length + 2;
		memcpy(start, outer, length);
		memcpy(start + length, "::", 2);
	}
	return strtab_intern_bytes(d->strings, start, (size_t)(text + sizeof(text) - start));
}

static void set_names(struct dwarf_frames *d, Dwarf_Die *die, struct dwarf_frame *frame)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		frame->linkage_name = dwarf_formstring(&attribute);
	frame->name = dwarf_diename(die);
	/* Compilers leave out the linkage name of functions that no other object can see. */
	if (frame->name && frame->linkage_name == NULL)
		frame->name = dwarf_frames_qualified_name(d, die, frame->name);
	frame->inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine;
}

/* libdw gives "???" for the file number 0 of older data, which means none. */
static const char *known_file(const char *file)
{
	return file && strcmp(file, "???") != 0 ? file : NULL;
}

static void set_position(struct unit *unit, uint64_t pc, struct dwarf_frame *frame)
{
	Dwarf_Line *row = dwarf_getsrc_die(&unit->die, pc);
	int line;

	if (row == NULL)
		return;
	frame->file = known_file(dwarf_linesrc(row, NULL, NULL));
	if (frame->file && dwarf_lineno(row, &line) == 0 && line > 0)
		frame->line = (uint32_t)line;
}

/* The position in the caller of INLINED at which it was expanded. */
static void set_call_position(struct unit *unit, Dwarf_Die *inlined, struct dwarf_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number, line;
	Dwarf_Files *files;
	size_t file_count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &number) != 0 ||
	    dwarf_getsrcfiles(&unit->die, &files, &file_count) != 0 || number >= file_count)
		return;
	frame->file = known_file(dwarf_filesrc(files, number, NULL, NULL));
	if (frame->file && dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0 &&
	    line <= UINT32_MAX)
		frame->line = (uint32_t)line;
}

/* The child of DIE that holds PC and may hold inlined calls or be one. */
static bool find_scope(Dwarf_Die *die, uint64_t pc, Dwarf_Die *ret_scope)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return false;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			if (dwarf_haspc(&child, pc) > 0) {
				*ret_scope = child;
				return true;
			}
		}
	} while (dwarf_frames_next_sibling(&child, &child));
	return false;
}

/* FUNCTION and the inlined calls in it that hold PC, outermost first. Returns how many, 1 or more. */
static size_t find_chain(Dwarf_Die *function, uint64_t pc, Dwarf_Die *ret_chain)
{
	Dwarf_Die scope = *function;
	size_t count = 1;

	ret_chain[0] = scope;
	while (count < DWARF_FRAMES_MAX && find_scope(&scope, pc, &scope)) {
		if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine)
			ret_chain[count++] = scope;
	}
	return count;
}

static const struct span *find_function(struct unit *unit, uint64_t pc)
{
	const struct span *span;

	list_unit(unit, LISTED_SHALLOW);
	span = spans_find(&unit->functions, pc, NULL);
	if (span == NULL && unit->listing < LISTED_DEEP) {
		list_unit(unit, LISTED_DEEP);
		span = spans_find(&unit->functions, pc, NULL);
	}
	return span;
}

static size_t frames_of_function(struct dwarf_frames *d, struct unit *unit, Dwarf_Die function, uint64_t pc,
				 struct dwarf_frame *ret_frames)
{
	Dwarf_Die chain[DWARF_FRAMES_MAX];
	size_t count = find_chain(&function, pc, chain);

	for (size_t i = 0; i < count; i++) {
		struct dwarf_frame *frame = &ret_frames[count - 1 - i];

		*frame = (struct dwarf_frame){ 0 };
		set_names(d, &chain[i], frame);
		if (i + 1 == count)
			set_position(unit, pc, frame);
		else
			set_call_position(unit, &chain[i + 1], frame);
	}
	return count;
}

size_t dwarf_frames_at(struct dwarf_frames *d, uint64_t pc, struct dwarf_frame *ret_frames)
{
	const struct span *range = NULL;
	struct unit *first = NULL;

	/* Damaged or merged data may let units overlap: the first that also knows a function is right. */
	while ((range = spans_find(&d->ranges, pc, range)) != NULL) {
		struct unit *unit = &d->units.list[range->index];
		const struct span *function = find_function(unit, pc);

		if (function)
			return frames_of_function(d, unit, unit->dies.list[function->index], pc, ret_frames);
		if (first == NULL)
			first = unit;
	}
	ret_frames[0] = (struct dwarf_frame){ 0 };
	if (first)
		set_position(first, pc, &ret_frames[0]);
	return ret_frames[0].file ? 1 : 0;
}

size_t dwarf_frames_scopes(struct dwarf_frames *d, uint64_t pc, Dwarf_Die *ret_scopes)
{
	const struct span *range = NULL;

	while ((range = spans_find(&d->ranges, pc, range)) != NULL) {
		struct unit *unit = &d->units.list[range->index];
		const struct span *function = find_function(unit, pc);

		if (function)
			return find_chain(&unit->dies.list[function->index], pc, ret_scopes);
	}
	return 0;
}
