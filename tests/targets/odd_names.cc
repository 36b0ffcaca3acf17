/* SPDX-License-Identifier: MIT */
/* Function names as no format expects them: a thousand characters long, and one that a test replaces in the file. */
#include "facts.h"

template <typename... Types> struct list {
};

template <typename Left, typename Right> struct tree {
	static void *allocate(size_t size);
};

template <typename Left, typename Right> SITE void *tree<Left, Right>::allocate(size_t size)
{
	return keep(malloc(size));
}

typedef tree<list<int, unsigned long, const char *>, list<long long, short>> two;
typedef tree<two, two> four;
typedef tree<four, four> eight;
typedef tree<eight, eight> sixteen;

/* The test puts quotes, separators and bytes that are no UTF-8 in place of this name. */
extern "C" SITE void *odd_name_to_be_replaced_by_the_test(size_t size)
{
	return keep(malloc(size));
}

int main()
{
	for (size_t i = 0; i < any_size(3); i++)
		tree<sixteen, sixteen>::allocate(50);
	for (size_t i = 0; i < any_size(7); i++)
		odd_name_to_be_replaced_by_the_test(11);
	fact("site %s alloc_count=7 alloc_bytes=77 sites=1 outer=main", "odd_name_to_be_replaced_by_the_test");
	return 0;
}
