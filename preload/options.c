/* SPDX-License-Identifier: MIT */
/* Parses MEMPROF_* variables by the list in mp_options.h; getenv is avoided because the program may change environ. */
#include "options.h"

#include <stdbool.h>

#include "fmt.h"

#define STR(field, env, def, help)           .field = (def),
#define NUM(field, env, def, min, max, help) .field = (def),
#define SEL(field, env, def, choices, help)  .field = (def),
struct options opt = { MP_OPTIONS(STR, NUM, SEL) };
#undef STR
#undef NUM
#undef SEL

static const char *find(char **envp, const char *name)
{
	size_t n = fmt_strlen(name);

	for (; envp && *envp; envp++) {
		size_t i = 0;

		while (i < n && (*envp)[i] == name[i])
			i++;
		if (i == n && (*envp)[n] == '=')
			return *envp + n + 1;
	}
	return NULL;
}

/* "64", "64K", "1G": powers of 1024; false on anything else, and when it does not fit 64 bits. */
static bool parse_number(const char *s, uint64_t *ret)
{
	uint64_t n = 0;
	unsigned shift = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	}
	switch (*s) {
	case 'k':
	case 'K':
		shift = 10;
		s++;
		break;
	case 'm':
	case 'M':
		shift = 20;
		s++;
		break;
	case 'g':
	case 'G':
		shift = 30;
		s++;
		break;
	case 't':
	case 'T':
		shift = 40;
		s++;
		break;
	}
	if (*s || n > UINT64_MAX >> shift)
		return false;
	*ret = n << shift;
	return true;
}

/* Index of word S in "a|b|c", or -1. What can be off or on can be 0 or 1, too. */
static int parse_choice(const char *s, const char *choices)
{
	if (fmt_equal(choices, "off|on") && (s[0] == '0' || s[0] == '1') && !s[1])
		return s[0] - '0';
	for (int index = 0;; index++) {
		size_t i = 0;

		while (s[i] && s[i] != '|' && s[i] == choices[i])
			i++;
		if (!s[i] && (!choices[i] || choices[i] == '|'))
			return index;
		while (*choices && *choices != '|')
			choices++;
		if (!*choices++)
			return -1;
	}
}

static void choice_text(struct fmt *f, const char *choices, uint32_t index)
{
	while (index && *choices)
		index -= *choices++ == '|';
	for (; *choices && *choices != '|'; choices++)
		fmt_mem(f, choices, 1);
}

/* Text is copied: programs that set their process title write over their environment. */
static void read_str(const char *name, const char *value, const char **field)
{
	static char pool[8192];
	static size_t used;
	size_t bytes;

	if (!value || !*value)
		return;
	bytes = fmt_strlen(value) + 1;
	if (bytes > sizeof(pool) - used) {
		fmt_warn(name, " is too long; using ", *field, NULL);
		return;
	}
	__builtin_memcpy(pool + used, value, bytes);
	*field = pool + used;
	used += bytes;
}

static void read_num(const char *name, const char *value, uint64_t min, uint64_t max, uint64_t *field)
{
	uint64_t n;
	char text[24];
	struct fmt f;

	if (!value)
		return;
	if (parse_number(value, &n) && n >= min && n <= max) {
		*field = n;
		return;
	}
	fmt_init(&f, text, sizeof(text));
	fmt_u64(&f, *field);
	fmt_warn(name, "=", value, " is not a number in range; using ", text, NULL);
}

static void read_sel(const char *name, const char *value, const char *choices, uint32_t *field)
{
	char text[24];
	struct fmt f;
	int index;

	if (!value)
		return;
	index = parse_choice(value, choices);
	if (index >= 0) {
		*field = (uint32_t)index;
		return;
	}
	fmt_init(&f, text, sizeof(text));
	choice_text(&f, choices, *field);
	fmt_warn(name, "=", value, " is not one of ", choices, "; using ", text, NULL);
}

/* A variable that looks like ours but is none is most likely a typing mistake, and silently ignoring it costs a run. */
static void warn_unknown(char **envp)
{
	static const char *const known[] = {
#define STR(field, env, def, help)           env,
#define NUM(field, env, def, min, max, help) env,
#define SEL(field, env, def, choices, help)  env,
		MP_OPTIONS(STR, NUM, SEL)
#undef STR
#undef NUM
#undef SEL
	};
	char name[64];

	for (; envp && *envp; envp++) {
		bool found = false;
		struct fmt f;
		size_t n = 0;

		while ((*envp)[n] && (*envp)[n] != '=')
			n++;
		if (n < 8 || n >= sizeof(name))
			continue;
		fmt_init(&f, name, sizeof(name));
		fmt_mem(&f, *envp, 8);
		if (!fmt_equal(name, "MEMPROF_"))
			continue;
		fmt_mem(&f, *envp + 8, n - 8);
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || fmt_equal(name, known[i]);
		if (!found)
			fmt_warn(name, " is not an option of memprof; ignored", NULL);
	}
}

void options_read(char **envp)
{
	read_sel("MEMPROF_QUIET", find(envp, "MEMPROF_QUIET"), "off|on", &opt.quiet);
	if (opt.quiet)
		fmt_warn_silence();
#define STR(field, env, def, help)           read_str(env, find(envp, env), &opt.field);
#define NUM(field, env, def, min, max, help) read_num(env, find(envp, env), min, max, &opt.field);
#define SEL(field, env, def, choices, help)   \
	if (!fmt_equal(env, "MEMPROF_QUIET")) \
		read_sel(env, find(envp, env), choices, &opt.field);
	MP_OPTIONS(STR, NUM, SEL)
#undef STR
#undef NUM
#undef SEL
	warn_unknown(envp);
}

void options_for_each(void (*each)(const char *name, const char *value))
{
	char text[24];
	struct fmt f;

#define STR(field, env, def, help) each(env, opt.field);
#define NUM(field, env, def, min, max, help) \
	fmt_init(&f, text, sizeof(text));    \
	fmt_u64(&f, opt.field);              \
	each(env, text);
#define SEL(field, env, def, choices, help)  \
	fmt_init(&f, text, sizeof(text));    \
	choice_text(&f, choices, opt.field); \
	each(env, text);
	MP_OPTIONS(STR, NUM, SEL)
#undef STR
#undef NUM
#undef SEL
}
