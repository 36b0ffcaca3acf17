/* SPDX-License-Identifier: MIT */
/*
 * Everything comes from /proc/self/maps and from the objects' own headers in memory. dl_iterate_phdr would take the
 * loader's lock; a hook that does so can deadlock with a thread that allocates, or waits, inside dlopen.
 */
#include "modules.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "dump_map.h"
#include "fmt.h"
#include "os.h"

#define LINE_BYTES 4400 /* a path of 4096, and the fields before it */
#define CHUNK_ROWS 64u
/*
 * Unsuccessful searches are repeated only this often (ns): a JIT that maps code all the time must not make us read
 * maps.
 */
#define RETRY_NS 50000000ull

struct known {
	struct module module;
	uint64_t inode;
	uint64_t path_hash;
	uint64_t bias;
	struct mp_module *row; /* NULL: no room in the dump */
};

/* Grown by whole blocks that never move, because readers hold pointers into them. */
#define BLOCK_MODULES 128u
static struct known *blocks[512];
static uint32_t count;
static uint32_t row_count;
static struct mp_module *next_row;
static uint64_t next_retry_ns;
static uint64_t loader_base;

static struct known *at(uint32_t i)
{
	return &blocks[i / BLOCK_MODULES][i % BLOCK_MODULES];
}

static uint64_t hash_path(const char *path)
{
	uint64_t h = 14695981039346656037ull;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 1099511628211ull;
	return h;
}

/* --- /proc/self/maps, a line at a time --- */

static struct {
	struct os_lock lock; /* one reader at a time: the buffers are too large for a hook's stack */
	int fd; /* -1 = none */
	size_t have;
	size_t next;
	char buf[4096];
} maps = { .fd = -1 };
static char line[LINE_BYTES];

static bool maps_open(void)
{
	os_lock(&maps.lock);
	maps.have = 0;
	maps.next = 0;
	maps.fd = os_open_read("/proc/self/maps");
	if (maps.fd < 0)
		os_unlock(&maps.lock);
	return maps.fd >= 0;
}

static void maps_close(void)
{
	int fd = maps.fd;

	/* In this order, so that a fork child never closes a descriptor that is somebody else's by then. */
	store_release(&maps.fd, -1);
	os_close(fd);
	os_unlock(&maps.lock);
}

static bool maps_line(void)
{
	size_t n = 0;

	for (;;) {
		if (maps.next == maps.have) {
			long got = os_read(maps.fd, maps.buf, sizeof(maps.buf));

			if (got <= 0)
				return false;
			maps.have = (size_t)got;
			maps.next = 0;
		}
		char c = maps.buf[maps.next++];

		if (c == '\n')
			break;
		if (n + 1 < sizeof(line))
			line[n++] = c;
	}
	line[n] = '\0';
	return true;
}

static uint64_t number(const char **s, unsigned base)
{
	uint64_t n = 0;

	for (;; (*s)++) {
		char c = **s;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 99;

		if (digit >= base)
			return n;
		n = n * base + digit;
	}
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "start-end rwxp offset major:minor inode   path" */
static bool parse_line(struct mapping *ret)
{
	const char *s = line;

	ret->start = number(&s, 16);
	if (!skip(&s, '-'))
		return false;
	ret->end = number(&s, 16);
	if (!skip(&s, ' ') || !s[0] || !s[1] || !s[2] || !s[3])
		return false;
	ret->read = s[0] == 'r';
	ret->write = ret->read && s[1] == 'w';
	ret->execute = s[2] == 'x';
	ret->shared = s[3] == 's';
	s += 4;
	if (!skip(&s, ' '))
		return false;
	ret->offset = number(&s, 16);
	while (*s && *s != ' ')
		s++;
	s += *s == ' ';
	while (*s && *s != ' ') /* device */
		s++;
	s += *s == ' ';
	ret->inode = number(&s, 10);
	while (*s == ' ')
		s++;
	ret->path = s;
	return ret->end > ret->start;
}

/* --- one object --- */

static void build_id_from(const uint8_t *notes, size_t bytes, struct mp_module *row)
{
	size_t at_byte = 0;

	while (bytes - at_byte >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)(const void *)(notes + at_byte);
		size_t name = sizeof(*n);
		size_t desc = name + (((size_t)n->n_namesz + 3) & ~(size_t)3);
		size_t next = desc + (((size_t)n->n_descsz + 3) & ~(size_t)3);

		if (next > bytes - at_byte)
			return;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
		    !__builtin_memcmp(notes + at_byte + name, "GNU", 4) && n->n_descsz <= sizeof(row->build_id)) {
			__builtin_memcpy(row->build_id, notes + at_byte + desc, n->n_descsz);
			row->build_id_bytes = n->n_descsz;
			return;
		}
		at_byte += next;
	}
}

/*
 * Reads the program headers of the object whose ELF header is mapped at HEADER (HEADER_BYTES of it readable): where its
 * unwind tables are, its load bias, its build id. The object is in use, so its segments are mapped as the headers say.
 */
static void read_object(const uint8_t *header, size_t header_bytes, struct known *k, struct mp_module *row)
{
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)(const void *)header;
	const ElfW(Phdr) * ph;
	const ElfW(Phdr) *frames = NULL;

	if (header_bytes < sizeof(*eh) || __builtin_memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_phentsize != sizeof(*ph) || eh->e_phoff > header_bytes ||
	    eh->e_phnum > (header_bytes - eh->e_phoff) / sizeof(*ph))
		return;
	ph = (const ElfW(Phdr) *)(const void *)(header + eh->e_phoff);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !(ph[i].p_offset & ~(uint64_t)0xfff)) {
			k->bias = (uint64_t)header - (ph[i].p_vaddr & ~(uint64_t)0xfff);
			break;
		}
	}
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_NOTE && row && !row->build_id_bytes)
			build_id_from((const uint8_t *)(k->bias + ph[i].p_vaddr), ph[i].p_filesz, row);
		if (ph[i].p_type == PT_GNU_EH_FRAME)
			frames = &ph[i];
	}
	for (unsigned i = 0; frames && i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || frames->p_vaddr < ph[i].p_vaddr ||
		    frames->p_vaddr + frames->p_filesz > ph[i].p_vaddr + ph[i].p_filesz)
			continue;
		k->module.tables.start = (const uint8_t *)(k->bias + ph[i].p_vaddr);
		k->module.tables.end = k->module.tables.start + ph[i].p_filesz;
		k->module.tables.eh_frame_hdr = (const uint8_t *)(k->bias + frames->p_vaddr);
		k->module.tables.eh_frame_hdr_bytes = frames->p_filesz;
	}
}

static struct mp_module *new_row(void)
{
	struct mp_chunk *chunk;

	if (row_count % CHUNK_ROWS == 0) {
		chunk = dump_chunk(MP_CHUNK_MODULE, sizeof(struct mp_module),
				   sizeof(*chunk) + CHUNK_ROWS * sizeof(struct mp_module), row_count + 1, 0);
		if (!chunk)
			return NULL;
		chunk->rows = CHUNK_ROWS;
		next_row = (struct mp_module *)(void *)(chunk + 1);
	}
	row_count++;
	return next_row++;
}

static void enter_row(struct known *k, const struct mapping *m, const uint8_t *header, size_t header_bytes)
{
	struct mp_module *row = row_count < MODULES_MAX ? new_row() : NULL;
	struct os_file file;

	if (!row) {
		drop(MP_LOSS_MODULES_FULL);
		k->module.number = 0;
	} else {
		k->module.number = row_count;
		k->row = row;
	}
	read_object(header, header_bytes, k, row);
	k->module.loader = loader_base && k->bias == loader_base;
	if (!row)
		return;
	row->end = m->end;
	row->bias = k->bias;
	row->load_ns = os_now_ns();
	row->path = dump_string(m->path, fmt_strlen(m->path));
	row->generation = 1;
	for (uint32_t i = 0; i < count; i++)
		row->generation += at(i)->module.gone && at(i)->module.start < m->end && m->start < at(i)->module.end;
	if (m->inode && os_stat_path(m->path, &file) && file.inode == m->inode) {
		row->file_bytes = file.bytes;
		row->file_mtime_ns = file.mtime_ns;
	}
	store_release(&row->start, m->start);
}

/* HEADER_*: the mapping of the same file at offset 0 that came last. */
static void add(const struct mapping *m, const uint8_t *header, size_t header_bytes)
{
	struct known *k;

	if (count == ARRAY_LEN(blocks) * BLOCK_MODULES) {
		drop(MP_LOSS_MODULES_FULL);
		return;
	}
	if (count % BLOCK_MODULES == 0 && !blocks[count / BLOCK_MODULES]) {
		blocks[count / BLOCK_MODULES] = os_map(BLOCK_MODULES * sizeof(struct known));
		if (!blocks[count / BLOCK_MODULES]) {
			drop(MP_LOSS_MODULES_FULL);
			return;
		}
	}
	k = at(count);
	/* All of it: a fork may have left the place half filled. */
	*k = (struct known){
		.module = { .start = m->start,
			    .end = m->end,
			    .tables = { .text_start = m->start, .text_end = m->end } },
		.inode = m->inode,
		.path_hash = hash_path(m->path),
	};
	if (m->path[0] == '/' || !__builtin_memcmp(m->path, "[vdso]", 7))
		enter_row(k, m, header, header_bytes);
	count++;
}

static bool same(const struct known *k, const struct mapping *m)
{
	return k->inode == m->inode && k->path_hash == hash_path(m->path);
}

/* A known module overlaps M: still the same? Anonymous code may grow; then the old record goes and a new one comes. */
static bool is_known(const struct mapping *m)
{
	bool known = false;

	for (uint32_t i = 0; i < count; i++) {
		struct known *k = at(i);

		if (k->module.gone || k->module.start >= m->end || m->start >= k->module.end)
			continue;
		if (same(k, m) && k->module.start == m->start && k->module.end == m->end) {
			known = true;
			continue;
		}
		if (same(k, m) && !k->module.number) {
			k->module.start = m->start;
			k->module.end = m->end;
			known = true;
			continue;
		}
		k->module.gone = true;
		if (k->row)
			store_relaxed(&k->row->unload_ns, os_now_ns());
	}
	return known;
}

/* ONLY: address that must lie in what is added, 0 = everything. */
static void scan(uint64_t only)
{
	struct mapping m;
	const uint8_t *header = NULL;
	size_t header_bytes = 0;
	uint64_t header_inode = 0;

	if (!maps_open())
		return;
	while (maps_line()) {
		if (!parse_line(&m))
			continue;
		if (m.read && (!m.offset || m.inode != header_inode)) {
			header = m.offset ? NULL : (const uint8_t *)m.start;
			header_bytes = m.offset ? 0 : m.end - m.start;
			header_inode = m.inode;
		}
		if (!m.execute || (only && (only < m.start || only >= m.end)) ||
		    !__builtin_memcmp(line, "ffffffffff", 10))
			continue;
		if (!is_known(&m))
			add(&m, header, header_bytes);
	}
	maps_close();
}

void modules_init(uint64_t base)
{
	loader_base = base;
	scan(0);
}

static struct known *search(uint64_t pc)
{
	for (uint32_t i = count; i-- > 0;) {
		struct known *k = at(i);

		if (pc >= k->module.start && pc < k->module.end && !k->module.gone)
			return k;
	}
	return NULL;
}

const struct module *modules_find(uint64_t pc)
{
	struct known *k = search(pc);
	uint64_t now;

	if (k)
		return &k->module;
	now = os_now_ns();
	if (now < next_retry_ns)
		return NULL;
	scan(pc);
	k = search(pc);
	if (!k)
		next_retry_ns = now + RETRY_NS;
	return k ? &k->module : NULL;
}

void modules_check(void (*each)(const struct module *m))
{
	static uint8_t seen[ARRAY_LEN(blocks) * BLOCK_MODULES / 8];
	struct mapping m;

	if (!maps_open())
		return;
	__builtin_memset(seen, 0, sizeof(seen));
	while (maps_line()) {
		if (!parse_line(&m) || !m.execute)
			continue;
		for (uint32_t i = 0; i < count; i++) {
			if (at(i)->module.start >= m.start && at(i)->module.end <= m.end && same(at(i), &m))
				seen[i / 8] |= (uint8_t)(1u << i % 8);
		}
	}
	maps_close();
	for (uint32_t i = 0; i < count; i++) {
		struct known *k = at(i);

		if (k->module.gone || seen[i / 8] & 1u << i % 8)
			continue;
		k->module.gone = true;
		if (k->row)
			store_relaxed(&k->row->unload_ns, os_now_ns());
		each(&k->module);
	}
}

bool modules_find_writable(uint64_t address, uint64_t *ret_start, uint64_t *ret_end)
{
	struct mapping m;
	bool found = false;

	if (!maps_open())
		return false;
	while (!found && maps_line()) {
		if (!parse_line(&m) || !m.write || address < m.start || address >= m.end)
			continue;
		*ret_start = m.start;
		*ret_end = m.end;
		found = true;
	}
	maps_close();
	return found;
}

bool modules_for_each_mapping(void (*each)(const struct mapping *m))
{
	struct mapping m;

	maps.lock.word = 0; /* a thread of the parent may have been reading */
	if (!maps_open())
		return false;
	while (maps_line()) {
		if (parse_line(&m))
			each(&m);
	}
	maps_close();
	return true;
}

bool modules_is_loader(uint32_t number_in_dump)
{
	for (uint32_t i = 0; number_in_dump && i < count; i++) {
		if (at(i)->module.number == number_in_dump)
			return at(i)->module.loader;
	}
	return false;
}

void modules_forked(const char *old_base)
{
	if (maps.lock.word && maps.fd >= 0)
		os_close_foreign(maps.fd); /* a thread of the parent was reading */
	maps.lock.word = 0;
	row_count = 0;
	next_row = NULL;
	next_retry_ns = 0;
	/* The same numbers in the same order, so that the rules and the hashes of stacks stay as they are. */
	for (uint32_t i = 0; i < count; i++) {
		struct known *k = at(i);
		const struct mp_module *old = k->row;
		const struct mp_string *path;
		struct mp_module *row;

		if (!old)
			continue;
		row = new_row();
		if (!row) {
			drop(MP_LOSS_MODULES_FULL);
			k->row = NULL;
			continue;
		}
		*row = *old;
		row->start = 0;
		path = (const struct mp_string *)(const void *)(old_base + old->path);
		row->path = old->path ? dump_string(path->text, path->bytes) : 0;
		store_release(&row->start, old->start);
		k->row = row;
	}
}
