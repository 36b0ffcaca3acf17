/* SPDX-License-Identifier: MIT */
/* Reading and writing baselines. */
#include "baseline.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump_chunk.h"
#include "dump_file.h"
#include "json_text.h"
#include "mapped_file.h"

#define SCHEMA "memprof-baseline/1"

/* Numbers of the file and where they are kept. X(member, field of struct summary) */
#define TOTALS(X)                                  \
	X("peak_bytes", totals.peak_bytes.value)   \
	X("alloc_count", totals.alloc_count.value) \
	X("alloc_bytes", totals.alloc_bytes.value) \
	X("temporary_count", totals.temporary_count.value)

/* Reading. */

struct reader {
	struct summary *summary;
	const char *path;
	struct err *err;
	const char *list; /* "leaks" or "locks" */
	size_t index;     /* in that list */
};

static bool __attribute__((format(printf, 2, 3))) complain(const struct reader *reader, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!reader->list)
		return err_set(reader->err, reader->path, ERR_NO_OFFSET, "%s", text);
	return err_set(reader->err, reader->path, ERR_NO_OFFSET, "%s[%zu]: %s", reader->list, reader->index, text);
}

static bool get_number(const struct reader *reader, const json_t *object, const char *key, double *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return complain(reader, "\"%s\" must be a whole number that is not negative", key);
	*ret_value = (double)json_integer_value(value);
	return true;
}

static const char *get_text(const struct reader *reader, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		complain(reader, "\"%s\" must be a text", key);
	return text;
}

static bool get_key(const struct reader *reader, const json_t *object, struct stack_key *ret_key)
{
	const json_t *list = json_object_get(object, "stack");
	struct summary *summary = reader->summary;
	const char **names;
	const json_t *name;
	size_t i;

	if (!json_is_array(list))
		return complain(reader, "\"stack\" must be a list of functions");
	names = arena_array(&summary->arena, const char *, json_array_size(list));
	json_array_foreach(list, i, name)
	{
		if (!json_is_string(name))
			return complain(reader, "\"stack\" must be a list of functions");
		names[i] = strtab_intern(summary->names, json_string_value(name));
	}
	*ret_key = stack_key_of_names(names, json_array_size(list));
	return true;
}

static bool add_leak(const struct reader *reader, const json_t *object)
{
	struct summary_leak leak = { .dumps = 1 };
	const char *word = get_text(reader, object, "class");

	if (!word)
		return false;
	if (!leak_class_parse(word, strlen(word), &leak.leak_class))
		return complain(reader, "unknown class \"%.60s\"", word);
	if (!get_number(reader, object, "blocks", &leak.blocks.value) ||
	    !get_number(reader, object, "bytes", &leak.bytes.value) || !get_key(reader, object, &leak.key))
		return false;
	summary_add_leak(reader->summary, &leak);
	return true;
}

static bool add_lock(const struct reader *reader, const json_t *object)
{
	struct strtab *names = reader->summary->names;
	const char *kind = get_text(reader, object, "kind");
	const char *name = kind ? get_text(reader, object, "name") : NULL;
	double wait_ns;

	if (!name || !get_number(reader, object, "wait_ns", &wait_ns))
		return false;
	summary_add_lock(reader->summary, &(struct summary_lock){
						  .name = strtab_intern(names, name),
						  .kind = strtab_intern(names, kind),
						  .hash = summary_lock_hash(kind, name),
						  .wait_ns = (uint64_t)wait_ns,
					  });
	return true;
}

static bool add_list(struct reader *reader, const json_t *root, const char *key,
		     bool (*add)(const struct reader *reader, const json_t *object))
{
	const json_t *list = json_object_get(root, key);
	const json_t *element;

	if (!json_is_array(list))
		return complain(reader, "\"%s\" must be a list", key);
	reader->list = key;
	json_array_foreach(list, reader->index, element)
	{
		if (!add(reader, element))
			return false;
	}
	reader->list = NULL;
	return true;
}

static bool read_object(struct reader *reader, const json_t *root)
{
	struct summary *summary = reader->summary;
	const char *schema = json_string_value(json_object_get(root, "schema"));
	double wait_ns = 0;

	if (schema && strncmp(schema, "memprof-report/", strlen("memprof-report/")) == 0)
		return complain(reader, "this is a report; a baseline is made with: memprof-analyze gate DUMP "
					"--write-baseline FILE");
	if (!schema || strcmp(schema, SCHEMA) != 0)
		return complain(reader, "not a baseline of this version: \"schema\" is not \"" SCHEMA "\"");
#define X(key, field)                                        \
	if (!get_number(reader, root, key, &summary->field)) \
		return false;
	TOTALS(X)
#undef X
	if (!get_number(reader, root, "wait_ns", &wait_ns))
		return false;
	summary->totals.wait_ns = (uint64_t)wait_ns;
	summary->dumps = 1;
	summary->totals.peak_dump = strtab_intern(summary->names, reader->path);
	return add_list(reader, root, "leaks", add_leak) && add_list(reader, root, "locks", add_lock);
}

bool baseline_parse(struct summary *summary, const char *path, const char *text, size_t size, struct err *err)
{
	struct reader reader = { .summary = summary, .path = path, .err = err };
	json_error_t problem;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
	bool ok;

	if (!root)
		return err_set(err, path, ERR_NO_OFFSET, "line %d, column %d: %s", problem.line, problem.column,
			       problem.text);
	ok = read_object(&reader, root);
	json_decref(root);
	return ok;
}

static bool read_directory(struct summary *summary, const char *path, struct err *err)
{
	struct dump_file_list list = { 0 };
	bool ok = dump_file_list_add(&list, path, err);

	for (size_t i = 0; ok && i < list.paths.count; i++)
		ok = summary_add_dump(summary, list.paths.list[i], err);
	dump_file_list_free(&list);
	return ok;
}

bool baseline_read(struct summary *summary, const char *path, struct err *err)
{
	struct mapped_file file;
	struct stat status;
	const char *text;
	size_t blanks;
	bool ok;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return read_directory(summary, path, err);
	if (!mapped_file_open(&file, path, err))
		return false;
	ok = mapped_file_read(&file, file.file_bytes, err);
	text = file.size > 0 ? (const char *)file.bytes : "";
	for (blanks = 0; ok && blanks < file.size && strchr(" \t\r\n", text[blanks]) && text[blanks]; blanks++)
		;
	if (ok && blanks < file.size && text[blanks] == '{')
		ok = baseline_parse(summary, path, text, file.size, err);
	else if (ok)
		ok = summary_add_dump(summary, path, err);
	mapped_file_close(&file);
	return ok;
}

/* Writing. */

static int compare_names(const struct stack_key *a, const struct stack_key *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int order = strcmp(a->names[i], b->names[i]);

		if (order != 0)
			return order;
	}
	return (a->count > b->count) - (a->count < b->count);
}

static int compare_leaks(const void *a, const void *b)
{
	const struct summary_leak *x = *(const struct summary_leak *const *)a;
	const struct summary_leak *y = *(const struct summary_leak *const *)b;

	if (x->leak_class != y->leak_class)
		return x->leak_class < y->leak_class ? -1 : 1;
	return compare_names(&x->key, &y->key);
}

static int compare_locks(const void *a, const void *b)
{
	const struct summary_lock *x = *(const struct summary_lock *const *)a;
	const struct summary_lock *y = *(const struct summary_lock *const *)b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->kind, y->kind);
}

static json_t *number(double value)
{
	return json_integer(value < 9e18 ? (json_int_t)(value + 0.5) : INT64_MAX);
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Writes OBJECT, and takes it over. */
static void write_row(json_t *object, bool first, FILE *out)
{
	fputs(first ? "\n" : ",\n", out);
	json_dumpf(object, out, JSON_COMPACT);
	json_decref(object);
}

static json_t *make_leak(const struct summary_leak *leak)
{
	json_t *object = json_object();
	json_t *stack = json_array();

	for (size_t i = 0; i < leak->key.count; i++)
		json_array_append_new(stack, json_text(leak->key.names[i]));
	put(object, "class", json_string(leak_class_word(leak->leak_class)));
	put(object, "blocks", number(leak->blocks.value));
	put(object, "bytes", number(leak->bytes.value));
	put(object, "stack", stack);
	return object;
}

static json_t *make_lock(const struct summary_lock *lock)
{
	json_t *object = json_object();

	put(object, "kind", json_text(lock->kind));
	put(object, "name", json_text(lock->name));
	put(object, "wait_ns", number((double)lock->wait_ns));
	return object;
}

static void write_leaks(const struct summary *summary, FILE *out)
{
	size_t count = summary->leaks.count;
	const struct summary_leak **leaks = memory_zeroed(count + 1, sizeof(*leaks));

	for (size_t i = 0; i < count; i++)
		leaks[i] = &summary->leaks.list[i];
	qsort(leaks, count, sizeof(*leaks), compare_leaks);
	for (size_t i = 0; i < count; i++)
		write_row(make_leak(leaks[i]), i == 0, out);
	free(leaks);
}

/* Locks without a name cannot be found again in another run by anything that a file should hold. */
static void write_locks(const struct summary *summary, FILE *out)
{
	const struct summary_lock **locks = memory_zeroed(summary->locks.count + 1, sizeof(*locks));
	size_t count = 0;

	for (size_t i = 0; i < summary->locks.count; i++) {
		if (summary->locks.list[i].name)
			locks[count++] = &summary->locks.list[i];
	}
	qsort(locks, count, sizeof(*locks), compare_locks);
	for (size_t i = 0; i < count; i++)
		write_row(make_lock(locks[i]), i == 0, out);
	free(locks);
}

void baseline_write(const struct summary *summary, FILE *out)
{
	fputs("{\"schema\":\"" SCHEMA "\",\n\"producer\":\"memprof-analyze " MP_VERSION "\"", out);
#define X(key, field) fprintf(out, ",\n\"%s\":%.0f", key, summary->field);
	TOTALS(X)
#undef X
	fprintf(out, ",\n\"wait_ns\":%" PRIu64, summary->totals.wait_ns);
	fputs(",\n\"leaks\":[", out);
	write_leaks(summary, out);
	fputs("],\n\"locks\":[", out);
	write_locks(summary, out);
	fputs("]}\n", out);
}
