/* SPDX-License-Identifier: MIT */
/*
 * The dump file. It is extended in the file system ahead of need (sparse, so it costs nothing) and mapped once, over
 * its largest size; pages are made present, with disk space behind them, before they are touched, so that a full disk
 * is an answer and never SIGBUS. No descriptor is kept: programs close or count descriptors that are not theirs.
 *
 * What is mapped behind the end of the file cannot be accessed at all: tools that look through all memory, as memcheck
 * does for leaks, would meet SIGBUS at each word of it.
 */
#include "dump_map.h"

#include <errno.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "fmt.h"
#include "options.h"
#include "os.h"

/* Held ready in the file system, so that a chroot or a strict seccomp filter later does not end the growth early. */
#define AHEAD_BYTES (16ull << 20)
/* Pages are made present in steps of this. */
#define POPULATE_BYTES     (128ull << 10)
#define STRING_CHUNK_BYTES (16u << 10)

char *dump_base;

static struct {
	char path[4096];
	uint64_t device;
	uint64_t inode;
	uint64_t mapped_bytes;
	uint64_t file_bytes;    /* length of the file */
	uint64_t present_bytes; /* of these, safe to touch */
	bool succeeded; /* once, in this process or its parent */
	bool populate;          /* MADV_POPULATE_WRITE works; otherwise all of file_bytes was allocated at once */
	struct os_lock lock;    /* chunks */
	struct os_lock string_lock;
	char *string_next;
	char *string_end;
} dump;

/* Is the name taken, by anything but a finished run's dump or an empty file (a left-over, or a mktemp)? */
static bool in_use(const char *path)
{
	union {
		struct mp_header header;
		char bytes[sizeof(struct mp_header) + 1];
	} u;
	char name[64];
	struct fmt f;
	struct os_file ignored;
	long n;

	/* Reading from a pipe would wait. */
	n = os_read_plain_file(path, u.bytes, sizeof(u.bytes));
	if (n != (long)sizeof(struct mp_header) || __builtin_memcmp(u.header.magic, MP_MAGIC, 8))
		return n != 0;
	fmt_init(&f, name, sizeof(name));
	fmt_str(&f, "/proc/");
	fmt_u64(&f, u.header.pid);
	return os_stat_path(name, &ignored);
}

static void expand(struct fmt *f, const char *pattern, const char *program)
{
	for (const char *s = pattern; *s; s++) {
		if (s[0] != '%') {
			fmt_mem(f, s, 1);
			continue;
		}
		switch (*++s) {
		case 'e':
			fmt_str(f, program);
			break;
		case 'p':
			fmt_u64(f, os_pid());
			break;
		case 't':
			fmt_u64(f, os_realtime_ns() / 1000000000);
			break;
		case '%':
			fmt_str(f, "%");
			break;
		case '\0':
			s--;
			/* fallthrough */
		default:
			fmt_str(f, "%");
			if (*s != '%')
				fmt_mem(f, s, 1);
		}
	}
}

/*
 * Opens a new file; a finished run's dump of that name is replaced, anything else gets a neighbour with a suffix. But
 * for devices: nobody wants a file beside /dev/null.
 */
static int create_file(struct fmt *f)
{
	size_t stem = f->used;
	int fd = os_create(f->text);

	if (fd == -EEXIST && os_is_device(f->text))
		return -ENODEV;
	for (unsigned n = 0; fd == -EEXIST && n < 1000; n++) {
		if (in_use(f->text) || os_unlink(f->text) < 0) {
			f->used = stem;
			fmt_str(f, ".");
			fmt_u64(f, os_pid());
			if (n) {
				fmt_str(f, ".");
				fmt_u64(f, n);
			}
		}
		fd = os_create(f->text);
	}
	return fd;
}

/* A pattern that names a directory means the usual name in there. */
static void enter_directory(struct fmt *f, const char *program)
{
	bool is_open = f->used > 0 && f->text[f->used - 1] == '/';

	if (!is_open && !os_is_directory(f->text))
		return;
	fmt_str(f, is_open ? "" : "/");
	expand(f, MP_DUMP_NAME, program);
}

static const char *error_text(int error)
{
	switch (-error) {
	case EACCES:
		return "permission denied";
	case EROFS:
		return "read-only file system";
	case ENOENT:
		return "no such directory";
	case ENOSPC:
		return "no space left";
	case EMFILE:
	case ENFILE:
		return "too many open files";
	case ENOTDIR:
		return "not a directory";
	case ENODEV:
		return "is a device";
	case ENAMETOOLONG:
		return "name too long";
	case EDQUOT:
		return "quota exceeded";
	case ELOOP:
		return "symbolic link refused";
	case ENOMEM:
		return "no memory";
	case EEXIST:
		return "file exists";
	case EFBIG:
		return "file size limit";
	case EPERM:
	case ENOSYS:
		return "refused by a sandbox (seccomp)";
	default:
		return "error";
	}
}

static bool map_file(int fd)
{
	uint64_t want = opt.max_dump & ~(uint64_t)(DUMP_PAGE - 1);

	/* A small RLIMIT_AS is the program's business: take less, down to what a small program needs. */
	for (; want >= (1u << 20); want /= 2) {
		dump_base = os_map_file(fd, want);
		if (dump_base) {
			dump.mapped_bytes = want;
			return true;
		}
	}
	return false;
}

/* Makes the first bytes of the file usable; returns 0 or a negative errno value. */
static int first_pages(int fd)
{
	uint64_t limit = os_limit_file_bytes() & ~(uint64_t)(DUMP_PAGE - 1);
	uint64_t bytes = AHEAD_BYTES;
	int r;

	bytes = bytes < dump.mapped_bytes ? bytes : dump.mapped_bytes;
	bytes = bytes < limit ? bytes : limit;
	if (bytes < POPULATE_BYTES)
		return -EFBIG;
	r = os_truncate(fd, bytes);
	if (r < 0)
		return r;
	dump.file_bytes = bytes;
	if (bytes < dump.mapped_bytes)
		os_protect(dump_base + bytes, dump.mapped_bytes - bytes, false);
	dump.present_bytes = POPULATE_BYTES;
	r = os_populate(dump_base, POPULATE_BYTES);
	dump.populate = r != -EINVAL;
	if (dump.populate)
		return r < 0 ? -ENOSPC : 0;
	/* A kernel before 5.14: everything that will ever be used is taken at once. */
	r = os_allocate(fd, 0, bytes);
	if (r < 0)
		return r;
	dump.present_bytes = bytes;
	return 0;
}

static MP_COLD bool fail(int fd, int error)
{
	if (dump_base)
		os_unmap_file(dump_base, dump.mapped_bytes);
	dump_base = NULL;
	if (fd >= 0) {
		os_unlink(dump.path);
		os_close(fd);
	}
	/* A fork child is silent: its standard error may be the program's own file or socket by now. */
	if (!dump.succeeded)
		fmt_warn("cannot write ", dump.path, ": ", error_text(error), "; the program runs unrecorded", NULL);
	dump.path[0] = '\0';
	return false;
}

bool dump_create(const char *pattern, const char *program)
{
	struct os_file file;
	struct mp_header *h;
	struct fmt f;
	int fd;
	int r;

	dump.file_bytes = 0;
	dump.present_bytes = 0;
	dump.string_next = NULL;
	dump.string_end = NULL;
	dump.lock.word = 0;
	dump.string_lock.word = 0;
	fmt_init(&f, dump.path, sizeof(dump.path) - 32); /* leaves room for a suffix */
	expand(&f, pattern, program);
	enter_directory(&f, program);
	if (f.cut)
		return fail(-1, -ENAMETOOLONG);
	f.room = sizeof(dump.path);
	fd = create_file(&f);
	if (fd < 0)
		return fail(-1, fd);
	if (!os_stat(fd, &file) || !map_file(fd))
		return fail(fd, -ENOMEM);
	dump.device = file.device;
	dump.inode = file.inode;
	r = first_pages(fd);
	if (r < 0)
		return fail(fd, r);
	os_close(fd);
	h = dump_header();
	h->version = MP_DUMP_VERSION;
	h->header_bytes = MP_HEADER_BYTES;
	h->byte_order = MP_BYTE_ORDER;
	h->page_bytes = DUMP_PAGE;
	h->used_bytes = MP_HEADER_BYTES;
	__builtin_memcpy(h->magic, MP_MAGIC, 8);
	dump.succeeded = true;
	return true;
}

/* Makes the file at least BYTES long by opening it once more, if it is still the same file. */
static bool extend_file(uint64_t bytes)
{
	uint64_t want = dump.file_bytes * 2;
	uint64_t limit = os_limit_file_bytes();
	struct os_file file;
	int fd;
	bool ok;

	want = want < dump.mapped_bytes ? want : dump.mapped_bytes;
	if (!dump.populate || bytes > want || want > limit)
		return false;
	fd = os_open_rw(dump.path);
	if (fd < 0)
		return false;
	ok = os_stat(fd, &file) && file.device == dump.device && file.inode == dump.inode &&
	     os_truncate(fd, want) == 0 && os_protect(dump_base + dump.file_bytes, want - dump.file_bytes, true);
	os_close(fd);
	if (ok)
		dump.file_bytes = want;
	return ok;
}

static bool make_present(uint64_t bytes)
{
	uint64_t upto;

	if (bytes <= dump.present_bytes)
		return true;
	if (bytes > dump.file_bytes && !extend_file(bytes))
		return false;
	upto = (bytes + POPULATE_BYTES - 1) & ~(POPULATE_BYTES - 1);
	upto = upto < dump.file_bytes ? upto : dump.file_bytes;
	if (!dump.populate)
		return false;
	if (os_populate(dump_base + dump.present_bytes, upto - dump.present_bytes) < 0) {
		upto = bytes; /* the disk is nearly full: take no more than needed */
		if (os_populate(dump_base + dump.present_bytes, upto - dump.present_bytes) < 0)
			return false;
	}
	dump.present_bytes = upto;
	return true;
}

/* COUNT chunks like LIKE, one behind the other, whole pages in all. */
static struct mp_chunk *add_chunks(const struct mp_chunk *like, unsigned count)
{
	struct mp_chunk *first = NULL;
	struct mp_header *h = dump_header();
	uint64_t bytes = like->bytes * count;

	os_lock(&dump.lock);
	if (h && make_present(h->used_bytes + bytes)) {
		char *at = dump_base + h->used_bytes;

		first = (struct mp_chunk *)(void *)at;
		for (unsigned i = 0; i < count; i++, at += like->bytes)
			*(struct mp_chunk *)(void *)at = *like;
		store_release(&h->used_bytes,
			      h->used_bytes + bytes); /* readers of the file find the chunk from here on */
	} else if (h) {
		bump(&h->dropped_bytes, bytes);
		drop(MP_LOSS_DUMP_FULL);
	}
	os_unlock(&dump.lock);
	return first;
}

struct mp_chunk *dump_chunk(enum mp_chunk_kind kind, uint32_t row_bytes, size_t bytes, uint64_t first, uint64_t owner)
{
	struct mp_chunk like = { .kind = kind, .row_bytes = row_bytes, .first = first, .owner = owner };

	like.bytes = (bytes + DUMP_PAGE - 1) & ~(size_t)(DUMP_PAGE - 1);
	like.rows = dump_rows(like.bytes, row_bytes);
	return add_chunks(&like, 1);
}

struct mp_chunk *dump_small_chunks(uint32_t row_bytes, uint64_t owner)
{
	struct mp_chunk like = { .row_bytes = row_bytes, .bytes = DUMP_SMALL_CHUNK, .owner = owner };

	like.rows = dump_rows(like.bytes, row_bytes);
	return add_chunks(&like, DUMP_PAGE / DUMP_SMALL_CHUNK);
}

uint64_t dump_string(const char *text, size_t bytes)
{
	size_t room = (sizeof(struct mp_string) + bytes + 1 + 7) & ~(size_t)7;
	struct mp_string *s = NULL;
	uint64_t ref = 0;

	os_lock(&dump.string_lock);
	if (room > (size_t)(dump.string_end - dump.string_next)) {
		size_t want = room + sizeof(struct mp_chunk);
		struct mp_chunk *chunk;

		want = want > STRING_CHUNK_BYTES ? want : STRING_CHUNK_BYTES;
		chunk = dump_chunk(MP_CHUNK_STRING, 1, want, 0, 0);
		if (chunk) {
			dump.string_next = (char *)(chunk + 1);
			dump.string_end = (char *)chunk + chunk->bytes;
		}
	}
	if (room <= (size_t)(dump.string_end - dump.string_next)) {
		s = (struct mp_string *)(void *)dump.string_next;
		dump.string_next += room;
		__builtin_memcpy(s->text, text, bytes);
		store_release(&s->bytes, (uint32_t)bytes);
		ref = (uint64_t)((char *)s - dump_base);
	}
	os_unlock(&dump.string_lock);
	return ref;
}

void dump_reserve(uint64_t bytes)
{
	os_lock(&dump.lock);
	if (dump_base)
		make_present(dump_header()->used_bytes + bytes);
	os_unlock(&dump.lock);
}

void dump_make_private(void)
{
	uint64_t used = dump_header()->used_bytes;
	char *copy = os_map(used);

	/* The parent may cut off what lies behind the used bytes at any moment, so none of it is read. */
	if (copy) {
		__builtin_memcpy(copy, dump_base, used);
		if (os_map_over(dump_base, dump.present_bytes > used ? dump.present_bytes : used))
			__builtin_memcpy(dump_base, copy, used);
		os_unmap(copy, used);
	}
	dump.populate = false;
	dump.path[0] = '\0';
}

void dump_trim(void)
{
	struct os_file file;
	int fd;

	if (!dump_base)
		return;
	fd = os_open_rw(dump.path);
	if (fd < 0)
		return;
	os_lock(&dump.lock);
	if (os_stat(fd, &file) && file.device == dump.device && file.inode == dump.inode) {
		uint64_t keep = dump_header()->used_bytes;

		/* Pages past the end must not be touched any more; a late chunk extends the file again. */
		if (os_truncate(fd, keep) == 0) {
			if (keep < dump.file_bytes)
				os_protect(dump_base + keep, dump.file_bytes - keep, false);
			dump.file_bytes = keep;
			dump.present_bytes = keep;
		}
	}
	os_unlock(&dump.lock);
	os_close(fd);
}

void dump_unlink(void)
{
	struct os_file file;

	if (os_stat_path(dump.path, &file) && file.device == dump.device && file.inode == dump.inode)
		os_unlink(dump.path);
	dump.path[0] = '\0';
}

bool dump_is_linked(void)
{
	return dump.path[0] != '\0';
}

uint64_t dump_mapped_bytes(void)
{
	return dump.mapped_bytes;
}
