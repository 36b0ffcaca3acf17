/* SPDX-License-Identifier: MIT */
/* Every form of C++ operator new and delete. */
#include <new>

#include "facts.h"

/* Operators are called by name: the compiler may merge or drop new-expressions. */
extern "C" SITE void new_here(void)
{
	operator delete(keep(operator new(10)));
	operator delete(keep(operator new(11)), static_cast<size_t>(11));
	operator delete[](keep(operator new[](12)));
	operator delete[](keep(operator new[](13)), static_cast<size_t>(13));
	operator delete(keep(operator new(14, std::nothrow)), std::nothrow);
	operator delete[](keep(operator new[](15, std::nothrow)), std::nothrow);
	keep(operator new(16));
	keep(operator new(0));
}

extern "C" SITE void new_aligned_here(void)
{
	constexpr std::align_val_t alignment{ 128 };

	operator delete(keep(operator new(20, alignment)), alignment);
	operator delete(keep(operator new(21, alignment)), static_cast<size_t>(21), alignment);
	operator delete[](keep(operator new[](22, alignment)), alignment);
	operator delete[](keep(operator new[](23, alignment)), static_cast<size_t>(23), alignment);
	operator delete(keep(operator new(24, alignment, std::nothrow)), alignment, std::nothrow);
	operator delete[](keep(operator new[](25, alignment, std::nothrow)), alignment, std::nothrow);
	void *block = keep(operator new(26, alignment));
	require(reinterpret_cast<uintptr_t>(block) % 128 == 0);
}

struct Tracked {
	char bytes[48];
	Tracked()
	{
		bytes[0] = 1;
	}
	~Tracked()
	{
		bytes[0] = 0;
	}
};

extern "C" SITE void new_expression_here(void)
{
	for (int i = 0; i < 5; i++) {
		Tracked *one = static_cast<Tracked *>(keep(new Tracked));
		Tracked *many = static_cast<Tracked *>(keep(new Tracked[3]));

		delete one;
		delete[] many;
	}
}

static int handler_calls;

static void give_up(void)
{
	if (++handler_calls == 2)
		std::set_new_handler(nullptr);
}

/* The exception object itself comes from malloc; only that everything is freed again is known. */
extern "C" SITE int new_fails_here(void)
{
	int caught = 0;

	require(operator new(any_size(PTRDIFF_MAX), std::nothrow) == nullptr);
	std::set_new_handler(give_up);
	try {
		keep(operator new(any_size(PTRDIFF_MAX)));
	} catch (const std::bad_alloc &) {
		caught++;
	}
	require(handler_calls == 2);
	try {
		keep(operator new[](any_size(PTRDIFF_MAX), std::align_val_t{ 64 }));
	} catch (const std::bad_alloc &) {
		caught++;
	}
	return caught;
}

int main()
{
	size_t cookie = sizeof(size_t); /* before an array of objects with a destructor */

	operator delete(nullptr);
	operator delete[](nullptr, std::nothrow);
	new_here();
	new_aligned_here();
	new_expression_here();
	require(new_fails_here() == 2);
	/* new(0) may ask for 1 */
	fact("site new_here alloc_count=8 alloc_bytes=91..92 free_count=6 live_count=2 live_bytes=16..17");
	fact("site new_aligned_here alloc_count=7 free_count=6 live_count=1 alloc_bytes=161..");
	fact("site new_expression_here alloc_count=10 alloc_bytes=%zu free_count=10 live_count=0",
	     5 * (sizeof(Tracked) * 4 + cookie));
	fact("site new_fails_here live_count=0 alloc_bytes=..10000");
	printf("handler calls: %d\n", handler_calls);
	return 0;
}
