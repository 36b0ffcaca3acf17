/* SPDX-License-Identifier: MIT */
/* Snapshot of a file in anonymous memory, which stays sparse where the file is empty. */
#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 65536u /* one read; larger ones are not faster */
#define PAGE_BYTES  4096u

bool mapped_file_open(struct mapped_file *file, const char *path, struct err *err)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, errno, path, "cannot open");
	if (fstat(fd, &status) != 0) {
		err_errno(err, errno, path, "cannot read");
		close(fd);
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		err_set(err, path, ERR_NO_OFFSET, "not a regular file");
		close(fd);
		return false;
	}
	*file = (struct mapped_file){ .path = path, .fd = fd, .file_bytes = (uint64_t)status.st_size };
	return true;
}

static void drop_snapshot(struct mapped_file *file)
{
	if (file->bytes)
		munmap(file->bytes, file->room_bytes);
	file->bytes = NULL;
	file->size = 0;
	file->room_bytes = 0;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/*
 * Copies what is not zero. SEEK_DATA would skip holes without reading them, but several file systems answer it from the
 * disk and do not see pages that a mapping has just written.
 */
static void store(struct mapped_file *file, uint64_t offset, const uint8_t *block, size_t size, bool over_zeroes)
{
	for (size_t at = 0; at < size; at += PAGE_BYTES) {
		size_t part = size - at < PAGE_BYTES ? size - at : PAGE_BYTES;

		if (!over_zeroes || !is_zero(block + at, part))
			memcpy(file->bytes + offset + at, block + at, part);
	}
}

/* Reads [OFFSET, END) of the file into the snapshot. Returns where the file ended, or END; UINT64_MAX on error. */
static uint64_t load(struct mapped_file *file, uint64_t offset, uint64_t end, bool over_zeroes, struct err *err)
{
	uint8_t block[BLOCK_BYTES];

	while (offset < end) {
		size_t wanted = end - offset < BLOCK_BYTES ? (size_t)(end - offset) : BLOCK_BYTES;
		ssize_t got = pread(file->fd, block, wanted, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err_errno(err, errno, file->path, "cannot read");
			return UINT64_MAX;
		}
		if (got == 0)
			break;
		store(file, offset, block, (size_t)got, over_zeroes);
		offset += (uint64_t)got;
	}
	return offset;
}

bool mapped_file_read(struct mapped_file *file, uint64_t size, struct err *err)
{
	uint64_t end;

	drop_snapshot(file);
	if (size > file->file_bytes)
		size = file->file_bytes;
	if (size == 0)
		return true;
	file->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (file->bytes == MAP_FAILED) {
		file->bytes = NULL;
		return err_errno(err, errno, file->path, "cannot hold %llu bytes", (unsigned long long)size);
	}
	file->room_bytes = size;
	end = load(file, 0, size, /*over_zeroes=*/true, err);
	if (end == UINT64_MAX)
		return false;
	file->size = (size_t)end;
	return true;
}

bool mapped_file_refresh(struct mapped_file *file, uint64_t offset, uint64_t size, struct err *err)
{
	if (offset >= file->size)
		return true;
	if (size > file->size - offset)
		size = file->size - offset;
	return load(file, offset, offset + size, /*over_zeroes=*/false, err) != UINT64_MAX;
}

bool mapped_file_extend(struct mapped_file *file, uint64_t size, struct err *err)
{
	uint64_t end;
	void *moved;

	if (!file->bytes || size <= file->size)
		return true;
	moved = mremap(file->bytes, file->room_bytes, size, MREMAP_MAYMOVE);
	if (moved == MAP_FAILED)
		return err_errno(err, errno, file->path, "cannot hold %llu bytes", (unsigned long long)size);
	file->bytes = moved;
	file->room_bytes = size;
	end = load(file, file->size, size, /*over_zeroes=*/true, err);
	if (end == UINT64_MAX)
		return false;
	file->size = (size_t)end;
	return true;
}

void mapped_file_close(struct mapped_file *file)
{
	drop_snapshot(file);
	close(file->fd);
	file->fd = -1;
}
