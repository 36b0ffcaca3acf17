/* SPDX-License-Identifier: MIT */
/*
 * Pages that a thread of the program makes when they are first touched (userfaultfd), allocating on the way. What hangs
 * from them is found; pages that nobody makes any more are left alone by the search for leaks, which would wait for
 * ever. Exit status 77: not allowed here.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "facts.h"

#define PAGE  4096u
#define PAGES 64u /* in use: every second one */

static int faults = -1;
static int over[2];

SITE static void *page_made_here(void)
{
	return keep(malloc(300));
}

SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

/* Each new page starts with a pointer to a block that nothing else leads to. */
static void make_page(uint64_t address)
{
	static union {
		void *first;
		char bytes[PAGE];
	} page;
	struct uffdio_copy copy = { .dst = address & ~(uint64_t)(PAGE - 1), .src = (uintptr_t)&page, .len = PAGE };

	page.first = page_made_here();
	require(ioctl(faults, UFFDIO_COPY, &copy) == 0);
	page.first = NULL;
}

static void *serve(void *arg)
{
	struct pollfd polled[] = { { .fd = faults, .events = POLLIN }, { .fd = over[0], .events = POLLIN } };
	struct uffd_msg message;

	(void)arg;
	while (poll(polled, 2, -1) > 0 && !polled[1].revents) {
		if (read(faults, &message, sizeof(message)) == (ssize_t)sizeof(message) &&
		    message.event == UFFD_EVENT_PAGEFAULT)
			make_page(message.arg.pagefault.address);
	}
	return NULL;
}

static bool open_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (faults < 0)
		faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	return faults >= 0 && ioctl(faults, UFFDIO_API, &api) == 0;
}

int main(void)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register all = { .range = { .start = (uintptr_t)memory, .len = PAGES * PAGE },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *volatile *last;
	pthread_t server;

	if (!open_faults())
		return 77;
	require(memory != MAP_FAILED && pipe(over) == 0 && ioctl(faults, UFFDIO_REGISTER, &all) == 0);
	require(pthread_create(&server, NULL, serve, NULL) == 0);
	for (unsigned i = 0; i < PAGES; i += 2) {
		last = (void *volatile *)(void *)(memory + i * PAGE);
		require(last[0] != NULL);
		last[1] = block(200);
	}
	require(write(over[1], "", 1) == 1);
	pthread_join(server, NULL);
	puts("pages made");
	fact("leak reachable size=300 count=%u", PAGES / 2);
	fact("leak reachable size=200 count=%u", PAGES / 2);
	return 0;
}
