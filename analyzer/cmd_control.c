/* SPDX-License-Identifier: MIT */
/* memprof-analyze control: sends a command to a process that is being recorded, through the header of its dump. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "dump_file.h"
#include "dump_read.h"
#include "units.h"

#define TIMEOUT_S 10u
#define POLL_NS   50000000   /* between two looks, if nobody wakes us */
#define SIGNAL_NS 200000000u /* without an answer for so long, the process is sent its signal, again and again */

struct letter_box {
	const char *path;
	struct mp_header *header; /* the file's, mapped */
	uint32_t pid;             /* of the process, as it is called here; 0 = unknown */
	dev_t device;
	ino_t inode;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* As stat() tells it: in the list of a process's mappings, files of overlayfs and btrfs have other devices. */
static bool is_file(const char *path, dev_t device, ino_t inode)
{
	struct stat status;

	return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

static bool is_dump(const char *path)
{
	char magic[sizeof(MP_MAGIC)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	bool yes = fd >= 0 && read(fd, magic, 8) == 8 && memcmp(magic, MP_MAGIC, 8) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

/*
 * The file that process PID has mapped and may write to, and that looks like a dump, as PATH, which goes by way of the
 * process: it may have another root than we have. With device and inode given, only that one. false: none, or the
 * process cannot be looked at.
 */
static bool find_mapped(uint32_t pid, dev_t device, ino_t inode, char *path, size_t size)
{
	char name[64];
	char mapped[PATH_MAX + 32];
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%" PRIu32 "/maps", pid);
	maps = fopen(name, "re");
	if (!maps)
		return false;
	while (!found && getline(&line, &room, maps) > 0) {
		unsigned major, minor;
		unsigned long number;
		int at = 0;

		if (sscanf(line, "%*x-%*x rw-s 00000000 %x:%x %lu %n", &major, &minor, &number, &at) != 3 ||
		    line[at] != '/')
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(mapped, sizeof(mapped), "/proc/%" PRIu32 "/root%s", pid, line + at);
		if (inode != 0)
			found = (number == inode && makedev(major, minor) == device) || is_file(mapped, device, inode);
		else
			found = is_dump(mapped) && (size_t)snprintf(path, size, "%s", mapped) < size;
	}
	free(line);
	fclose(maps);
	return found;
}

/* Nobody else may have made the file what it is, since we write to it. */
static bool check_file(int fd, struct letter_box *box, struct err *err)
{
	struct stat status;
	uid_t self = geteuid();

	if (fstat(fd, &status) != 0)
		return err_errno(err, errno, box->path, "cannot read");
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct mp_header))
		return err_set(err, box->path, ERR_NO_OFFSET, "not a memprof dump");
	if ((status.st_uid != self && self != 0) || status.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, box->path, ERR_NO_OFFSET, "belongs to somebody else, or others may write to it");
	box->device = status.st_dev;
	box->inode = status.st_ino;
	return true;
}

/* The rest of the line of /proc/PID/status that begins with NAME. */
static bool status_line(uint32_t pid, const char *name, char *rest, size_t size)
{
	char path[64];
	bool found = false;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/status", pid);
	status = fopen(path, "re");
	while (status && !found && fgets(rest, (int)size, status))
		found = strncmp(rest, name, strlen(name)) == 0;
	if (status)
		fclose(status);
	if (found)
		memmove(rest, rest + strlen(name), strlen(rest + strlen(name)) + 1);
	return found;
}

/*
 * As process PID is called in its own process namespace, which is what it writes into its dump. 0: unknown (a kernel
 * before 4.1).
 */
static uint32_t innermost_pid(uint32_t pid)
{
	char line[512];
	const char *last = NULL;
	bool found;

	found = status_line(pid, "NSpid:", line, sizeof(line));
	for (char *word = found ? strtok(line, " \t\n") : NULL; word; word = strtok(NULL, " \t\n"))
		last = word;
	return last ? (uint32_t)strtoul(last, NULL, 10) : 0;
}

static bool check_header(struct letter_box *box, struct err *err)
{
	const struct mp_header *header = box->header;
	uint32_t inside;

	if (!dump_is_dump(header, sizeof(*header)) || header->version != MP_DUMP_VERSION ||
	    header->byte_order != MP_BYTE_ORDER)
		return err_set(err, box->path, 0, "not a dump of this version");
	if (header->ended != MP_ENDED_RUNNING)
		return err_set(err, box->path, ERR_NO_OFFSET, "its process has ended");
	/* A child of a bare clone() has its parent's dump until its own first event. */
	if (box->pid != 0 && (inside = innermost_pid(box->pid)) != 0 && inside != header->pid)
		return err_set(err, NULL, ERR_NO_OFFSET,
			       "process %" PRIu32 ": has no dump of its own yet, only that of process %" PRIu32,
			       box->pid, header->pid);
	if (box->pid == 0 && header->pid != 0 && find_mapped(header->pid, box->device, box->inode, NULL, 0))
		box->pid = header->pid;
	if (box->pid == 0 && !dump_file_is_running(header))
		return err_set(err, box->path, ERR_NO_OFFSET, "its process is not running (here)");
	if (header->control.open != 1)
		return err_set(err, box->path, ERR_NO_OFFSET,
			       "its process takes no commands (MEMPROF_CONTROL=off, or an older memprof)");
	return true;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == 0 && strlen(text) < 10;
}

/* WHOM: a process id, or a dump. */
static int open_box(struct letter_box *box, const char *whom, char *path, size_t size, struct err *err)
{
	int fd;

	box->path = whom;
	if (is_number(whom) && access(whom, F_OK) != 0) {
		box->pid = (uint32_t)strtoul(whom, NULL, 10);
		if (!find_mapped(box->pid, 0, 0, path, size)) {
			err_set(err, NULL, ERR_NO_OFFSET, "process %s: is not recorded, or may not be looked at", whom);
			return -1;
		}
		box->path = path;
	}
	fd = open(box->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err_errno(err, errno, box->path, "cannot open");
		return -1;
	}
	if (!check_file(fd, box, err))
		goto failed;
	box->header = mmap(NULL, MP_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (box->header == MAP_FAILED) {
		err_errno(err, errno, box->path, "cannot map");
		goto failed;
	}
	if (check_header(box, err))
		return fd;
failed:
	close(fd);
	return -1;
}

/* One sender at a time. */
static bool lock_box(int fd, const struct letter_box *box, uint64_t until_ns, struct err *err)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, box->path, "cannot lock");
		if (now_ns() > until_ns)
			return err_set(err, box->path, ERR_NO_OFFSET, "somebody else is sending a command");
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * Is the signal still the library's to catch? A program that has replaced itself by exec, or has changed its mind about
 * the signal, would be ended by it.
 */
static bool may_signal(const struct letter_box *box)
{
	uint32_t number = box->header->control.signal;
	char caught[256];

	if (number == 0 || number > 64 || box->pid == 0 ||
	    !find_mapped(box->pid, box->device, box->inode, NULL, 0))
		return false;
	return status_line(box->pid, "SigCgt:", caught, sizeof(caught)) &&
	       strtoull(caught, NULL, 16) >> (number - 1) & 1;
}

static bool is_over(const struct letter_box *box)
{
	return __atomic_load_n(&box->header->ended, __ATOMIC_ACQUIRE) != MP_ENDED_RUNNING ||
	       (box->pid != 0 && kill((pid_t)box->pid, 0) != 0 && errno == ESRCH);
}

/* Numbers of requests are never used again: what the process has not seen yet becomes a command to do nothing. */
static const char *withdraw(struct letter_box *box, uint32_t request)
{
	__atomic_store_n(&box->header->control.command, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&box->header->control_taken, __ATOMIC_SEQ_CST) == request)
		return "no answer yet: the process is still at it, and the dump will have what comes of it";
	return "no answer: the process has neither allocated nor waited for a lock since (see "
	       "MEMPROF_CONTROL_SIGNAL in libmemprof(7)); the command is withdrawn";
}

/* false: no answer. */
static bool wait_for_answer(struct letter_box *box, uint32_t request, uint64_t until_ns, struct err *err)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	struct mp_control *control = &box->header->control;
	uint64_t signal_ns = now_ns() + SIGNAL_NS;
	uint32_t answer;

	while ((answer = __atomic_load_n(&control->answer, __ATOMIC_ACQUIRE)) != request) {
		if (is_over(box) && __atomic_load_n(&control->answer, __ATOMIC_ACQUIRE) != request)
			return err_set(err, box->path, ERR_NO_OFFSET, "the process has ended meanwhile");
		if (now_ns() > until_ns)
			return err_set(err, box->path, ERR_NO_OFFSET, "%s", withdraw(box, request));
		if (now_ns() > signal_ns && may_signal(box)) {
			kill((pid_t)box->pid, (int)control->signal);
			signal_ns = now_ns() + SIGNAL_NS;
		}
		syscall(SYS_futex, &control->answer, FUTEX_WAIT, answer, &pause, NULL, 0);
	}
	return true;
}

static bool find_command(const char *word, uint32_t *ret_command)
{
	static const struct {
		const char *word;
		uint32_t number;
	} list[] = {
#define X(word, number, text) { #word, number },
		MP_CONTROLS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (strcmp(word, list[i].word) == 0) {
			*ret_command = list[i].number;
			return true;
		}
	}
	return false;
}

static void print_status(const struct mp_header *header)
{
	int64_t count = header->live_count;

	if (header->mode == MP_MODE_SAMPLE)
		count /= MP_COUNT_UNITS;
	printf("recording is %s; %s live in %s blocks, as far as recorded\n", header->paused_since_ns ? "off" : "on",
	       units_bytes(header->live_bytes).text, units_count(count).text);
}

static int print_answer(const struct letter_box *box, uint32_t command, uint64_t took_ns)
{
	const struct mp_control *control = &box->header->control;

	switch (command) {
	case MP_CONTROL_leaks:
	case MP_CONTROL_snapshot:
		if (control->result != MP_CONTROL_DONE) {
			printf("no verdict on leaks; memprof-analyze %s tells why\n", box->path);
			return STATUS_PARTIAL;
		}
		printf("%s definitely lost, found out in %s; memprof-analyze %s shows %s\n",
		       units_plural(control->value, "block").text, units_duration(took_ns).text, box->path,
		       control->value == 1 ? "it" : "them");
		return STATUS_OK;
	case MP_CONTROL_status:
		print_status(box->header);
		return STATUS_OK;
	case MP_CONTROL_on:
	case MP_CONTROL_off:
		printf("recording is %s\n", box->header->paused_since_ns ? "off" : "on");
		return STATUS_OK;
	default:
		printf("marked\n");
		return STATUS_OK;
	}
}

/* The process may be reading what another sender has left; see mp_dump.h. Returns the number. */
static uint32_t put(struct mp_control *control, uint32_t command, const char *text)
{
	uint32_t request = control->request;

	if (__atomic_load_n(&control->answer, __ATOMIC_ACQUIRE) != request) {
		__atomic_store_n(&control->command, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&control->request, ++request, __ATOMIC_SEQ_CST);
	}
	memset(control->text, 0, sizeof(control->text));
	memcpy(control->text, text, strlen(text));
	__atomic_store_n(&control->command, command, __ATOMIC_RELAXED);
	__atomic_store_n(&control->request, ++request, __ATOMIC_RELEASE);
	return request;
}

static int send_command(int fd, struct letter_box *box, uint32_t command, const char *text, uint64_t timeout_s,
			struct err *err)
{
	struct mp_control *control = &box->header->control;
	uint64_t start_ns = now_ns();
	uint64_t until_ns = start_ns + timeout_s * 1000000000;
	struct err silence = { 0 };
	uint32_t request;

	if (!lock_box(fd, box, until_ns, err))
		return STATUS_BAD;
	request = put(control, command, text);
	if (!wait_for_answer(box, request, until_ns, &silence)) {
		err_complain(&silence);
		return STATUS_PARTIAL;
	}
	if (control->result == MP_CONTROL_UNKNOWN) {
		err_set(err, box->path, ERR_NO_OFFSET, "the process does not know this command");
		return STATUS_BAD;
	}
	return print_answer(box, command, now_ns() - start_ns);
}

int cmd_control(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	uint64_t timeout_s = options->timeout == NOT_GIVEN ? TIMEOUT_S : options->timeout;
	const char *text = count > 2 ? paths[2] : "";
	struct letter_box box = { 0 };
	char path[4096];
	uint32_t command;
	int status;
	int fd;

	if (count < 2 || !find_command(paths[1], &command)) {
		err_set(err, NULL, ERR_NO_OFFSET, "control: a COMMAND is one of"
#define X(word, number, text) " " #word
			MP_CONTROLS(X)
#undef X
		);
		return STATUS_BAD;
	}
	if (strlen(text) >= MP_CONTROL_TEXT_BYTES || (command == MP_CONTROL_mark && !*text)) {
		err_set(err, NULL, ERR_NO_OFFSET, "control: a mark needs a TEXT of 1 to %u bytes",
			MP_CONTROL_TEXT_BYTES - 1);
		return STATUS_BAD;
	}
	fd = open_box(&box, paths[0], path, sizeof(path), err);
	if (fd < 0)
		return STATUS_BAD;
	status = send_command(fd, &box, command, text, timeout_s, err);
	munmap(box.header, MP_HEADER_BYTES);
	close(fd);
	return status;
}
