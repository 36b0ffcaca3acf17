/* SPDX-License-Identifier: MIT */
/*
 * Libc keeps stacks of threads that have ended, and gives them to new ones. Which are out of use can only be told if
 * all threads of the process are accounted for, also those that others than pthread_create() have made.
 */
#include "leak_stacks.h"

#include "fmt.h"
#include "os.h"
#include "thread.h"

#define TASKS_MAX      512u
#define WORDS_PER_TASK 7u /* six arguments of the system call it waits in, and its stack pointer */

static struct os_lock lock;
static struct os_range over[ROOTS_RANGES_MAX]; /* stacks of threads that have ended; the oldest are forgotten */
static uint32_t over_next;

static struct {
	uint32_t count;
	uint32_t tids[TASKS_MAX];
	uint64_t words[TASKS_MAX * WORDS_PER_TASK];
	uint32_t word_count;
	uint32_t known; /* tasks of which it is known where their stack is */
} tasks;

static void list_tasks(void)
{
	static char buf[32768];
	int fd = os_open_directory("/proc/self/task");
	long n;

	tasks.count = 0;
	if (fd < 0)
		return;
	while ((n = os_list(fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			/* struct linux_dirent64: inode, offset, u16 length, u8 type, name */
			const char *name = buf + at + 19;
			uint32_t tid = 0;
			uint16_t length;

			__builtin_memcpy(&length, buf + at + 16, sizeof(length));
			for (; *name >= '0' && *name <= '9'; name++)
				tid = tid * 10 + (uint32_t)(*name - '0');
			if (tid && tasks.count < TASKS_MAX)
				tasks.tids[tasks.count] = tid;
			tasks.count += tid != 0;
			at += length;
		}
	}
	os_close(fd);
}

/* What a thread that waits in the kernel holds: "number arg arg arg arg arg arg sp pc", in hex but for the first. */
static uint64_t look_at_task(uint32_t tid)
{
	char path[64];
	char text[256];
	const char *s = text;
	uint64_t sp = 0;
	struct fmt f;

	fmt_init(&f, path, sizeof(path));
	fmt_str(&f, "/proc/self/task/");
	fmt_u64(&f, tid);
	fmt_str(&f, "/syscall");
	if (os_read_file(path, text, sizeof(text)) <= 0 || text[0] < '0' || text[0] > '9')
		return 0;
	while (*s && *s != ' ')
		s++;
	for (unsigned i = 0; i < WORDS_PER_TASK && s[0] == ' ' && s[1] == '0' && s[2] == 'x'; i++) {
		uint64_t word = 0;

		for (s += 3; *s && *s != ' '; s++)
			word = word << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
		tasks.words[tasks.word_count++] = word;
		sp = i == WORDS_PER_TASK - 1 ? word : 0;
	}
	return sp;
}

static void forget_over(uint64_t sp)
{
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX; i++) {
		if (sp >= over[i].start && sp < over[i].end)
			over[i] = (struct os_range){ 0, 0 };
	}
}

static void note_stack(struct thread *t, void *data)
{
	(void)data;
	for (uint32_t i = 0; i < tasks.count && i < TASKS_MAX; i++) {
		if (tasks.tids[i] == t->tid && t->stack.start) {
			tasks.tids[i] = 0;
			tasks.known++;
		}
	}
}

uint32_t stacks_look(struct roots *roots, uint32_t self)
{
	uint32_t unknown;

	list_tasks();
	tasks.word_count = 0;
	tasks.known = 0;
	os_lock(&lock);
	for (uint32_t i = 0; i < tasks.count && i < TASKS_MAX; i++) {
		uint64_t sp = tasks.tids[i] == self ? 1 : look_at_task(tasks.tids[i]);

		if (!sp)
			continue;
		forget_over(sp);
		tasks.tids[i] = 0;
		tasks.known++;
	}
	thread_for_each(note_stack, NULL);
	unknown = tasks.count ? tasks.count - tasks.known : 1;
	roots->dead_count = 0;
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX && !unknown; i++) {
		if (over[i].start)
			roots->dead[roots->dead_count++] = over[i];
	}
	os_unlock(&lock);
	roots->words = tasks.words;
	roots->word_count = tasks.word_count;
	return tasks.count;
}

void stacks_over(uint64_t start, uint64_t end)
{
	if (!start)
		return;
	os_lock(&lock);
	over[over_next++ % ROOTS_RANGES_MAX] = (struct os_range){ start, end };
	os_unlock(&lock);
}

void stacks_used(uint64_t start, uint64_t end)
{
	os_lock(&lock);
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX; i++) {
		if (over[i].start < end && start < over[i].end)
			over[i] = (struct os_range){ 0, 0 };
	}
	os_unlock(&lock);
}

void stacks_forked(void)
{
	lock.word = 0;
}
