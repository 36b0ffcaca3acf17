/* SPDX-License-Identifier: MIT */
/* Names without noise: one pass over the text, brackets skipped in pairs. */
#include "name_key.h"

#include <string.h>

#include "stack_view.h"

/* What compilers append to the name of a function that they have split, copied or renamed. Digits may follow. */
static const char *const suffixes[] = { ".part",     ".constprop",  ".isra", ".cold", ".lto_priv",
					".llvm",     ".localalias", ".warm", ".hot",  ".ipa",
					".resolver", ".default",    ".clone" };

/* How demanglers write a thing without a name; the numbers and parameters in it follow the order in the source. */
static const struct {
	const char *start;
	char end;
	const char *key;
} unnamed[] = {
	{ "(anonymous namespace)", 0, "{anonymous}" },
	{ "{anonymous}", 0, "{anonymous}" },
	{ "(anonymous class)", 0, "{unnamed}" },
	{ "{lambda(", '}', "{lambda}" },
	{ "<lambda(", '>', "{lambda}" },
	{ "'lambda", '\'', "{lambda}" },
	{ "{unnamed type#", '}', "{unnamed}" },
	{ "'unnamed", '\'', "{unnamed}" },
	{ "{closure#", '}', "{closure}" },
	{ "{{closure}}", 0, "{closure}" },
	{ "[abi:", ']', "" },
	{ " [clone ", ']', "" },
};

struct out {
	char *buffer;
	size_t size;
	size_t length;
};

static void put(struct out *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && out->length + 1 < out->size; i++)
		out->buffer[out->length++] = text[i];
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const struct out *out, const char *word)
{
	size_t length = strlen(word);

	return out->length >= length && memcmp(out->buffer + out->length - length, word, length) == 0;
}

/* Behind the bracket that closes the one at TEXT, or the end of the text. */
static const char *behind_brackets(const char *text)
{
	int depth = 0;

	for (; *text; text++) {
		if (strchr("(<[{", *text))
			depth++;
		/* "->" within template arguments closes nothing */
		else if (strchr(")>]}", *text) && !(*text == '>' && text[-1] == '-') && --depth == 0)
			return text + 1;
	}
	return text;
}

/* Behind a thing without a name at TEXT, NULL = there is none. */
static const char *skip_unnamed(const char *text, struct out *out)
{
	for (size_t i = 0; i < sizeof(unnamed) / sizeof(*unnamed); i++) {
		const char *end = text + strlen(unnamed[i].start);

		if (!starts_with(text, unnamed[i].start))
			continue;
		put(out, unnamed[i].key, strlen(unnamed[i].key));
		if (unnamed[i].end == 0)
			return end;
		if (strchr("{<[", *text))
			return behind_brackets(text);
		end = strchr(end, unnamed[i].end);
		return end ? end + 1 : text + strlen(text);
	}
	return NULL;
}

/* The symbol behind "operator", as in "operator<<" or "operator()"; 0 = none stands there. */
static size_t operator_bytes(const char *text)
{
	if (starts_with(text, "()") || starts_with(text, "[]"))
		return 2;
	return strspn(text, "<>=!-+*/%^&|~,");
}

/* Behind a suffix of compilers with its numbers at TEXT, NULL = there is none. */
static const char *skip_suffix(const char *text)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		const char *end = text + strlen(suffixes[i]);

		if (!starts_with(text, suffixes[i]))
			continue;
		while (end[0] == '.' && end[1] >= '0' && end[1] <= '9')
			end += 1 + strspn(end + 1, "0123456789");
		if (*end == 0 || *end == '.' || *end == '@')
			return end;
	}
	return NULL;
}

static void cut_end(struct out *out)
{
	static const char *const ends[] = { " ", " const", " volatile", " &", " &&", " noexcept", "::" };
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
			if (ends_with(out, ends[i])) {
				out->length -= strlen(ends[i]);
				again = true;
			}
		}
	}
}

size_t name_key(const char *function, char *buffer, size_t size)
{
	struct out out = { buffer, size, 0 };
	const char *at = function;

	while (*at) {
		const char *behind = skip_unnamed(at, &out);

		if (!behind && *at == '.')
			behind = skip_suffix(at);
		if (!behind && ends_with(&out, "operator") && operator_bytes(at) > 0) {
			behind = at + operator_bytes(at);
			put(&out, at, (size_t)(behind - at));
		}
		/* A name that begins with a bracket is Rust's "<T as Trait>::f": that one stays. */
		if (!behind && (*at == '(' || (*at == '<' && out.length > 0)))
			behind = behind_brackets(at);
		if (!behind)
			put(&out, at, 1);
		at = behind ? behind : at + 1;
	}
	cut_end(&out);
	if (out.length == 0)
		put(&out, function, strlen(function));
	if (size > 0)
		buffer[out.length] = 0;
	return out.length;
}

size_t name_key_of_module(const char *path, char *buffer, size_t size)
{
	const char *name = stack_view_base_name(path);
	const char *so = strstr(name, ".so");
	struct out out = { buffer, size, 0 };

	put(&out, name, so ? (size_t)(so - name) + 3 : strlen(name));
	if (size > 0)
		buffer[out.length] = 0;
	return out.length;
}

bool name_key_is_start(const char *function)
{
	static const char *const names[] = { "_start",
					     "__libc_start_main",
					     "__libc_start_main_impl",
					     "clone",
					     "__libc_start_call_main",
					     "generic_start_main",
					     "start_thread",
					     "clone3",
					     "__clone",
					     "__clone3",
					     "_dl_start_user",
					     "thread_start" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(function, names[i]) == 0)
			return true;
	}
	return false;
}
