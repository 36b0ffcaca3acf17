/* SPDX-License-Identifier: MIT */
/* Builds dumps byte by byte, and keeps files of tests in directories of their own. */
#include "unit_util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mp_metrics.h"

uint64_t unit_random_below(uint64_t limit)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

void unit_assert_text(const char *got, const char *want, const char *what)
{
	bool equal = got && want ? strcmp(got, want) == 0 : got == want;

	ck_assert_msg(equal, "%s is \"%s\", not \"%s\"", what, got ? got : "(NULL)", want ? want : "(NULL)");
}

static void extend(struct unit_dump *dump, size_t bytes)
{
	uint8_t *larger = realloc(dump->bytes, dump->size + bytes);

	ck_assert_ptr_nonnull(larger);
	memset(larger + dump->size, 0, bytes);
	dump->bytes = larger;
	dump->size += bytes;
}

struct mp_header *unit_dump_header(struct unit_dump *dump)
{
	return (struct mp_header *)(void *)dump->bytes;
}

void unit_dump_begin(struct unit_dump *dump)
{
	struct mp_header header = {
		.magic = { 'M', 'E', 'M', 'P', 'R', 'O', 'F', '\n' },
		.version = MP_DUMP_VERSION,
		.header_bytes = MP_HEADER_BYTES,
		.byte_order = MP_BYTE_ORDER,
		.page_bytes = 4096,
		.used_bytes = MP_HEADER_BYTES,
		.machine = 62,
		.mode = MP_MODE_FULL,
		.pid = 4711,
		.parent_pid = 4710,
		.start_realtime_ns = 1700000000000000000,
		.start_ns = 5000000000,
		.pid_start_ticks = 500,
		.boot_id = "another machine",
		.ended = MP_ENDED_EXIT,
		.end_ns = 6000000000,
		.last_ns = 5999000000,
		.stack_limit_frames = 512,
	};

	*dump = (struct unit_dump){ 0 };
	extend(dump, MP_HEADER_BYTES);
	memcpy(dump->bytes, &header, sizeof(header));
}

void unit_dump_free(struct unit_dump *dump)
{
	free(dump->bytes);
	*dump = (struct unit_dump){ 0 };
}

struct mp_chunk *unit_dump_chunk_at(struct unit_dump *dump, size_t offset)
{
	return (struct mp_chunk *)(void *)(dump->bytes + offset);
}

size_t unit_dump_chunk(struct unit_dump *dump, uint32_t kind, const void *rows, size_t row_bytes, size_t count,
		       uint64_t first, uint64_t owner)
{
	size_t offset = dump->size;
	size_t bytes = sizeof(struct mp_chunk) + row_bytes * count;
	struct mp_chunk header = { .kind = kind, .row_bytes = (uint32_t)row_bytes, .rows = count, .first = first };

	bytes = (bytes + MP_CHUNK_ALIGN - 1) / MP_CHUNK_ALIGN * MP_CHUNK_ALIGN;
	header.bytes = bytes;
	header.owner = owner;
	extend(dump, bytes);
	memcpy(dump->bytes + offset, &header, sizeof(header));
	memcpy(dump->bytes + offset + sizeof(header), rows, row_bytes * count);
	unit_dump_header(dump)->used_bytes = dump->size;
	return offset;
}

uint64_t unit_dump_text(struct unit_dump *dump, const void *text, size_t bytes)
{
	size_t size = sizeof(struct mp_string) + bytes + 1;
	uint8_t *row = calloc(1, size);
	uint32_t length = (uint32_t)bytes;
	size_t offset;

	ck_assert_ptr_nonnull(row);
	memcpy(row, &length, sizeof(length));
	memcpy(row + sizeof(struct mp_string), text, bytes);
	offset = unit_dump_chunk(dump, MP_CHUNK_STRING, row, 1, size, 0, 0);
	free(row);
	return offset + sizeof(struct mp_chunk);
}

uint64_t unit_dump_string(struct unit_dump *dump, const char *text)
{
	return unit_dump_text(dump, text, strlen(text));
}

static void add_code(struct unit_dump *dump)
{
	uint64_t app = unit_dump_string(dump, "/opt/sample/app");
	uint64_t lib = unit_dump_string(dump, "/opt/sample/libplugin.so");
	const struct mp_module modules[] = {
		{ .start = 0x401000,
		  .end = 0x402000,
		  .bias = 0x400000,
		  .load_ns = 5000000001,
		  .path = app,
		  .generation = 1,
		  .build_id_bytes = 4,
		  .build_id = { 0xde, 0xad, 0xbe, 0xef } },
		{ .start = 0x7f0000001000,
		  .end = 0x7f0000002000,
		  .bias = 0x7f0000000000,
		  .load_ns = 5100000000,
		  .unload_ns = 5200000000,
		  .path = lib,
		  .generation = 2,
		  .file_bytes = 12345,
		  .file_mtime_ns = 1600000000000000000 },
	};
	const struct mp_node nodes[] = {
		{ .ip = 0x401100, .parent = 0, .module = 1 },
		{ .ip = 0x401200, .parent = 1, .module = 1 },
		{ .ip = 0x7f0000001100, .parent = 1, .module = 2 },
		{ .ip = MP_MARK_DEPTH, .parent = 0 },
		{ .ip = 0x401300, .parent = 4, .module = 1 | MP_NODE_EXACT_IP },
		{ .ip = 0 },
	};

	unit_dump_rows(dump, MODULE, modules, 1, 0);
	unit_dump_rows(dump, NODE, nodes, 1, 0);
}

/* Two shards. Sums: MAIN 10 blocks 1000 bytes, PARSE 7 and 700, LOAD 1 and 50, SIGNAL 2 and 20. */
static void add_sites(struct unit_dump *dump)
{
	const struct mp_site first[] = {
		{ .stack = UNIT_STACK_MAIN,
		  .peak_epoch = 3,
		  .alloc_count = 10,
		  .alloc_bytes = 1000,
		  .free_count = 4,
		  .free_bytes = 400,
		  .peak_bytes = 900,
		  .peak_count = 9,
		  .temporary_count = 2 },
		{ .stack = UNIT_STACK_PARSE,
		  .peak_epoch = 2,
		  .alloc_count = 5,
		  .alloc_bytes = 500,
		  .peak_bytes = 77, /* of an older peak, so not its share at the last one */
		  .peak_count = 7,
		  .realloc_count = 1 },
		{ .stack = 0 },
	};
	const struct mp_site second[] = {
		{ .stack = UNIT_STACK_PARSE,
		  .peak_epoch = 3,
		  .alloc_count = 2,
		  .alloc_bytes = 200,
		  .free_count = 6,
		  .free_bytes = 600,
		  .peak_bytes = -300,
		  .peak_count = -3 },
		{ .stack = UNIT_STACK_LOAD, .peak_epoch = 1, .alloc_count = 1, .alloc_bytes = 50 },
		{ .stack = UNIT_STACK_SIGNAL,
		  .peak_epoch = 3,
		  .alloc_count = 2,
		  .alloc_bytes = 20,
		  .free_count = 2,
		  .free_bytes = 20,
		  .temporary_count = 2 },
	};

	unit_dump_rows(dump, SITE, first, 0, 1);
	unit_dump_rows(dump, SITE, second, 0, 2);
}

static void add_threads(struct unit_dump *dump)
{
	const struct mp_thread threads[] = {
		{ .start_ns = 5000000001,
		  .tid = 4711,
		  .threads = 1,
		  .name = "app",
		  .alloc_count = 15,
		  .alloc_bytes = 1500,
		  .free_count = 4,
		  .free_bytes = 400,
		  .temporary_count = 2,
		  .realloc_count = 1,
		  .lock_acquisitions = 100,
		  .lock_contentions = 3,
		  .lock_wait_ns = 3000 },
		{ .start_ns = 5000000002,
		  .end_ns = 5900000000,
		  .threads = 2,
		  .name = "worker",
		  .alloc_count = 5,
		  .alloc_bytes = 270,
		  .free_count = 8,
		  .free_bytes = 620,
		  .temporary_count = 2,
		  .lock_acquisitions = 50,
		  .lock_contentions = 2,
		  .lock_wait_ns = 7000 },
	};
	const struct mp_tick ticks[] = {
		{ .time_ns = 5100000000, .live_bytes = 500, .rss_bytes = 100000, .alloc_count = 5 },
		{ .time_ns = 5500000000, .live_bytes = 1150, .alloc_count = 15, .alloc_bytes = 1500 },
		{ .time_ns = 0 },
	};

	unit_dump_rows(dump, THREAD, threads, 1, 0);
	unit_dump_rows(dump, TIMELINE, ticks, 0, 0);
}

/* Lock 1 was waited for by two threads: 5 times, 10000 ns. */
static void add_locks(struct unit_dump *dump)
{
	const struct mp_lock locks[] = {
		{ .address = 0x404040, .kind = MP_LOCK_MUTEX, .first_stack = UNIT_STACK_PARSE, .first_ns = 5050000000 },
		{ .address = 0x55550000,
		  .kind = MP_LOCK_RWLOCK,
		  .flags = MP_LOCK_FLAG_COUNT_FROM_FIRST,
		  .first_stack = UNIT_STACK_LOAD,
		  .alloc_stack = UNIT_STACK_LOAD,
		  .alloc_offset = 16,
		  .alloc_bytes = 50 },
	};
	const struct mp_lock_share first[] = {
		{ .lock = 1, .acquisitions = 100, .contentions = 3, .wait_ns = 3000, .wait_max_ns = 2000 },
	};
	const struct mp_lock_share second[] = {
		{ .lock = 1, .acquisitions = 40, .contentions = 2, .wait_ns = 7000, .wait_max_ns = 6000 },
		{ .lock = 2, .acquisitions = 10, .trylock_failures = 4, .timeouts = 1 },
	};
	const struct mp_lock_wait waits[] = {
		{ .lock = 1, .stack = UNIT_STACK_PARSE, .count = 3, .wait_ns = 3000, .wait_max_ns = 2000 },
		{ .lock = 1, .stack = UNIT_STACK_MAIN, .count = 2, .wait_ns = 7000, .wait_max_ns = 6000 },
	};

	unit_dump_rows(dump, LOCK, locks, 1, 0);
	unit_dump_rows(dump, LOCK_SHARE, first, 0, 1);
	unit_dump_rows(dump, LOCK_SHARE, second, 0, 2);
	unit_dump_rows(dump, LOCK_WAIT, waits, 0, 2);
}

static void add_details(struct unit_dump *dump)
{
	const struct mp_loss losses[] = {
		{ .reason = MP_LOSS_NESTED, .count = 6 },
		{ .reason = MP_LOSS_UNKNOWN_FREE, .count = 0 },
		{ .reason = 0 },
	};
	struct mp_option options[2];

	options[0].name = unit_dump_string(dump, "MEMPROF_DEPTH");
	options[0].value = unit_dump_string(dump, "512");
	options[1].name = unit_dump_string(dump, "MEMPROF_MODE");
	options[1].value = unit_dump_string(dump, "full");
	unit_dump_rows(dump, LOSS, losses, 0, 0);
	unit_dump_rows(dump, OPTION, options, 0, 0);
}

void unit_dump_sample(struct unit_dump *dump)
{
	struct mp_header *header;
	uint64_t exe, argv;

	unit_dump_begin(dump);
	exe = unit_dump_string(dump, "/opt/sample/app");
	argv = unit_dump_text(dump, "app\0--fast\0two words", sizeof("app\0--fast\0two words"));
	add_code(dump);
	add_sites(dump);
	add_threads(dump);
	add_locks(dump);
	add_details(dump);
	header = unit_dump_header(dump);
	header->exe = exe;
	header->argv = argv;
	header->peak_epoch = 3;
	header->peak_bytes = 1150;
	header->peak_count = 12;
	header->peak_ns = 5500000000;
	header->live_bytes = 750;
	header->live_count = 8;
	header->features = MP_FEATURE_LOCKS | MP_FEATURE_TIMELINE;
}

void unit_make_directory(char *ret_path, size_t bytes)
{
	const char *base = getenv("TMPDIR");

	snprintf(ret_path, bytes, "%s/memprof-unit-XXXXXX", base && base[0] == '/' ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(ret_path));
}

void unit_remove_directory(const char *path)
{
	char command[4096];

	snprintf(command, sizeof(command), "rm -rf -- '%s'", path);
	ck_assert_int_eq(system(command), 0);
}

void unit_write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

bool unit_run(const char *directory, const char *format, ...)
{
	char command[4096], line[4500];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "cd '%s' && { %s ; } >command.log 2>&1 || { cat command.log; exit 1; }", directory,
		 command);
	return system(line) == 0;
}
