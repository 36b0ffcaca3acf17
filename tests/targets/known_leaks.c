/* SPDX-License-Identifier: MIT */
/*
 * Leaks for the gate to judge: 3 strings that are lost, a list whose head is lost, and a table that stays reachable.
 * Arguments: "more" loses 2 strings more, "new" loses a block in another place, "fixed" loses nothing. Compiled with
 * INLINED, calls that else have frames of their own have none.
 */
#include "facts.h"

#include <stdbool.h>

#ifdef INLINED
#define STEP __attribute__((always_inline)) inline
#else
#define STEP SITE
#endif

struct node {
	struct node *next;
	char data[56];
};

static void *volatile table; /* else nothing would read it, and the compiler drops it */

static STEP void *new_string(void)
{
	return keep(malloc(any_size(100)));
}

SITE static void lose_strings(int count)
{
	for (int i = 0; i < count; i++)
		new_string();
}

static STEP struct node *new_node(struct node *next)
{
	struct node *node = keep(malloc(sizeof(*node)));

	require(node);
	node->next = next;
	return node;
}

SITE static void lose_list(void)
{
	keep(new_node(new_node(NULL)));
}

SITE static void lose_new(void)
{
	keep(malloc(any_size(1000)));
}

/* What pointers are left on the dead part of the stack are overwritten. */
SITE static void clear_stack(void)
{
	char bytes[4096];

	memset(bytes, 0, sizeof(bytes));
	keep(bytes);
}

static bool is_given(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], word) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool more = is_given(argc, argv, "more");

	table = malloc(any_size(5000));
	require(table);
	if (!is_given(argc, argv, "fixed")) {
		lose_strings(any_size(more ? 5 : 3));
		lose_list();
	}
	if (is_given(argc, argv, "new"))
		lose_new();
	clear_stack();
	fact("site new_string live_count=%d live_bytes=%d sites=1", more ? 5 : 3, more ? 500 : 300);
	fact("site lose_list live_count=2 live_bytes=128");
	fact("total live_count=%d", more ? 8 : 6);
	return 0;
}
