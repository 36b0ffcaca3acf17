/* SPDX-License-Identifier: MIT */
/* Exceptions that pass through operator new: bad_alloc, a new handler that throws, one that makes room. */
#include <new>

#include "facts.h"

static int handler_calls;

struct from_handler {
};

static void throwing_handler()
{
	handler_calls++;
	throw from_handler();
}

static void giving_up_handler()
{
	if (++handler_calls % 3 == 0)
		std::set_new_handler(nullptr);
}

extern "C" SITE char *too_large_here()
{
	return static_cast<char *>(keep(::operator new(any_size(SIZE_MAX / 2))));
}

extern "C" SITE char *too_large_array_here()
{
	return static_cast<char *>(keep(::operator new[](any_size(SIZE_MAX / 2), std::align_val_t(64))));
}

extern "C" SITE char *after_here()
{
	return static_cast<char *>(keep(::operator new(90)));
}

int main()
{
	int caught = 0;

	for (int i = 0; i < 100; i++) {
		std::set_new_handler(nullptr);
		try {
			too_large_here();
		} catch (const std::bad_alloc &) {
			caught++;
		}
		after_here();
		std::set_new_handler(throwing_handler);
		try {
			too_large_array_here();
		} catch (const from_handler &) {
			caught++;
		}
		after_here();
		std::set_new_handler(giving_up_handler);
		try {
			too_large_here();
		} catch (const std::bad_alloc &) {
			caught++;
		}
		::operator delete(after_here());
		require(::operator new(any_size(SIZE_MAX / 2), std::nothrow) == nullptr);
	}
	printf("%d %d\n", caught, handler_calls);
	fact("site after_here alloc_count=300 alloc_bytes=27000 free_count=100 live_count=200 sites=3");
	fact("site too_large_here not=after_here alloc_bytes=..100000");
	fact("loss unknown_free=0 nested=0");
	return 0;
}
