/* SPDX-License-Identifier: MIT */
/*
 * Everything starts at the first event, which may come long before our constructor: other libraries' constructors
 * allocate. argc, argv, the environment and the auxiliary vector are taken from where the kernel put them, because
 * libc's own variables may not be set that early.
 */
#include "init.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "atomic.h"
#include "capture.h"
#include "compiler.h"
#include "control.h"
#include "drop.h"
#include "dump_map.h"
#include "elf_defined.h"
#include "fmt.h"
#include "follow.h"
#include "fork_in_hook.h"
#include "frame_fallback.h"
#include "heap.h"
#include "jemalloc_hooks.h"
#include "leak_scan.h"
#include "lifetime.h"
#include "live_table.h"
#include "lock_table.h"
#include "mark.h"
#include "mp_dump.h"
#include "options.h"
#include "os.h"
#include "real.h"
#include "rules.h"
#include "sample.h"
#include "shard.h"
#include "stack_memo.h"
#include "sync.h"
#include "timeline.h"
#include "verify.h"

extern void *__libc_stack_end; /* exported by the dynamic linker: the stack pointer at process entry */

enum process_state {
	PROCESS_BOOT,
	PROCESS_BUSY, /* being set up, by the thread in set_up_tid */
	PROCESS_READY,
	PROCESS_INERT, /* off, refused or failed: everything passes through, for good */
};

bool process_passive;
void (*process_free_in_front)(void *p);
bool process_sampling;
static uint32_t state;
static uint32_t pid;    /* whose dump this is */
static uint32_t *alive; /* 1 in a page that fork wipes: reads 0 in a child that is not set up yet */
static char program[64];
static MP_TLS bool setting_up; /* what this thread allocates now is our own */

static struct {
	char **argv;
	char **envp;
	const ElfW(auxv_t) * auxv;
	uint64_t argc;
} start;

static void find_start(void)
{
	uint64_t *p = __libc_stack_end;

	start.argc = *p;
	start.argv = (char **)(void *)(p + 1);
	start.envp = start.argv + start.argc + 1;
	p = (uint64_t *)(void *)start.envp;
	while (*p)
		p++;
	/* In privileged programs the dynamic linker has taken variables out, and left as many zeroes more. */
	while (!p[1])
		p++;
	start.auxv = (const ElfW(auxv_t) *)(const void *)(p + 1);
}

static uint64_t auxiliary(uint64_t type)
{
	for (const ElfW(auxv_t) *a = start.auxv; a->a_type != AT_NULL; a++) {
		if (a->a_type == type)
			return a->a_un.a_val;
	}
	return 0;
}

struct range process_stack(void)
{
	uint64_t end = ((uint64_t)__libc_stack_end | 0xfff) + 1;
	uint64_t bytes = os_limit_stack_bytes();

	/* Without a limit the kernel still keeps other mappings this far away. */
	if (bytes < 8ull << 20)
		bytes = 8ull << 20;
	if (bytes > 1ull << 30)
		bytes = 1ull << 30;
	return (struct range){ end - bytes, end };
}

/* --- what the header says about the process --- */

static void copy_basename(const char *path)
{
	const char *name = path;
	struct fmt f;

	for (const char *s = path; *s; s++) {
		if (*s == '/' && s[1])
			name = s + 1;
	}
	fmt_init(&f, program, sizeof(program));
	for (; *name; name++)
		fmt_mem(&f, *name == '/' || *name < ' ' ? "_" : name, 1);
	if (!program[0])
		fmt_str(&f, "unknown");
}

static uint64_t start_ticks(void)
{
	char text[1024];
	uint64_t ticks = 0;
	const char *s;
	long n = os_read_file("/proc/self/stat", text, sizeof(text));

	/* The second field, the name in parentheses, may hold anything; the 22nd is the 20th after its last ')'. */
	for (s = text + (n > 0 ? n : 0); s > text && *s != ')'; s--)
		;
	for (int field = 2; field < 22; field++) {
		while (*s && *s != ' ')
			s++;
		if (!*s)
			return 0;
		s++;
	}
	for (; *s >= '0' && *s <= '9'; s++)
		ticks = ticks * 10 + (uint64_t)(*s - '0');
	return ticks;
}

static void boot_id(uint8_t ret[16])
{
	char text[64];
	unsigned digits = 0;

	if (os_read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) <= 0)
		return;
	for (const char *s = text; *s && digits < 32; s++) {
		unsigned v = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
			     : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
						      : 16;

		if (v < 16) {
			ret[digits / 2] = (uint8_t)(ret[digits / 2] << 4 | v);
			digits++;
		}
	}
}

static uint64_t text_ref(const char *text)
{
	return text && *text ? dump_string(text, fmt_strlen(text)) : 0;
}

/* The arguments as they were at start; programs that overwrite them later (setproctitle) do so after us. */
static uint64_t argv_ref(void)
{
	uint64_t bytes = 0;
	const char *first = start.argc ? start.argv[0] : NULL;

	/* The kernel lays the arguments out one after the other, so they can be taken as one piece. */
	for (uint64_t i = 0; i < start.argc && start.argv[i] == first + bytes && bytes < 65536; i++)
		bytes += fmt_strlen(start.argv[i]) + 1;
	return bytes ? dump_string(first, bytes) : 0;
}

static void fill_header(void)
{
	static char path[4096];
	struct mp_header *h = dump_header();

#if defined(__x86_64__)
	h->machine = EM_X86_64;
#elif defined(__aarch64__)
	h->machine = EM_AARCH64;
#endif
	h->mode = opt.sample ? MP_MODE_SAMPLE : MP_MODE_FULL;
	h->sample_bytes = opt.sample;
	h->pid = pid;
	h->parent_pid = os_parent_pid();
	h->start_realtime_ns = os_realtime_ns();
	h->start_ns = os_now_ns();
	h->last_ns = h->start_ns;
	h->pid_start_ticks = start_ticks();
	h->stack_limit_frames = (uint32_t)opt.depth;
	h->features = (opt.locks ? MP_FEATURE_LOCKS : 0) | (opt.timeline_ms ? MP_FEATURE_TIMELINE : 0) |
		      (opt.sample ? 0 : MP_FEATURE_SIZES);
	boot_id(h->boot_id);
	h->producer = text_ref("memprof " MP_VERSION);
	if (os_readlink("/proc/self/exe", path, sizeof(path)) > 0)
		h->exe = text_ref(path);
	if (os_cwd(path, sizeof(path)) > 0)
		h->cwd = text_ref(path);
	if (os_hostname(path, sizeof(path)))
		h->hostname = text_ref(path);
	h->argv = argv_ref();
}

/* --- sections --- */

static struct {
	struct mp_option *next;
	struct mp_option *end;
} option_rows;

static void add_option(const char *name, const char *value)
{
	if (option_rows.next == option_rows.end)
		return;
	option_rows.next->value = dump_string(value, fmt_strlen(value));
	store_release(&option_rows.next->name, dump_string(name, fmt_strlen(name)));
	option_rows.next++;
}

static void make_sections(void)
{
	struct mp_chunk *chunk = dump_chunk(MP_CHUNK_LOSS, sizeof(struct mp_loss), DUMP_PAGE, 0, 0);

	if (chunk)
		drop_attach((struct mp_loss *)(void *)(chunk + 1));
	chunk = dump_chunk(MP_CHUNK_OPTION, sizeof(struct mp_option), DUMP_PAGE, 0, 0);
	if (chunk) {
		option_rows.next = (struct mp_option *)(void *)(chunk + 1);
		option_rows.end = option_rows.next + chunk->rows;
		options_for_each(add_option);
	}
	timeline_init(dump_header()->start_ns);
}

/* --- set-up --- */

#define SANITIZED                                                                        \
	" is built with a sanitizer, which replaces malloc itself; it runs unrecorded. " \
	"Build it without -fsanitize to profile it."
#define VALGRIND " runs in valgrind, which replaces malloc itself, and tells what we read; it runs unrecorded"

/* What else stands before malloc, by functions that only it has. */
static bool malloc_is_replaced(void)
{
	static const struct {
		const char *function;
		const char *text;
	} marks[] = {
		{ "__asan_init", SANITIZED },
		{ "__tsan_init", SANITIZED },
		{ "__msan_init", SANITIZED },
		{ "__hwasan_init", SANITIZED },
		{ "_vgr10010ZU_VgSoSynsomalloc_malloc", VALGRIND },
	};

	/* In valgrind's library for all its tools: those that do not replace malloc are fine. */
	leak_snapshots_only = elf_defined("_vgnU_freeres", ELF_ALL);
	for (unsigned i = 0; i < ARRAY_LEN(marks); i++) {
		if (elf_defined(marks[i].function, ELF_ALL)) {
			fmt_warn(program, marks[i].text, NULL);
			return true;
		}
	}
	return false;
}

static bool open_dump(void)
{
	if (!dump_create(opt.out, program))
		return false;
	fill_header();
	control_init();
	make_sections();
	return true;
}

/* Made absolute once: the program may change its directory before it forks. */
static void make_out_absolute(void)
{
	static char absolute[8192];
	struct fmt f;

	if (opt.out[0] == '/' || os_cwd(absolute, 4096) <= 0)
		return;
	f = (struct fmt){ .text = absolute, .room = sizeof(absolute), .used = fmt_strlen(absolute) };
	fmt_str(&f, "/");
	fmt_str(&f, opt.out);
	opt.out = absolute;
}

/*
 * What a person would call the program: the file given to execve, which for a script is the script. Symbolic links
 * are not followed, since one binary may go by several names.
 */
static void name_program(void)
{
	static char path[4096];
	const char *name = (const char *)auxiliary(AT_EXECFN);
	struct fmt f;

	fmt_init(&f, path, 7);
	fmt_mem(&f, name ? name : "", 6);
	if (!name || fmt_equal(path, "/proc/") || fmt_equal(path, "/dev/f"))
		name = os_readlink("/proc/self/exe", path, sizeof(path)) > 0 ? path : "unknown";
	copy_basename(name);
}

static bool set_up(void)
{
	find_start();
	if (getauxval(AT_SECURE) || follow_ends_here(start.envp))
		return false;
	options_read(start.envp);
	if (opt.mode == OPTIONS_MODE_OFF)
		return false;
	/* The gate, by which lock hooks know whether to record, stays shut. */
	if (opt.sample)
		opt.locks = 0;
	make_out_absolute();
	name_program();
	if (!follow_wants(program) || malloc_is_replaced())
		return false;
	pid = os_pid();
	if (opt.mode == OPTIONS_MODE_DORMANT)
		thread_pause_all(true);
	alive = os_map_wiped_on_fork(4096);
	if (!alive) {
		fmt_warn("no memory, or a kernel before 4.14; the program runs unrecorded", NULL);
		return false;
	}
	*alive = 1;
	if (!open_dump() || !rules_init(auxiliary(AT_BASE)))
		return false;
	capture_reset();
	thread_init();
	lock_init();
	process_sampling = opt.sample != 0;
	follow_mark(start.envp);
	return true;
}

/* First event in a fork child: a dump of its own, counting from zero. What it has inherited is known, but not its. */
static bool set_up_forked(void)
{
	const struct mp_header *parent = dump_header();
	char *old_base = dump_base;
	uint64_t old_bytes = dump_mapped_bytes();
	int64_t inherited_count =
		parent->live_count + (int64_t)(parent->inherited_count - parent->inherited_free_count);
	int64_t inherited_bytes =
		parent->live_bytes + (int64_t)(parent->inherited_bytes - parent->inherited_free_bytes);
	bool ok;

	os_forked();
	os_fork_over(true);
	drop_reset();
	shard_forked();
	thread_forked();
	thread_starts_forked();
	leak_forked();
	mark_forked();
	lifetime_forked();
	memo_forked();
	jemalloc_forked();
	dump_base = NULL;
	pid = os_pid();
	*alive = 1;
	ok = follow_forks() && open_dump();
	if (ok) {
		struct mp_header *h = dump_header();

		h->features |= MP_FEATURE_FORKED;
		h->inherited_count = inherited_count > 0 ? (uint64_t)inherited_count : 0;
		h->inherited_bytes = inherited_bytes > 0 ? (uint64_t)inherited_bytes : 0;
		live_forked();
		rules_forked(old_base);
		capture_reset();
		lock_forked();
		sync_forked();
		if (opt.verify)
			verify_add_rows();
	}
	os_unmap_file(old_base, old_bytes);
	return ok;
}

static MP_COLD bool process_ready_slow(void)
{
	uint32_t seen = load_acquire(&state);
	bool forked = seen == PROCESS_READY;
	bool done;

	if (seen != PROCESS_BOOT && !forked)
		return false;
	if (forked && fork_in_hook_pending())
		return false;
	if (!real_ready())
		return false;
	/* Whoever comes meanwhile, on this thread or another, is served unrecorded. */
	if (!cas_acquire(&state, &seen, PROCESS_BUSY)) {
		drop(MP_LOSS_EARLY);
		return false;
	}
	setting_up = true;
	done = forked ? set_up_forked() : set_up();
	setting_up = false;
	if (!done) {
		process_passive = true;
		lock_init(); /* with no dump, it only lets calls through */
	}
	store_release(&state, done ? PROCESS_READY : PROCESS_INERT);
	return done;
}

bool process_ready(void)
{
	uint32_t seen = load_acquire(&state);

	if (likely(seen == PROCESS_READY && *alive))
		return !setting_up;
	if (seen == PROCESS_BUSY)
		return setting_up ? false : drop(MP_LOSS_EARLY);
	return seen != PROCESS_INERT && process_ready_slow();
}

bool process_is_setting_up(void)
{
	return setting_up;
}

/* --- the end --- */

/* Is the dump this process's own? Not in a vfork child, nor in a fork child that no hook has entered. */
static bool owns_dump(void)
{
	return load_acquire(&state) == PROCESS_READY && *alive && dump_base && os_pid() == pid;
}

/* fork and exec, with nothing in between that is worth a file? */
static bool has_events(void)
{
	struct mp_thread sum;

	thread_sum(&sum);
	return sum.alloc_count || sum.free_count || sum.lock_contentions;
}

/* Keeps what signal handlers do on this thread meanwhile from being recorded. false: something does so already. */
static bool hold(struct thread *t)
{
	if (t->state != THREAD_LIVE)
		return false;
	if (!process_sampling)
		return gate_enter(t);
	if (t->sampling)
		return false;
	t->gate_sp = (uint64_t)__builtin_frame_address(0);
	t->sampling = true;
	signal_fence();
	return true;
}

static void release(struct thread *t)
{
	if (process_sampling)
		thread_leave_sample(t);
	else
		gate_leave(t);
}

/*
 * Brings the file up to date, and cuts off the space held ready. The gate is shut meanwhile, against signal handlers.
 */
static void write_out(struct thread *t, uint32_t ended)
{
	bool entered;

	lock_process_end();
	entered = hold(t);
	if (entered)
		heap_flush(t);
	thread_refresh_all_names();
	if (ended == MP_ENDED_EXEC && dump_header()->features & MP_FEATURE_FORKED && !has_events())
		dump_unlink();
	timeline_final(os_now_ns()); /* what was flushed may have made a point just now */
	dump_trim();
	if (entered)
		release(t);
}

void process_ending(uint32_t ended, int status)
{
	struct mp_header *h = dump_header();
	struct thread *t = thread_own();
	uint64_t now;

	if (!owns_dump())
		return;
	/*
	 * A handler that ends the process out of the middle of a hook: our locks may be held, so only the words are
	 * written.
	 */
	if (t->state == THREAD_LIVE ? t->open || (process_sampling && !t->sampling) : !thread_is_between())
		write_out(t, ended);
	now = os_now_ns();
	store_relaxed(&h->self_bytes, os_mapped_bytes());
	store_relaxed(&h->last_ns, now);
	store_relaxed(&h->end_ns, now);
	store_relaxed(&h->end_status, status);
	store_release(&h->ended, ended);
}

void process_not_ending(void)
{
	struct mp_header *h = dump_header();

	if (!owns_dump())
		return;
	if (!dump_is_linked()) {
		/* The next event makes a new file; also one of this thread, which may have counted in the old one. */
		*alive = 0;
		thread_set_aside();
	}
	store_release(&h->ended, (uint32_t)MP_ENDED_RUNNING);
	store_relaxed(&h->end_ns, 0);
	store_relaxed(&h->end_status, 0);
}

/*
 * A thread that has not been met yet has no gate, and may be anywhere in here; but for the main thread of a process
 * that has recorded nothing so far, which would never answer else.
 */
void process_interrupted(const struct leak_context *where, const void *registers, size_t bytes)
{
	struct thread *t = thread_own();
	bool known = t->state == THREAD_LIVE;

	if (!owns_dump() || !control_pending() || thread_is_between() || (!known && os_tid() != pid))
		return;
	if (known && !hold(t))
		return;
	leak_add_region((uint64_t)registers, bytes);
	control_answer(t, where);
	leak_remove_region((uint64_t)registers, bytes);
	if (!known)
		return;
	thread_notice_pause(t);
	release(t);
}

static void at_exit(int status, void *arg)
{
	struct thread *t = thread_own();

	(void)arg;
	if (owns_dump() && hold(t)) {
		leak_scan_at_exit();
		release(t);
	}
	process_ending(MP_ENDED_EXIT, status & 0xff);
}

/* What only this thread knows of its blocks goes where a child finds it. Context: setup. */
void process_before_fork(void)
{
	struct thread *t = thread_own();
	bool outside = hold(t);

	if (outside)
		release(t);
	verify_fork_begins(t);
	os_fork_begins(!outside);
	heap_before_sharing();
	if (!owns_dump())
		return;
	if (hold(t)) {
		heap_flush(t);
		release(t);
	} else {
		fork_in_hook_before();
	}
}

/* What a process in a sandbox may still record: room for some ten thousand stacks, or threads that share fewer. */
#define SANDBOX_BYTES   (4ull << 20)
#define SANDBOX_THREADS 32

void process_restrict(uint32_t restriction)
{
	if (process_ready()) {
		struct thread *t = thread_own();
		bool entered;

		/* A vfork child shares our memory, but what it gives up is not its parent's. */
		if (!owns_dump())
			return;
		entered = hold(t);
		dump_reserve(SANDBOX_BYTES);
		thread_reserve(SANDBOX_THREADS);
		if (entered)
			release(t);
	}
	os_restrict(restriction);
}

/*
 * A child of fork() gets its dump at once, while it still has its parent's privileges and directory; one that comes
 * into being in another way (_Fork, clone) gets it at its first event.
 */
void process_after_fork(bool child)
{
	os_fork_over(child);
	verify_fork_over(thread_own(), child);
	if (!child)
		fork_in_hook_parent();
	else if (!fork_in_hook_child())
		process_ready();
}

static void after_fork_in_parent(void)
{
	process_after_fork(false);
}

static void after_fork_in_child(void)
{
	process_after_fork(true);
}

/*
 * Does the program's malloc lead to ours? Asked by calling it, because its address may be that of a jump in the
 * program. What is allocated while we set up is noted by heap_own(), when sampling only if the countdown is at
 * an end.
 */
static bool malloc_is_ours(void)
{
	void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
	void (*give_back)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
	uint64_t before = heap_own_count;
	struct sample_pause pause = sample_pause(SAMPLE_EACH);
	void *p = allocate && give_back ? allocate(1) : NULL;

	sample_resume(&pause);
	if (!p)
		return true;
	if (heap_own_count == before)
		return false; /* what it gave stays: see construct() */
	give_back(p);
	return true;
}

static __attribute__((constructor)) void construct(void)
{
	struct thread *t;
	bool entered;

	if (!real_ready() || !process_ready())
		return;
	/* Registered early, so it runs late; what frees after it is still counted, only the time of the end stays. */
	on_exit(at_exit, NULL);
	pthread_atfork(process_before_fork, after_fork_in_parent, after_fork_in_child);
	/* Loads a library, so not within the first malloc, which may be the loader's own. */
	t = thread_own();
	entered = hold(t);
	setting_up = true;
	if (malloc_is_ours()) {
		frame_fallback_init();
	} else {
		/* Not libunwind: to load it would call the program's free(), which may not be ready before main(). */
		process_free_in_front = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
		fmt_warn(program, " uses a malloc that comes before memprof's (preloaded or linked in front of it): ",
			 "nothing of what it allocates is recorded", NULL);
	}
	if (opt.verify)
		verify_init();
	control_init_signal();
	setting_up = false;
	if (entered)
		release(t);
}
