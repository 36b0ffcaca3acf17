/* SPDX-License-Identifier: MIT */
/* Dumps as files. */
#include "dump_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump_read.h"
#include "mapped_file.h"

/* Reads a small file of the kernel into BUFFER as text; "" if it cannot be read. */
static void read_text(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, buffer, size - 1);

	buffer[got > 0 ? got : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* "8f1c...-....": 32 hexadecimal digits with dashes between. */
static bool parse_boot_id(const char *text, uint8_t *ret_id)
{
	static const char hex[] = "0123456789abcdef";
	size_t digits = 0;

	for (; *text && digits < 32; text++) {
		const char *at = strchr(hex, *text);
		unsigned digit;

		if (*text == '-')
			continue;
		if (!at)
			return false;
		digit = (unsigned)(at - hex);
		ret_id[digits / 2] = (uint8_t)(digits % 2 ? ret_id[digits / 2] | digit : digit << 4);
		digits++;
	}
	return digits == 32;
}

bool dump_file_boot_id_is_ours(const uint8_t *recorded)
{
	static const uint8_t unknown[16];
	uint8_t boot_id[16];
	char text[64];

	read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	return memcmp(recorded, unknown, sizeof(unknown)) != 0 && parse_boot_id(text, boot_id) &&
	       memcmp(recorded, boot_id, sizeof(boot_id)) == 0;
}

bool dump_file_is_this_boot(const struct mp_header *header)
{
	return dump_file_boot_id_is_ours(header->boot_id);
}

bool dump_file_is_running(const struct mp_header *header)
{
	char path[64];
	char stat[1024];
	const char *at;
	char state;
	long long threads;
	unsigned long long start_ticks;

	if (header->pid == 0 || !dump_file_is_this_boot(header))
		return false;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", header->pid);
	read_text(path, stat, sizeof(stat));
	at = strrchr(stat, ')'); /* the name before it may contain anything */
	if (!at || sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %*s %llu",
			  &state, &threads, &start_ticks) != 3)
		return false;
	/* The main thread of a process may be a zombie while others go on. */
	if (state == 'X' || (state == 'Z' && threads <= 1))
		return false;
	return header->pid_start_ticks == 0 || header->pid_start_ticks == start_ticks;
}

/* Takes the rows out of chunk in the snapshot: what they refer to may be newer than what will be read. */
static void blank_rows(struct mapped_file *file, const struct dump_chunk *chunk)
{
	static const uint64_t none = 0;

	memcpy(file->bytes + chunk->offset + offsetof(struct mp_chunk, rows), &none, sizeof(none));
}

/* Adds the chunks that are new in the file, and puts the extent that includes them into the header of the snapshot. */
static bool read_new_chunks(struct mapped_file *file, struct err *err)
{
	size_t at = offsetof(struct mp_header, used_bytes);
	uint64_t used_bytes;
	struct stat status;

	if (fstat(file->fd, &status) != 0)
		return err_errno(err, errno, file->path, "cannot read");
	if (!mapped_file_refresh(file, at, sizeof(used_bytes), err))
		return false;
	memcpy(&used_bytes, file->bytes + at, sizeof(used_bytes));
	return mapped_file_extend(file, dump_extent(file->bytes, file->size, (uint64_t)status.st_size), err);
}

/*
 * A running program adds rows and chunks while we read: a site read late may name a node that was not there when its
 * place was read. So after everything was read once, what others refer to is read again, in the order of reference:
 * each kind after those that refer to it. A chunk that turns up meanwhile is kept if its kind is still to come.
 */
static bool refresh_referred(struct mapped_file *file, struct err *err)
{
	static const uint32_t kinds[] = { MP_CHUNK_LOCK, MP_CHUNK_NODE, MP_CHUNK_MODULE, MP_CHUNK_STRING };
	const size_t kind_count = sizeof(kinds) / sizeof(*kinds);

	for (size_t stage = 0; stage < kind_count; stage++) {
		uint64_t known_bytes = file->size;
		uint64_t offset = MP_HEADER_BYTES;
		struct dump_chunk chunk;

		if (!read_new_chunks(file, err))
			return false;
		while (dump_next_chunk(file->bytes, file->size, &offset, &chunk)) {
			size_t turn = 0;

			while (turn < kind_count && kinds[turn] != chunk.header.kind)
				turn++;
			if (chunk.offset >= known_bytes && (turn == kind_count || turn < stage))
				blank_rows(file, &chunk);
			else if (turn == stage && !mapped_file_refresh(file, chunk.offset + sizeof(chunk.header),
								       chunk.row_count * chunk.header.row_bytes, err))
				return false;
		}
	}
	return true;
}

static bool read_header(struct mapped_file *file, struct mp_header *ret_header, struct err *err)
{
	if (!mapped_file_read(file, sizeof(*ret_header), err))
		return false;
	memset(ret_header, 0, sizeof(*ret_header));
	if (file->size > 0)
		memcpy(ret_header, file->bytes, file->size);
	return true;
}

bool dump_file_load(const char *path, struct profile *profile, struct err *err)
{
	struct mapped_file file;
	struct mp_header header;
	bool is_dump;
	bool running;
	bool ok = false;

	if (!mapped_file_open(&file, path, err))
		return false;
	if (!read_header(&file, &header, err))
		goto out;
	is_dump = dump_is_dump(file.bytes, file.size);
	running = is_dump && dump_file_is_running(&header);
	/* Of what is no dump, nothing more is needed to say so. */
	if (is_dump && !mapped_file_read(&file, dump_extent(file.bytes, file.size, file.file_bytes), err))
		goto out;
	if (running && !refresh_referred(&file, err))
		goto out;
	if (!dump_read(file.bytes, file.size, path, profile, err))
		goto out;
	/* It may have ended since. Asked before reading, so that "killed" is not said of one that was just exiting. */
	if (profile->process.ended == PROFILE_ENDED_RUNNING && !running)
		profile->process.ended = PROFILE_ENDED_KILLED;
	ok = true;
out:
	mapped_file_close(&file);
	return ok;
}

static bool file_is_dump(const char *path)
{
	char magic[sizeof(MP_MAGIC) - 1];
	struct stat status;
	int fd;
	ssize_t got;

	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, magic, sizeof(magic));
	close(fd);
	return got == (ssize_t)sizeof(magic) && dump_is_dump(magic, sizeof(magic));
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_directory(struct dump_file_list *list, const char *path, struct err *err)
{
	DIR *directory = opendir(path);
	size_t first = list->paths.count;
	struct dirent *entry;

	if (!directory)
		return err_errno(err, errno, path, "cannot open");
	while ((entry = readdir(directory))) {
		size_t bytes = strlen(path) + strlen(entry->d_name) + 2;
		char *child = memory_resize(NULL, bytes, 1);

		snprintf(child, bytes, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", entry->d_name);
		if (file_is_dump(child)) {
			vec_push(&list->paths) = child;
		} else {
			free(child);
		}
	}
	closedir(directory);
	if (list->paths.count == first)
		return err_set(err, path, ERR_NO_OFFSET, "no dump in this directory");
	qsort(list->paths.list + first, list->paths.count - first, sizeof(char *), compare_paths);
	return true;
}

bool dump_file_list_add(struct dump_file_list *list, const char *path, struct err *err)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		list->has_directory = true;
		return add_directory(list, path, err);
	}
	vec_push(&list->paths) = memcpy(memory_resize(NULL, strlen(path) + 1, 1), path, strlen(path) + 1);
	return true;
}

bool dump_file_list_add_all(struct dump_file_list *list, char *const *paths, size_t count)
{
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		struct err err = { 0 };

		if (!dump_file_list_add(list, paths[i], &err)) {
			err_complain(&err);
			ok = false;
		}
	}
	return ok;
}

void dump_file_list_free(struct dump_file_list *list)
{
	for (size_t i = 0; i < list->paths.count; i++)
		free(list->paths.list[i]);
	vec_free(&list->paths);
}
