/* SPDX-License-Identifier: MIT */
/*
 * leaks CASE: a leak, or what only looks like one. Each case says what the verdict on its blocks must be; without CASE,
 * lists them all. Blocks of interest have sizes of their own, by which the verdicts are told apart:
 * size 1000 + N, see expect().
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "facts.h"
#include "memprof.h"

/* What the program can reach blocks by. */
static void *volatile root;
static void *volatile roots[4];
static char *volatile inside;
static __thread void *volatile thread_root;

/* Allocations of the cases; keep() hides them from the compiler. */
SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

/* Puts a pointer where the program will find it, and nowhere else. */
static void put(void *at, void *pointer)
{
	*(void *volatile *)at = pointer;
}

/* Overwrites what earlier calls left on the stack. */
SITE static void wipe(void)
{
	volatile char junk[16384];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = 0;
}

/* CLASS: definite, indirect, possible, reachable, or none if there is no such block. */
static void expect(const char *class, size_t size, unsigned count)
{
	fact("leak %s size=%zu count=%u", class, size, count);
}

/* --- memcheck's nine --- */

static void case_start(void)
{
	root = block(1001);
	expect("reachable", 1001, 1);
}

static void case_start_start(void)
{
	root = block(1001);
	put(root, block(1002));
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

static void case_nothing(void)
{
	block(1001);
	expect("definite", 1001, 1);
}

static void case_lost_start(void)
{
	put(block(1001), block(1002));
	expect("definite", 1001, 1);
	expect("indirect", 1002, 1);
}

static void case_interior(void)
{
	inside = (char *)block(1001) + 500;
	expect("possible", 1001, 1);
}

static void case_start_interior(void)
{
	root = block(1001);
	put(root, (char *)block(1002) + 500);
	expect("reachable", 1001, 1);
	expect("possible", 1002, 1);
}

static void case_interior_start(void)
{
	char *a = block(1001);

	put(a, block(1002));
	inside = a + 500;
	expect("possible", 1001, 1);
	expect("possible", 1002, 1);
}

static void case_interior_interior(void)
{
	char *a = block(1001);

	put(a, (char *)block(1002) + 500);
	inside = a + 500;
	expect("possible", 1001, 1);
	expect("possible", 1002, 1);
}

static void case_lost_interior(void)
{
	put(block(1001), (char *)block(1002) + 500);
	expect("definite", 1001, 1);
	expect("indirect", 1002, 1);
}

/* --- shapes --- */

struct node {
	struct node *next;
	struct node *previous;
	char rest[1001 - 2 * sizeof(void *)];
};

static struct node *make_list(unsigned length)
{
	struct node *head = NULL;

	while (length--) {
		struct node *n = block(1001);

		n->next = head;
		n->previous = NULL;
		head = n;
	}
	return head;
}

static void case_list(void)
{
	make_list(100);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 99);
}

static void case_list_kept(void)
{
	root = make_list(100);
	expect("reachable", 1001, 100);
}

static void case_list_tail_lost(void)
{
	struct node *list = make_list(10);
	struct node *last = list;

	for (int i = 0; i < 4; i++)
		last = last->next;
	last->next = NULL;
	root = list;
	expect("reachable", 1001, 5);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 4);
}

static void case_self(void)
{
	void *a = block(1001);

	put(a, a);
	expect("definite", 1001, 1);
}

static void case_cycle_of_two(void)
{
	void *a = block(1001);
	void *b = block(1001);

	put(a, b);
	put(b, a);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 1);
}

static void case_cycle_with_tail(void)
{
	struct node *head = make_list(5);
	struct node *last = head;

	while (last->next)
		last = last->next;
	last->next = head;
	head->previous = block(1002);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 4);
	expect("indirect", 1002, 1);
}

static void case_two_cycles_in_a_row(void)
{
	void **a = block(1001);
	void **b = block(1001);
	void **c = block(1002);
	void **d = block(1002);

	put(a, b);
	put(b, a);
	put(c, d);
	put(d, c);
	put(d + 1, a); /* the second leads to the first */
	expect("indirect", 1001, 2);
	expect("definite", 1002, 1);
	expect("indirect", 1002, 1);
}

static void case_doubly_linked(void)
{
	struct node *head = make_list(20);

	for (struct node *n = head; n->next; n = n->next)
		n->next->previous = n;
	expect("definite", 1001, 1);
	expect("indirect", 1001, 19);
}

static void *make_tree(unsigned depth)
{
	void **n = block(1001);

	put(n, depth ? make_tree(depth - 1) : NULL);
	put(n + 1, depth ? make_tree(depth - 1) : NULL);
	return n;
}

static void case_tree(void)
{
	make_tree(6);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 126);
}

static void case_shared_child(void)
{
	void *shared = block(1002);

	put(block(1001), shared);
	put(block(1001), shared);
	expect("definite", 1001, 2);
	expect("indirect", 1002, 1);
}

static void case_deep_list(void)
{
	make_list(200000);
	expect("definite", 1001, 1);
	expect("indirect", 1001, 199999);
}

/* --- edges of blocks --- */

static void case_past_the_end(void)
{
	inside = (char *)block(1008) + 1008;
	expect("definite", 1008, 1);
}

static void case_last_byte(void)
{
	inside = (char *)block(1008) + 1007;
	expect("possible", 1008, 1);
}

static void case_no_bytes(void)
{
	fact("leak definite size=0 count=1");
	block(0);
	root = block(0);
	fact("leak reachable size=0 count=1");
}

static void case_unaligned(void)
{
	char *a = block(1001);
	void *b = block(1002);

	root = a;
	memcpy(a + 3, &b, sizeof(b)); /* words are only looked at where they are aligned */
	expect("reachable", 1001, 1);
	expect("definite", 1002, 1);
}

static void case_huge(void)
{
	char *a = block(64u << 20);

	put(a + (40u << 20), block(1002));
	root = a;
	fact("leak reachable size=67108864 count=1");
	expect("reachable", 1002, 1);
}

static void case_huge_lost(void)
{
	char *a = block(64u << 20);

	put(a + (40u << 20), block(1002));
	fact("leak definite size=67108864 count=1");
	expect("indirect", 1002, 1);
}

/* --- interior pointers that are meant --- */

static void case_tagged(void)
{
	root = (char *)block(1001) + 1;
	roots[0] = (char *)block(1002) + 5;
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

static void case_length_before(void)
{
	size_t *a = block(1008);

	a[0] = 1000;
	root = a + 1;
	expect("reachable", 1008, 1);
}

/* A pointer kept as its complement cannot be found by anybody. */
static void case_disguised(void)
{
	root = (void *)~(uintptr_t)block(1001);
	expect("definite", 1001, 1);
}

/* --- where pointers are kept --- */

static void case_in_mmap(void)
{
	void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(page + 10, block(1001));
	expect("reachable", 1001, 1);
}

static void case_in_read_only_mmap(void)
{
	void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(page + 10, block(1001));
	mprotect(page, 4096, PROT_READ);
	expect("reachable", 1001, 1);
}

static void case_in_protected_mmap(void)
{
	void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(page + 10, block(1001));
	mprotect(page, 4096, PROT_NONE);
	expect("reachable", 1001, 1);
}

static void case_in_shared_mmap(void)
{
	void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	put(page + 10, block(1001));
	expect("reachable", 1001, 1);
}

/* A reservation with a page at either end in use. */
static void case_in_huge_mmap(void)
{
	const size_t bytes = 1ull << 34;
	char *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	require(all != MAP_FAILED);
	put(all + 80, block(1001));
	put(all + bytes - 80, block(1002));
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

/* Of a file that was cut short after it was mapped: reading there is a bus error. */
static void case_in_truncated_file(void)
{
	int fd = memfd_create("cut", 0);
	void **pages;

	require(fd >= 0 && ftruncate(fd, 3 * 4096) == 0);
	pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	require(pages != MAP_FAILED);
	put(pages + 10, block(1001));
	require(ftruncate(fd, 4096) == 0);
	block(1002);
	wipe();
	expect("reachable", 1001, 1);
	expect("definite", 1002, 1);
}

static void case_unmapped(void)
{
	void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(page + 10, block(1001));
	munmap(page, 4096);
	expect("definite", 1001, 1);
}

static void case_in_tls(void)
{
	thread_root = block(1001);
	expect("reachable", 1001, 1);
}

static void case_in_keys(void)
{
	static pthread_key_t keys[64];

	for (unsigned i = 0; i < 64; i++)
		pthread_key_create(&keys[i], NULL);
	for (unsigned i = 0; i < 64; i++)
		pthread_setspecific(keys[i], block(1001));
	expect("reachable", 1001, 64);
}

static void case_in_environment(void)
{
	char *text = block(1001);

	memset(text, 'x', 1000);
	memcpy(text, "A=", 2);
	text[1000] = 0;
	putenv(text);
	expect("reachable", 1001, 1);
}

static void case_in_freed_block(void)
{
	void **holder = block(2000);

	put(holder + 100, block(1001));
	free(holder);
	expect("definite", 1001, 1);
}

static void case_in_small_freed_block(void)
{
	void **holder = block(40);

	put(holder + 3, block(1001));
	free(holder);
	expect("definite", 1001, 1);
}

static char *module_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 20);

	while (n > 0 && path[n - 1] != '/')
		n--;
	strcpy(path + (n < 0 ? 0 : n), "leak_module.so");
	return path;
}

static void *load_module(const char *function)
{
	void *module = dlopen(module_path(), RTLD_NOW);
	void (*keep_in)(size_t);

	if (!module)
		fprintf(stderr, "%s\n", dlerror());
	require(module);
	*(void **)&keep_in = dlsym(module, function);
	require(keep_in);
	keep_in(1001);
	return module;
}

static void case_in_module(void)
{
	load_module("module_keep");
	expect("reachable", 1001, 1);
}

static void case_in_module_tls(void)
{
	load_module("module_keep_in_tls");
	expect("reachable", 1001, 1);
}

static void case_module_unloaded(void)
{
	dlclose(load_module("module_keep"));
	expect("definite", 1001, 1);
}

/* --- threads --- */

static pthread_barrier_t barrier;

static void *leak_in_thread(void *arg)
{
	(void)arg;
	block(1001);
	wipe();
	return NULL;
}

static void case_thread(void)
{
	for (int i = 0; i < 4; i++) {
		pthread_t thread;

		require(pthread_create(&thread, NULL, leak_in_thread, NULL) == 0);
		require(pthread_join(thread, NULL) == 0);
	}
	expect("definite", 1001, 4);
}

/* The stack of a thread that is over is kept by libc, with all that stood on it. */
static void *leave_on_stack(void *arg)
{
	void *volatile here[8];

	(void)arg;
	for (int i = 0; i < 8; i++)
		here[i] = block(1001);
	__asm__ volatile("" : : "r"(here) : "memory");
	return NULL;
}

static void case_dead_stack(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, leave_on_stack, NULL) == 0);
	require(pthread_join(thread, NULL) == 0);
	expect("definite", 1001, 8);
}

static void *leave_together(void *arg)
{
	block(1001);
	wipe();
	pthread_barrier_wait(&barrier);
	return arg;
}

/* Of so many stacks libc keeps some, and gives the memory of the others back. */
static void case_many_dead_stacks(void)
{
	enum { THREADS = 20 };
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, leave_together, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		require(pthread_join(threads[i], NULL) == 0);
	expect("definite", 1001, THREADS);
}

static void *own_and_wait(void *arg)
{
	void *volatile mine = block(1001);

	(void)arg;
	thread_root = block(1002);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return mine;
}

static void case_live_thread(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	require(pthread_create(&thread, NULL, own_and_wait, NULL) == 0);
	pthread_barrier_wait(&barrier);
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

static void *stay_idle(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static void case_lost_beside_threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	require(pthread_create(&thread, NULL, stay_idle, NULL) == 0);
	pthread_barrier_wait(&barrier);
	block(1001);
	put(block(1002), block(1003));
	expect("definite", 1001, 1);
	expect("definite", 1002, 1);
	expect("indirect", 1003, 1);
}

static void *give_result(void *arg)
{
	(void)arg;
	return block(1001);
}

static void case_result_of_thread(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, give_result, NULL) == 0);
	/* Not joined: the block can still be had. */
	while (pthread_tryjoin_np(thread, (void **)&roots[0]) != 0)
		;
	expect("reachable", 1001, 1);
}

static void *take_argument(void *arg)
{
	(void)arg;
	return NULL;
}

static void case_argument_of_thread(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, take_argument, block(1001)) == 0);
	require(pthread_join(thread, NULL) == 0);
	expect("definite", 1001, 1);
}

static void case_own_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, mmap(NULL, 1u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			      1u << 20);
	pthread_barrier_init(&barrier, NULL, 2);
	require(pthread_create(&thread, &attr, own_and_wait, NULL) == 0);
	pthread_barrier_wait(&barrier);
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

/* --- coroutines --- */

static ucontext_t outside;
static ucontext_t inside_coroutine;

static void coroutine(void)
{
	void *volatile mine = block(1001);

	swapcontext(&inside_coroutine, &outside);
	free(mine);
}

static void start_coroutine(void *stack, size_t bytes)
{
	getcontext(&inside_coroutine);
	inside_coroutine.uc_stack.ss_sp = stack;
	inside_coroutine.uc_stack.ss_size = bytes;
	inside_coroutine.uc_link = &outside;
	makecontext(&inside_coroutine, coroutine, 0);
	swapcontext(&outside, &inside_coroutine);
}

static void case_parked_coroutine(void)
{
	root = block(65536);
	start_coroutine(root, 65536);
	expect("reachable", 1001, 1);
	fact("leak reachable size=65536 count=1");
}

static void case_lost_coroutine(void)
{
	void *stack = block(65536);

	start_coroutine(stack, 65536);
	memset(&inside_coroutine, 0, sizeof(inside_coroutine)); /* what was saved leads to the stack */
	memset(&outside, 0, sizeof(outside));
	fact("leak definite size=65536 count=1");
	expect("indirect", 1001, 1);
}

/* --- the allocator --- */

static void case_realloc_moved(void)
{
	root = keep(realloc(block(100), 100000));
	root = keep(realloc(root, 1001));
	expect("reachable", 1001, 1);
	expect("none", 100, 0);
}

static void case_realloc_lost(void)
{
	keep(realloc(block(100), 1001));
	expect("definite", 1001, 1);
}

static void case_aligned(void)
{
	void *p = NULL;

	require(posix_memalign(&p, 4096, 1001) == 0);
	p = keep(aligned_alloc(64, 1024));
	root = keep(aligned_alloc(64, 1088));
	expect("definite", 1001, 1);
	expect("definite", 1024, 1);
	expect("reachable", 1088, 1);
}

static void case_many_sizes(void)
{
	for (size_t i = 0; i < 64; i++)
		put(block(16 * i + 8), i % 2 ? block(16 * i + 8) : NULL);
	fact("leak definite count=64");
	fact("leak indirect count=32");
}

/* --- the end --- */

static void free_root(void)
{
	free(root);
	root = NULL;
}

static void case_freed_at_exit(void)
{
	root = block(1001);
	atexit(free_root);
	expect("none", 1001, 0);
}

SITE static void exit_from_below(void *volatile held)
{
	fact("leak reachable size=1001 count=1");
	exit(held ? 0 : 1);
}

/* The caller's frame is in use when exit() is called. */
static void case_exit_below(void)
{
	void *volatile held = block(1001);

	exit_from_below(held);
}

/* --- what the program says --- */

static void case_ignored(void)
{
	void *a = block(1001);

	put(a, block(1002));
	memprof_ignore_block(a);
	expect("reachable", 1001, 1);
	expect("reachable", 1002, 1);
}

static void case_ignored_region(void)
{
	memprof_ignore_begin();
	block(1001);
	memprof_ignore_begin();
	memprof_ignore_end();
	block(1001);
	memprof_ignore_end();
	block(1002);
	expect("reachable", 1001, 2);
	expect("definite", 1002, 1);
}

static void case_root_region(void)
{
	char name[] = "memprof-leaks.XXXXXX";
	int fd = mkstemp(name);
	void **shared;

	require(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 4096) == 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(shared != MAP_FAILED);
	put(shared + 1, block(1001));
	put(shared + 2, block(1002));
	memprof_add_root_region(shared, 16);
	expect("reachable", 1001, 1);
	expect("definite", 1002, 1);
}

static void case_checked_twice(void)
{
	block(1001);
	wipe();
	require(!memprof_active() || memprof_check_leaks() == 1);
	put(block(1002), block(1003));
	wipe();
	require(!memprof_active() || memprof_check_leaks() == 2);
	expect("definite", 1001, 1);
	expect("definite", 1002, 1);
	expect("indirect", 1003, 1);
}

#define CASES(X)                                                                                                      \
	X(start) X(start_start) X(nothing) X(lost_start) X(interior) X(start_interior) X(interior_start)              \
	X(interior_interior) X(lost_interior) X(list) X(list_kept) X(list_tail_lost) X(self) X(cycle_of_two)          \
	X(cycle_with_tail) X(two_cycles_in_a_row) X(doubly_linked) X(tree) X(shared_child) X(deep_list)               \
	X(past_the_end) X(last_byte) X(no_bytes) X(unaligned) X(huge) X(huge_lost) X(tagged) X(length_before)         \
	X(disguised) X(in_mmap) X(in_read_only_mmap) X(in_protected_mmap) X(in_shared_mmap) X(in_huge_mmap)           \
	X(in_truncated_file) X(unmapped) X(in_tls) X(in_keys) X(in_environment)                                       \
	X(in_freed_block) X(in_small_freed_block) X(in_module) X(in_module_tls) X(module_unloaded) X(thread)          \
	X(dead_stack) X(many_dead_stacks) X(live_thread) X(lost_beside_threads) X(result_of_thread)                   \
	X(argument_of_thread) X(own_stack)                                                                            \
	X(parked_coroutine) X(lost_coroutine) X(realloc_moved) X(realloc_lost) X(aligned) X(many_sizes)               \
	X(freed_at_exit) X(exit_below) X(ignored) X(ignored_region) X(root_region) X(checked_twice)

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
#define X(name) { #name, case_##name },
		CASES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (argc < 2)
			puts(cases[i].name);
		else if (strcmp(argv[1], cases[i].name) == 0)
			cases[i].run();
	}
	wipe();
	return 0;
}
