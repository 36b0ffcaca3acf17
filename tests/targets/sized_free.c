/* SPDX-License-Identifier: MIT */
/* The sized frees of C23, where some library defines them; plain free elsewhere. */
#include <dlfcn.h>

#include "facts.h"

typedef void (*free_sized_function)(void *, size_t);
typedef void (*free_aligned_sized_function)(void *, size_t, size_t);

SITE static void *sized_here(size_t size)
{
	return keep(malloc(size));
}

SITE static void *aligned_sized_here(size_t alignment, size_t size)
{
	return keep(aligned_alloc(alignment, size));
}

int main(void)
{
	free_sized_function sized;
	free_aligned_sized_function aligned_sized;

	*(void **)&sized = dlsym(RTLD_DEFAULT, "free_sized");
	*(void **)&aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	for (size_t i = 1; i <= 50; i++) {
		void *plain = sized_here(i);
		void *aligned = aligned_sized_here(64, i * 64);

		if (sized != NULL && aligned_sized != NULL) {
			sized(plain, i);
			aligned_sized(aligned, 64, i * 64);
		} else {
			free(plain);
			free(aligned);
		}
	}
	if (sized != NULL && aligned_sized != NULL) {
		sized(NULL, 0);
		aligned_sized(NULL, 64, 0);
	}
	fact("site sized_here alloc_count=50 alloc_bytes=1275 free_count=50 live_count=0");
	fact("site aligned_sized_here alloc_count=50 alloc_bytes=81600 free_count=50 live_count=0");
	return 0;
}
