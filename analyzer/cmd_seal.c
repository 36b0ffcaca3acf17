/* SPDX-License-Identifier: MIT */
/* memprof-analyze seal: completes the dump of a process that has ended, for whoever waited for it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "dump_file.h"
#include "dump_read.h"

static bool write_at(int fd, const void *bytes, size_t size, size_t offset, const char *path, struct err *err)
{
	ssize_t written = pwrite(fd, bytes, size, (off_t)offset);

	if (written < 0)
		return err_errno(err, errno, path, "cannot write");
	return (size_t)written == size || err_set(err, path, offset, "cannot write");
}

#define write_field(fd, header, field, path, err) \
	write_at((fd), &(header)->field, sizeof((header)->field), offsetof(struct mp_header, field), (path), (err))

/* Only for a process that could not say it itself (RUNNING). `ended` is written last, as the process would. */
static bool write_end(int fd, struct mp_header *header, const struct options *options, const char *path,
		      struct err *err)
{
	bool by_signal = options->signal != NOT_GIVEN;
	struct timespec now;

	if (header->ended != MP_ENDED_RUNNING || (!by_signal && options->status == NOT_GIVEN))
		return true;
	header->end_status = (int32_t)(by_signal ? options->signal : options->status);
	header->end_ns = header->last_ns;
	/* The caller has just waited for the process, so now is closer than the last event that the dump knows. */
	if (dump_file_is_this_boot(header) && clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		header->end_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	header->ended = by_signal ? MP_ENDED_SIGNAL : MP_ENDED_EXIT;
	return write_field(fd, header, end_status, path, err) && write_field(fd, header, end_ns, path, err) &&
	       write_field(fd, header, ended, path, err);
}

static bool check(const struct mp_header *header, size_t size, const char *path, struct err *err)
{
	if (!dump_is_dump(header, size))
		return err_set(err, path, 0, "not a memprof dump");
	if (size < sizeof(*header))
		return err_set(err, path, size, "cut short within the header");
	if (header->version != MP_DUMP_VERSION || header->byte_order != MP_BYTE_ORDER)
		return err_set(err, path, offsetof(struct mp_header, version), "not a dump of this version");
	/* Whatever it says of its end: while it is there, it may still write to the part that would be cut off. */
	if (dump_file_is_running(header))
		return err_set(err, path, ERR_NO_OFFSET, "process %" PRIu32 " is still running", header->pid);
	return true;
}

static bool seal(int fd, const struct options *options, const char *path, struct err *err)
{
	struct mp_header header = { 0 };
	ssize_t got = pread(fd, &header, sizeof(header), 0);
	struct stat status;
	uint64_t extent;

	if (got < 0 || fstat(fd, &status) != 0)
		return err_errno(err, errno, path, "cannot read");
	if (!check(&header, (size_t)got, path, err) || !write_end(fd, &header, options, path, err))
		return false;
	extent = dump_extent(&header, sizeof(header), (uint64_t)status.st_size);
	if (extent < (uint64_t)status.st_size && ftruncate(fd, (off_t)extent) != 0)
		return err_errno(err, errno, path, "cannot cut");
	return true;
}

int cmd_seal(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	bool ok;
	int fd;

	(void)count; /* one: main() has checked */
	if (options->status != NOT_GIVEN && options->signal != NOT_GIVEN) {
		err_set(err, NULL, ERR_NO_OFFSET, "--status and --signal exclude each other");
		return STATUS_BAD;
	}
	fd = open(paths[0], O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err_errno(err, errno, paths[0], "cannot open");
		return STATUS_BAD;
	}
	ok = seal(fd, options, paths[0], err);
	close(fd);
	return ok ? STATUS_OK : STATUS_BAD;
}
