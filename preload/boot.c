/* SPDX-License-Identifier: MIT */
/* A bump arena that never frees: dlsym allocates a little (dlerror), once per process. */
#include "boot.h"

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "fmt.h"
#include "os.h"

/* glibc's dlsym and dlerror need well under 4 KiB; the static part serves even where mmap does not work. */
#define FIRST_BYTES (64 * 1024)
#define NEXT_BYTES  (1024 * 1024)

struct block {
	size_t bytes;
	size_t pad; /* keeps the user's part 16-byte aligned */
};

struct part {
	uintptr_t start;
	uintptr_t end;
	uintptr_t next; /* first free byte */
};

static char first[FIRST_BYTES] MP_ALIGNED(16);
static struct part parts[32];
static uint32_t part_count;
static struct os_lock lock;

static void *from_part(struct part *part, size_t bytes, size_t align)
{
	uintptr_t user = (part->next + sizeof(struct block) + align - 1) & ~(uintptr_t)(align - 1);

	if (user < part->next || user > part->end || bytes > part->end - user)
		return NULL;
	part->next = (user + bytes + 15) & ~(uintptr_t)15;
	if (part->next > part->end)
		part->next = part->end;
	((struct block *)user - 1)->bytes = bytes;
	return (void *)user;
}

static bool add_part(size_t bytes)
{
	size_t want = bytes > NEXT_BYTES / 2 ? bytes + NEXT_BYTES : NEXT_BYTES;
	uintptr_t start;

	if (part_count == ARRAY_LEN(parts) || want < bytes)
		return false;
	start = part_count ? (uintptr_t)os_map(want) : (uintptr_t)first;
	if (!start)
		return false;
	if (start == (uintptr_t)first)
		want = FIRST_BYTES;
	parts[part_count] = (struct part){ .start = start, .end = start + want, .next = start };
	store_release(&part_count, part_count + 1); /* pairs with boot_owns() */
	return true;
}

void *boot_alloc(size_t bytes, size_t align)
{
	void *p = NULL;

	if (bytes > SIZE_MAX / 2 || align > SIZE_MAX / 4)
		return NULL;
	if (align < 16)
		align = 16;
	os_lock(&lock);
	if (part_count)
		p = from_part(&parts[part_count - 1], bytes, align);
	for (int tries = 0; !p && tries < 2 && add_part(bytes + align + sizeof(struct block)); tries++)
		p = from_part(&parts[part_count - 1], bytes, align);
	os_unlock(&lock);
	return p;
}

bool boot_owns(const void *p)
{
	uint32_t n = load_acquire(&part_count);

	for (uint32_t i = 0; i < n; i++) {
		if ((uintptr_t)p >= parts[i].start && (uintptr_t)p < parts[i].end)
			return true;
	}
	return false;
}

size_t boot_size(const void *p)
{
	return ((const struct block *)p - 1)->bytes;
}

bool boot_part(uint32_t i, uint64_t *ret_start, uint64_t *ret_end)
{
	if (i >= load_acquire(&part_count))
		return false;
	*ret_start = parts[i].start;
	*ret_end = parts[i].next;
	return true;
}
