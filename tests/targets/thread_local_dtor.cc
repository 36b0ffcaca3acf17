/* SPDX-License-Identifier: MIT */
/* C++ thread_local objects whose destructors free and allocate. */
#include <string>
#include <thread>
#include <vector>

#include "facts.h"

extern "C" SITE void *local_here(size_t size)
{
	return keep(malloc(size));
}

extern "C" SITE void *local_dtor_here(size_t size)
{
	return keep(malloc(size));
}

struct Local {
	void *block = local_here(50);

	~Local()
	{
		free(block);
		free(local_dtor_here(60));
	}
};

static thread_local Local first;
static thread_local Local second;

static void work()
{
	keep(&first);
	keep(&second);
}

int main()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 20; i++)
		threads.emplace_back(work);
	for (auto &thread : threads)
		thread.join();
	fact("site local_here alloc_count=40 alloc_bytes=2000 free_count=40 live_count=0");
	fact("site local_dtor_here alloc_count=40 alloc_bytes=2400 free_count=40 live_count=0");
	puts("done");
	return 0;
}
