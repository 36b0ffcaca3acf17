/* SPDX-License-Identifier: MIT */
/*
 * A module for redis-server with a mistake that only its background saves make: a type of value whose saving, which
 * happens in a child process, forgets a buffer. LEAK.SET KEY makes such a value.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What of redis's module interface is needed here; version 1 of both structures. */
typedef void context, call_string, key, io, type;

struct type_methods {
	uint64_t version;
	void *(*load)(io *, int);
	void (*save)(io *, void *);
	void (*rewrite)(void *, call_string *, void *);
	size_t (*memory)(const void *);
	void (*digest)(void *, void *);
	void (*free)(void *);
};

#define READ_AND_WRITE 3

#define FUNCTIONS(X)                                                                                       \
	X(SetModuleAttribs, void, (context *, const char *, int, int))                                     \
	X(CreateDataType, type *, (context *, const char *, int, struct type_methods *))                   \
	X(CreateCommand, int,                                                                              \
	  (context *, const char *, int (*)(context *, call_string **, int), const char *, int, int, int)) \
	X(OpenKey, key *, (context *, call_string *, int))                                                 \
	X(CloseKey, void, (key *))                                                                         \
	X(ModuleTypeSetValue, int, (key *, type *, void *))                                                \
	X(SaveStringBuffer, void, (io *, const char *, size_t))                                            \
	X(ReplyWithSimpleString, int, (context *, const char *))

#define X(name, result, parameters) static result(*name) parameters;
FUNCTIONS(X)
#undef X

static type *leaky_type;

static char *format_value(const int *value)
{
	char *text = malloc(4096);

	if (text)
		snprintf(text, 4096, "value %d", *value);
	return text;
}

/* Called in the child that saves. */
static void save_value(io *out, void *value)
{
	char *text = format_value(value);

	SaveStringBuffer(out, text ? text : "", text ? 8 : 0);
	text = NULL; /* the mistake */
}

static void *load_value(io *in, int version)
{
	(void)in;
	(void)version;
	return NULL;
}

static void rewrite_value(void *out, call_string *name, void *value)
{
	(void)out;
	(void)name;
	(void)value;
}

static int set_value(context *ctx, call_string **arguments, int count)
{
	int *value = malloc(sizeof(*value));
	key *at;

	if (count != 2 || !value)
		return 1;
	*value = 7;
	at = OpenKey(ctx, arguments[1], READ_AND_WRITE);
	ModuleTypeSetValue(at, leaky_type, value);
	CloseKey(at);
	return ReplyWithSimpleString(ctx, "OK");
}

int RedisModule_OnLoad(context *ctx, call_string **arguments, int count);
int RedisModule_OnLoad(context *ctx, call_string **arguments, int count)
{
	int (*get)(const char *, void *) = *(int (**)(const char *, void *))ctx;
	struct type_methods methods = {
		.version = 1,
		.load = load_value,
		.save = save_value,
		.rewrite = rewrite_value,
		.free = free,
	};

	(void)arguments;
	(void)count;
#define X(name, result, parameters) get("RedisModule_" #name, (void *)&name);
	FUNCTIONS(X)
#undef X
	SetModuleAttribs(ctx, "leak", 1, 1);
	leaky_type = CreateDataType(ctx, "leak-leak", 0, &methods);
	return !leaky_type || CreateCommand(ctx, "leak.set", set_value, "write", 1, 1, 1);
}
