/* SPDX-License-Identifier: MIT */
/* Limits from options and policy files. */
#include "policy.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "json_where.h"
#include "mapped_file.h"
#include "units.h"

struct limit_info {
	const char *word;
	enum policy_unit unit;
	enum policy_key key;
};

static const struct limit_info limit_infos[] = {
#define X(name, field, word, unit, key, argument, help) { word, POLICY_##unit, POLICY_KEY_##key },
	POLICY_LIMITS(X)
#undef X
};

const char *limit_word(enum limit_kind kind)
{
	return limit_infos[kind].word;
}

enum policy_unit limit_unit(enum limit_kind kind)
{
	return limit_infos[kind].unit;
}

enum policy_key limit_key(enum limit_kind kind)
{
	return limit_infos[kind].key;
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){ .fail_on = 1u << MP_LEAK_DEFINITE };
}

void policy_free(struct policy *policy)
{
	vec_free(&policy->limits);
	vec_free(&policy->suppressions);
	arena_free(&policy->arena);
}

/* Values. */

static bool parse_value(enum policy_unit unit, const char *text, double *ret_value)
{
	uint64_t number;

	switch (unit) {
	case POLICY_BYTES:
		if (!units_parse_bytes(text, &number))
			return false;
		break;
	case POLICY_COUNT:
		if (!units_parse(text, 0, INT64_MAX, &number))
			return false;
		break;
	case POLICY_TIME:
		if (!units_parse_duration(text, &number))
			return false;
		break;
	case POLICY_PERCENT:
		return units_parse_percent(text, ret_value) && *ret_value <= 100;
	}
	*ret_value = (double)number;
	return true;
}

static const char *unit_example(enum policy_unit unit)
{
	static const char *const examples[] = {
		[POLICY_BYTES] = "a size such as 64K",
		[POLICY_COUNT] = "a number",
		[POLICY_PERCENT] = "a percentage from 0 to 100",
		[POLICY_TIME] = "a time with its unit, such as 250ms",
	};

	return examples[unit];
}

static bool same_place(const struct limit *a, const struct limit *b)
{
	return a->kind == b->kind && a->class == b->class && !a->lock == !b->lock &&
	       (!a->lock || strcmp(a->lock, b->lock) == 0);
}

static void put_limit(struct policy *policy, const struct limit *limit)
{
	for (size_t i = 0; i < policy->limits.count; i++) {
		if (same_place(&policy->limits.list[i], limit)) {
			policy->limits.list[i] = *limit;
			return;
		}
	}
	vec_push(&policy->limits) = *limit;
}

/* "64K", or where a baseline has something to compare with "+64K" and "+10%". */
static bool parse_limit_value(struct limit *limit, const char *text, const char *where, struct err *err)
{
	bool can_be_relative = limit_key(limit->kind) == POLICY_KEY_NONE && limit_unit(limit->kind) != POLICY_PERCENT &&
			       limit->kind != LIMIT_GROWTH;
	size_t length = strlen(text);
	bool ok;

	if (can_be_relative && text[0] == '+') {
		limit->relative = true;
		limit->percent = text[length - 1] == '%';
		text++;
	}
	ok = limit->percent ? units_parse_percent(text, &limit->value)
			    : parse_value(limit_unit(limit->kind), text, &limit->value);
	return ok || err_set(err, NULL, ERR_NO_OFFSET, "%s: expected %s, not '%s'", where,
			     unit_example(limit_unit(limit->kind)), text);
}

/* A class, or a list of them with commas, as bits. */
static bool parse_classes(const char *text, unsigned *ret_classes, const char *where, struct err *err)
{
	unsigned classes = 0;

	for (;; text++) {
		size_t length = strcspn(text, ",");
		enum mp_leak_class class;

		if (leak_class_parse(text, length, &class))
			classes |= 1u << class;
		else if (length != 4 || memcmp(text, "none", 4) != 0)
			return err_set(err, NULL, ERR_NO_OFFSET,
				       "%s: '%.*s' is no class of leaks; there are definite, indirect, possible, "
				       "reachable, unfreed, and none",
				       where, (int)(length < 100 ? length : 100), text);
		text += length;
		if (*text == 0)
			break;
	}
	*ret_classes = classes;
	return true;
}

/* KEY: what the limit is for, NULL = the default. */
static bool set_limit(struct policy *policy, enum limit_kind kind, const char *key, const char *value,
		      const char *where, struct err *err)
{
	struct limit limit = { .kind = kind };
	unsigned classes = 1u << MP_LEAK_DEFINITE;

	if (!parse_limit_value(&limit, value, where, err))
		return false;
	if (key && limit_key(kind) == POLICY_KEY_CLASS && !parse_classes(key, &classes, where, err))
		return false;
	if (key && limit_key(kind) == POLICY_KEY_LOCK && strcmp(key, "*") != 0)
		limit.lock = arena_string(&policy->arena, key, strlen(key));
	if (limit_key(kind) != POLICY_KEY_CLASS) {
		put_limit(policy, &limit);
		return true;
	}
	for (unsigned class = MP_LEAK_DEFINITE; class <= MP_LEAK_UNFREED; class ++) {
		limit.class = (enum mp_leak_class) class;
		if (classes & 1u << class)
			put_limit(policy, &limit);
	}
	return true;
}

bool policy_set_limit(struct policy *policy, enum limit_kind kind, const char *text, const char *where, struct err *err)
{
	/* the last one: names of locks may hold such characters */
	const char *equals = strrchr(text, '=');
	const char *key;

	if (!equals || limit_key(kind) == POLICY_KEY_NONE)
		return set_limit(policy, kind, NULL, text, where, err);
	key = arena_string(&policy->arena, text, (size_t)(equals - text));
	return set_limit(policy, kind, key, equals + 1, where, err);
}

bool policy_set_fail_on(struct policy *policy, const char *text, const char *where, struct err *err)
{
	return parse_classes(text, &policy->fail_on, where, err);
}

bool policy_set_tolerance(struct policy *policy, const char *text, const char *where, struct err *err)
{
	return units_parse_percent(text, &policy->tolerance_percent) ||
	       err_set(err, NULL, ERR_NO_OFFSET, "%s: expected a percentage, not '%s'", where, text);
}

/* The file. */

struct reader {
	struct policy *policy;
	const char *path;
	const char *text;
	size_t size;
	struct err *err;
};

/* A member, and what to say of it. */
struct member {
	const char *outer; /* NULL = it belongs to the outermost object */
	const char *key;
	const json_t *value;
};

static bool __attribute__((format(printf, 3, 4)))
complain(const struct reader *reader, const struct member *member, const char *format, ...)
{
	struct json_place place = json_where(reader->text, reader->size, member->outer, member->key);
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(reader->err, reader->path, ERR_NO_OFFSET, "line %u, column %u: %s", place.line, place.column,
		       text);
}

/* Names of files are relative to the place of the policy file. */
static const char *resolve(const struct reader *reader, const char *name)
{
	const char *slash = strrchr(reader->path, '/');
	char text[8192];

	if (name[0] == '/' || !slash)
		return arena_string(&reader->policy->arena, name, strlen(name));
	snprintf(text, sizeof(text), "%.*s/%s", (int)(slash - reader->path), reader->path, name);
	return arena_string(&reader->policy->arena, text, strlen(text));
}

typedef bool (*text_function)(struct reader *reader, const struct member *member, const char *text);

/* Calls SET with the text, or with each of a list of texts. */
static bool for_each_text(struct reader *reader, const struct member *member, text_function set)
{
	const json_t *element;
	size_t i;

	if (json_is_string(member->value))
		return set(reader, member, json_string_value(member->value));
	if (!json_is_array(member->value))
		return complain(reader, member, "\"%s\" takes a text or a list of texts", member->key);
	json_array_foreach(member->value, i, element)
	{
		if (!json_is_string(element))
			return complain(reader, member, "\"%s\" takes texts", member->key);
		if (!set(reader, member, json_string_value(element)))
			return false;
	}
	return true;
}

static bool add_fail_on(struct reader *reader, const struct member *member, const char *text)
{
	struct err err = { 0 };
	unsigned classes;

	if (!parse_classes(text, &classes, "\"fail_on\"", &err))
		return complain(reader, member, "%s", err.text);
	reader->policy->fail_on |= classes;
	return true;
}

static bool set_fail_on(struct reader *reader, const struct member *member)
{
	reader->policy->fail_on = 0;
	return for_each_text(reader, member, add_fail_on);
}

static bool add_suppressions(struct reader *reader, const struct member *member, const char *text)
{
	(void)member;
	vec_push(&reader->policy->suppressions) = resolve(reader, text);
	return true;
}

static bool set_suppressions(struct reader *reader, const struct member *member)
{
	return for_each_text(reader, member, add_suppressions);
}

static bool set_baseline(struct reader *reader, const struct member *member)
{
	if (!json_is_string(member->value))
		return complain(reader, member, "\"%s\" takes the name of a file", member->key);
	reader->policy->baseline = resolve(reader, json_string_value(member->value));
	return true;
}

static bool set_flag(struct reader *reader, const struct member *member, bool *flag)
{
	if (!json_is_boolean(member->value))
		return complain(reader, member, "\"%s\" takes true or false", member->key);
	*flag = json_is_true(member->value);
	return true;
}

static bool set_allow_partial(struct reader *reader, const struct member *member)
{
	return set_flag(reader, member, &reader->policy->allow_partial);
}

static bool set_allow_unscanned(struct reader *reader, const struct member *member)
{
	return set_flag(reader, member, &reader->policy->allow_unscanned);
}

static bool set_no_builtin(struct reader *reader, const struct member *member)
{
	return set_flag(reader, member, &reader->policy->no_builtin);
}

/* Texts as in options; whole numbers are bytes, counts or percent. */
static bool value_text(struct reader *reader, const struct member *member, char *buffer, size_t size)
{
	if (json_is_integer(member->value) && json_integer_value(member->value) >= 0)
		snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(member->value));
	else if (json_is_real(member->value) && json_real_value(member->value) >= 0)
		snprintf(buffer, size, "%.3f", json_real_value(member->value));
	else if (json_is_string(member->value) && strlen(json_string_value(member->value)) < size)
		snprintf(buffer, size, "%s", json_string_value(member->value));
	else
		return complain(reader, member, "\"%s\" takes a number that is not negative, or a text", member->key);
	return true;
}

static bool set_tolerance(struct reader *reader, const struct member *member)
{
	struct err err = { 0 };
	char text[200];

	if (!value_text(reader, member, text, sizeof(text)))
		return false;
	return policy_set_tolerance(reader->policy, text, "\"tolerance\"", &err) ||
	       complain(reader, member, "%s", err.text);
}

static bool set_one_limit(struct reader *reader, const struct member *member, enum limit_kind kind)
{
	struct err err = { 0 };
	char text[200], where[200];

	snprintf(where, sizeof(where), "\"%s\"", member->key);
	if (!value_text(reader, member, text, sizeof(text)))
		return false;
	return set_limit(reader->policy, kind, member->outer ? member->key : NULL, text, where, &err) ||
	       complain(reader, member, "%s", err.text);
}

static bool set_limits(struct reader *reader, const struct member *member, enum limit_kind kind)
{
	const char *key;
	json_t *value;

	if (!json_is_object(member->value))
		return set_one_limit(reader, member, kind);
	if (limit_key(kind) == POLICY_KEY_NONE)
		return complain(reader, member, "\"%s\" takes one limit", member->key);
	json_object_foreach((json_t *)(uintptr_t)member->value, key, value)
	{
		const struct member inner = { member->key, key, value };

		if (!set_one_limit(reader, &inner, kind))
			return false;
	}
	return true;
}

static const struct {
	const char *key;
	bool (*set)(struct reader *reader, const struct member *member);
} setters[] = {
	{ "fail_on", set_fail_on },
	{ "suppressions", set_suppressions },
	{ "baseline", set_baseline },
	{ "tolerance", set_tolerance },
	{ "allow_partial", set_allow_partial },
	{ "allow_unscanned", set_allow_unscanned },
	{ "no_builtin_suppressions", set_no_builtin },
};

/* KEY is WORD with _ for - */
static bool key_is_word(const char *key, const char *word)
{
	for (; *key && *word; key++, word++) {
		if (*key != (*word == '-' ? '_' : *word))
			return false;
	}
	return *key == *word;
}

static bool set_member(struct reader *reader, const struct member *member)
{
	for (size_t i = 0; i < sizeof(setters) / sizeof(*setters); i++) {
		if (strcmp(setters[i].key, member->key) == 0)
			return setters[i].set(reader, member);
	}
	for (unsigned kind = 0; kind < LIMIT_COUNT; kind++) {
		if (key_is_word(member->key, limit_infos[kind].word))
			return set_limits(reader, member, (enum limit_kind)kind);
	}
	return complain(reader, member, "unknown member \"%s\"", member->key);
}

bool policy_parse(struct policy *policy, const char *path, const char *text, size_t size, struct err *err)
{
	struct reader reader = { .policy = policy, .path = path, .text = text, .size = size, .err = err };
	json_error_t problem;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
	struct member member = { 0 };
	const char *key;
	json_t *value;
	bool ok = true;

	if (!root)
		return err_set(err, path, ERR_NO_OFFSET, "line %d, column %d: %s", problem.line, problem.column,
			       problem.text);
	if (!json_is_object(root))
		ok = err_set(err, path, ERR_NO_OFFSET, "line 1, column 1: a policy is an object");
	json_object_foreach(root, key, value)
	{
		member.key = key;
		member.value = value;
		ok = ok && set_member(&reader, &member);
	}
	json_decref(root);
	return ok;
}

bool policy_read(struct policy *policy, const char *path, struct err *err)
{
	struct mapped_file file;
	bool ok;

	if (!mapped_file_open(&file, path, err))
		return false;
	ok = mapped_file_read(&file, file.file_bytes, err) &&
	     policy_parse(policy, path, file.size ? (const char *)file.bytes : "", file.size, err);
	mapped_file_close(&file);
	return ok;
}
