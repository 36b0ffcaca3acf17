/* SPDX-License-Identifier: MIT */
/* Parsers and matchers of suppressions. */
#include "suppress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "alloc_names.h"
#include "mapped_file.h"
#include "stack_view.h"

#define ALL_CLASSES  UINT32_MAX
#define PRINT_FRAMES 24u /* as many as valgrind takes */

/* Text. */

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* PATTERN up to END matches a beginning of TEXT, or with WHOLE all of it. After a star the shortest match is tried
 * first and then one character more at a time: only the last star ever needs another try. */
static bool matches(const char *pattern, const char *end, const char *text, bool single, bool whole)
{
	const char *star = NULL;
	const char *retry = NULL;

	for (;;) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (pattern == end && (!whole || *text == 0)) {
			return true;
		} else if (*text && pattern < end && (*pattern == *text || (single && *pattern == '?'))) {
			pattern++;
			text++;
		} else if (star && *retry) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
}

bool suppress_matches_glob(const char *pattern, const char *text)
{
	return matches(pattern, pattern + strlen(pattern), text, /*single=*/true, /*whole=*/true);
}

bool suppress_matches_lsan(const char *pattern, const char *text)
{
	const char *end = pattern + strlen(pattern);
	bool anchored = *pattern == '^';
	bool whole = end > pattern + anchored && end[-1] == '$';

	pattern += anchored;
	end -= whole;
	if (anchored)
		return matches(pattern, end, text, /*single=*/false, whole);
	do {
		if (matches(pattern, end, text, /*single=*/false, whole))
			return true;
		/* With a star in front the first try has tried all. */
	} while (*text++ && (pattern == end || *pattern != '*'));
	return false;
}

/* Parsing. */

struct parser {
	struct suppressions *suppressions;
	const char *path;
	const char *at;
	const char *end;
	const char *line; /* the current one, trimmed, 0-terminated */
	unsigned number;
	struct err *err;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next line, or false at the end of the text. A zero byte ends a line's text like any text. */
static bool next_line(struct parser *parser)
{
	const char *start = parser->at;
	const char *end;

	if (start == parser->end)
		return false;
	end = memchr(start, '\n', (size_t)(parser->end - start));
	parser->at = end ? end + 1 : parser->end;
	if (!end)
		end = parser->end;
	while (start < end && is_blank(*start))
		start++;
	while (end > start && is_blank(end[-1]))
		end--;
	parser->line = arena_string(&parser->suppressions->arena, start, (size_t)(end - start));
	parser->number++;
	return true;
}

static bool is_comment(const struct parser *parser)
{
	return parser->line[0] == 0 || parser->line[0] == '#';
}

static bool __attribute__((format(printf, 2, 3))) complain(struct parser *parser, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(parser->err, parser->path, ERR_NO_OFFSET, "line %u: %s", parser->number, text);
}

static struct suppression *add_rule(struct suppressions *suppressions, enum suppression_syntax syntax, const char *name,
				    const char *path, unsigned line)
{
	struct suppression *rule = arena_alloc(&suppressions->arena, sizeof(*rule));

	rule->syntax = syntax;
	rule->name = name;
	rule->path = path ? arena_string(&suppressions->arena, path, strlen(path)) : NULL;
	rule->line = line;
	rule->leak_classes = ALL_CLASSES;
	vec_push(&suppressions->rules) = rule;
	return rule;
}

static bool parse_lsan(struct parser *parser)
{
	const char *pattern;

	if (!starts_with(parser->line, "leak:"))
		return complain(parser, "expected 'leak:PATTERN' or '{', not '%.60s'", parser->line);
	pattern = parser->line + strlen("leak:");
	if (pattern[strspn(pattern, "^$")] == 0)
		return complain(parser, "'%.60s' would hide every leak", parser->line);
	add_rule(parser->suppressions, SUPPRESSION_LSAN, pattern, parser->path, parser->number);
	return true;
}

/* "Memcheck:Leak" among "Memcheck,Helgrind:Leak" */
static bool is_about_leaks(const char *line)
{
	const char *colon = strchr(line, ':');
	size_t length = strlen("Memcheck");

	if (!colon || strcmp(colon + 1, "Leak") != 0)
		return false;
	for (const char *tool = line; tool < colon; tool += strcspn(tool, ",:") + 1) {
		if (strcspn(tool, ",:") == length && memcmp(tool, "Memcheck", length) == 0)
			return true;
	}
	return false;
}

/* The words behind "match-leak-kinds:" as bits. */
static bool parse_classes(struct parser *parser, const char *text, unsigned *ret_classes)
{
	*ret_classes = 0;
	for (;;) {
		size_t length = strcspn(text, ", ");
		enum mp_leak_class class;

		if (length == 3 && memcmp(text, "all", 3) == 0)
			*ret_classes = ALL_CLASSES;
		else if (length > 0 && leak_class_parse(text, length, &class) && class != MP_LEAK_UNFREED)
			*ret_classes |= 1u << class;
		else if (length > 0 && !(length == 4 && memcmp(text, "none", 4) == 0))
			return complain(parser, "unknown kind of leak '%.*s'", (int)(length < 60 ? length : 60), text);
		text += length;
		if (*text == 0)
			break;
		text++;
	}
	/* Without a verdict, the rules for certain leaks count. */
	if (*ret_classes & 1u << MP_LEAK_DEFINITE)
		*ret_classes |= 1u << MP_LEAK_UNFREED;
	return true;
}

static bool parse_frame(struct parser *parser, struct suppression_line *ret_line)
{
	static const char *const prefixes[] = {
#define X(name, prefix) prefix,
		SUPPRESSION_LINES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!starts_with(parser->line, prefixes[i]))
			continue;
		ret_line->kind = (enum suppression_line_kind)i;
		ret_line->pattern = parser->line + strlen(prefixes[i]);
		if ((i == SUPPRESSION_LINE_ANY) == (*ret_line->pattern == 0))
			return true;
	}
	return complain(parser, "expected 'fun:', 'obj:', 'src:' and a pattern, '...' or '}', not '%.60s'",
			parser->line);
}

static bool inner_line(struct parser *parser)
{
	do {
		if (!next_line(parser))
			return complain(parser, "the entry has no '}'");
	} while (is_comment(parser));
	return true;
}

/* Lines of an entry of other tools are of many kinds: only its end matters. */
static bool skip_entry(struct parser *parser)
{
	while (strcmp(parser->line, "}") != 0) {
		if (!inner_line(parser))
			return false;
	}
	return true;
}

/* PARSER is at the line "{". */
static bool parse_valgrind(struct parser *parser)
{
	static const char kinds[] = "match-leak-kinds:";
	VEC(struct suppression_line) lines = { 0 };
	unsigned number = parser->number;
	unsigned classes = ALL_CLASSES;
	struct suppression *rule;
	const char *name;
	bool named = false; /* by a line that is not "..." */
	bool ok = false;

	if (!inner_line(parser))
		return false;
	name = parser->line;
	if (!inner_line(parser))
		return false;
	if (!is_about_leaks(parser->line))
		return strchr(parser->line, ':') ? skip_entry(parser)
						 : complain(parser, "expected TOOL:KIND, not '%.60s'", parser->line);
	while (inner_line(parser)) {
		if (strcmp(parser->line, "}") == 0) {
			ok = named || complain(parser, "the entry names no frame, so it would hide every leak");
			break;
		}
		if (lines.count == 0 && starts_with(parser->line, kinds)) {
			const char *text = parser->line + strlen(kinds);

			if (!parse_classes(parser, text + strspn(text, " \t"), &classes))
				break;
			continue;
		}
		if (!parse_frame(parser, &vec_push(&lines)))
			break;
		named |= lines.list[lines.count - 1].kind != SUPPRESSION_LINE_ANY;
	}
	if (ok) {
		rule = add_rule(parser->suppressions, SUPPRESSION_VALGRIND, name, parser->path, number);
		rule->leak_classes = classes;
		rule->line_count = lines.count;
		rule->lines = arena_copy(&parser->suppressions->arena, lines.list, lines.count * sizeof(*lines.list));
	}
	vec_free(&lines);
	return ok;
}

bool suppress_parse(struct suppressions *suppressions, const char *path, const char *text, size_t size, struct err *err)
{
	struct parser parser = {
		.suppressions = suppressions, .path = path, .at = text, .end = text + size, .err = err
	};

	while (next_line(&parser)) {
		if (is_comment(&parser))
			continue;
		if (strcmp(parser.line, "{") == 0 ? !parse_valgrind(&parser) : !parse_lsan(&parser))
			return false;
	}
	return true;
}

void suppress_free(struct suppressions *suppressions)
{
	vec_free(&suppressions->rules);
	arena_free(&suppressions->arena);
}

void suppress_reset(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->rules.count; i++) {
		struct suppression *rule = suppressions->rules.list[i];

		rule->stacks = 0;
		rule->blocks = rule->bytes = 0;
	}
}

void suppress_add_builtin(struct suppressions *suppressions)
{
	static const char *const names[] = {
		"*tls_get_addr*",  "^__nss_module_allocate", "^__gconv_read_conf",  "^__new_exitfn",
		"^tzset_internal", "^dl_open_worker",        "^g_main_context_new", "^g_thread_self",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_rule(suppressions, SUPPRESSION_BUILTIN, names[i], NULL, 0);
}

/* Matching. */

static bool frame_matches_lsan(const char *pattern, const struct frame *frame)
{
	return (frame->function && suppress_matches_lsan(pattern, frame->function)) ||
	       (frame->file && suppress_matches_lsan(pattern, frame->file)) ||
	       (frame->module && suppress_matches_lsan(pattern, frame->module));
}

static bool lsan_matches(const struct suppression *rule, const struct frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (frame_matches_lsan(rule->name, &frames[i]))
			return true;
	}
	return false;
}

static bool is_system_object(const char *module)
{
	static const char *const starts[] = { "ld-linux", "ld.so",      "ld-musl",   "libc.so",
					      "libc-2.",  "libglib-2.", "libpthread" };
	const char *name = stack_view_base_name(module);

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (starts_with(name, starts[i]))
			return true;
	}
	return false;
}

/* A leak in the constructor of a library is its own, although the loader called it: only frames inside of the system's
 * libraries up to the first one outside count. */
static bool builtin_matches(const struct suppression *rule, const struct frame *frames, size_t count)
{
	for (size_t i = 0; i < count && frames[i].module && is_system_object(frames[i].module); i++) {
		if (frames[i].function && suppress_matches_lsan(rule->name, frames[i].function))
			return true;
	}
	return false;
}

/* Functions that stand innermost in stacks of valgrind; in ours they are left out. */
static const char *const allocators[] = {
#define X(name) #name,
	ALLOC_FUNCTIONS(X)
#undef X
		"_Znwm",
	"_Znam",
	"_ZnwmRKSt9nothrow_t",
	"_ZnamRKSt9nothrow_t",
	"_ZnwmSt11align_val_t",
	"_ZnamSt11align_val_t",
	"_ZnwmSt11align_val_tRKSt9nothrow_t",
	"_ZnamSt11align_val_tRKSt9nothrow_t",
	"operator new(unsigned long)",
	"operator new[](unsigned long)",
};

static bool is_allocator(const struct frame *frame)
{
	for (size_t i = 0; i < sizeof(allocators) / sizeof(*allocators); i++) {
		if ((frame->function && strcmp(frame->function, allocators[i]) == 0) ||
		    (frame->symbol && strcmp(frame->symbol, allocators[i]) == 0))
			return true;
	}
	return false;
}

static bool line_matches_allocator(const struct suppression_line *line)
{
	static const char *const objects[] = { "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so",
					       "/usr/lib/libmemprof.so" };

	for (size_t i = 0; line->kind == SUPPRESSION_LINE_FUN && i < sizeof(allocators) / sizeof(*allocators); i++) {
		if (suppress_matches_glob(line->pattern, allocators[i]))
			return true;
	}
	for (size_t i = 0; line->kind == SUPPRESSION_LINE_OBJ && i < sizeof(objects) / sizeof(*objects); i++) {
		if (suppress_matches_glob(line->pattern, objects[i]))
			return true;
	}
	return false;
}

/* "conn.c:88", "src/conn.c:88" or the same without the line. */
static bool source_matches(const char *pattern, const struct frame *frame)
{
	const char *names[2] = { frame->file, frame->file ? stack_view_base_name(frame->file) : NULL };
	char text[4096];

	for (size_t i = 0; i < 2 && frame->file; i++) {
		snprintf(text, sizeof(text), "%s:%" PRIu32, names[i], frame->line);
		if (suppress_matches_glob(pattern, names[i]) || suppress_matches_glob(pattern, text))
			return true;
	}
	return false;
}

/* Valgrind calls a part or clone of a function by its own name, "f.part.0"; debug information by that of the whole. */
static bool function_matches(const char *pattern, const char *function)
{
	size_t length = strcspn(function, ".");
	char whole[512];

	if (suppress_matches_glob(pattern, function))
		return true;
	if (function[length] == 0 || length == 0 || length >= sizeof(whole))
		return false;
	memcpy(whole, function, length);
	whole[length] = 0;
	return suppress_matches_glob(pattern, whole);
}

/* FRAME NULL stands for the allocator's own. */
static bool line_matches(const struct suppression_line *line, const struct frame *frame)
{
	if (!frame)
		return line_matches_allocator(line);
	switch (line->kind) {
	case SUPPRESSION_LINE_FUN:
		return (frame->function && function_matches(line->pattern, frame->function)) ||
		       (frame->symbol && suppress_matches_glob(line->pattern, frame->symbol)) ||
		       (!frame->function && strcmp(line->pattern, "*") == 0);
	case SUPPRESSION_LINE_OBJ:
		return frame->module && suppress_matches_glob(line->pattern, frame->module);
	case SUPPRESSION_LINE_SRC:
		return source_matches(line->pattern, frame);
	case SUPPRESSION_LINE_ANY:
		break;
	}
	return true;
}

/* The lines match a prefix of the stack; with ALLOCATOR a frame for it stands in front. As matches(), "..." a star. */
static bool lines_match(const struct suppression *rule, const struct frame *frames, size_t count, bool allocator)
{
	size_t line = 0, frame = 0;
	size_t star = SIZE_MAX, retry = 0;

	count += allocator;
	while (line < rule->line_count) {
		if (rule->lines[line].kind == SUPPRESSION_LINE_ANY) {
			star = ++line;
			retry = frame;
		} else if (frame < count && line_matches(&rule->lines[line], !allocator   ? &frames[frame]
									     : frame == 0 ? NULL
											  : &frames[frame - 1])) {
			line++;
			frame++;
		} else if (star != SIZE_MAX && retry < count) {
			line = star;
			frame = ++retry;
		} else {
			return false;
		}
	}
	return true;
}

static bool rule_matches(const struct suppression *rule, const struct frame *frames, size_t count)
{
	switch (rule->syntax) {
	case SUPPRESSION_LSAN:
		return lsan_matches(rule, frames, count);
	case SUPPRESSION_VALGRIND:
		return lines_match(rule, frames, count, /*allocator=*/true) ||
		       (count > 0 && is_allocator(&frames[0]) && lines_match(rule, frames, count, /*allocator=*/false));
	case SUPPRESSION_BUILTIN:
		return builtin_matches(rule, frames, count);
	}
	return false;
}

struct suppression *suppress_find(const struct suppressions *suppressions, enum mp_leak_class class,
				  const struct frame *frames, size_t count)
{
	for (size_t i = 0; i < suppressions->rules.count; i++) {
		struct suppression *rule = suppressions->rules.list[i];

		if (rule->leak_classes & 1u << class && rule_matches(rule, frames, count))
			return rule;
	}
	return NULL;
}

/* Files. */

bool suppress_read(struct suppressions *suppressions, const char *path, struct err *err)
{
	struct mapped_file file;
	bool ok;

	if (!mapped_file_open(&file, path, err))
		return false;
	ok = mapped_file_read(&file, file.file_bytes, err) &&
	     suppress_parse(suppressions, path, file.size ? (const char *)file.bytes : "", file.size, err);
	mapped_file_close(&file);
	return ok;
}

/* Making entries. */

/* Characters that would be wildcards, or end the line, become wildcards. */
static void print_pattern(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 ? '?' : *text, out);
}

static const struct frame *named_frame(const struct frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (frames[i].function && !is_allocator(&frames[i]))
			return &frames[i];
	}
	return NULL;
}

void suppress_print(FILE *out, enum mp_leak_class class, const char *amount, const struct frame *frames, size_t count)
{
	const struct frame *named = named_frame(frames, count);
	const char *kind = leak_class_word(class == MP_LEAK_UNFREED ? MP_LEAK_DEFINITE : class);

	fprintf(out, "# %s, %s", amount, leak_class_word(class));
	if (named) {
		fputs("; for LeakSanitizer: leak:", out);
		print_pattern(out, named->function);
	}
	fputs("\n{\n   ", out);
	print_pattern(out, named ? named->function : "unnamed");
	fprintf(out, "\n   Memcheck:Leak\n   match-leak-kinds: %s\n   fun:*\n", kind);
	for (size_t i = 0; i < count && i + 1 < PRINT_FRAMES; i++) {
		const struct frame *frame = &frames[i];

		if (frame->function || frame->module)
			fputs(frame->function ? "   fun:" : "   obj:", out);
		if (frame->function)
			print_pattern(out, frame->symbol ? frame->symbol : frame->function);
		else if (frame->module)
			print_pattern(out, frame->module);
		fputs(frame->function || frame->module ? "\n" : "   fun:*\n", out);
	}
	if (count == 0)
		fputs("   ...\n", out);
	fputs("}\n", out);
}
