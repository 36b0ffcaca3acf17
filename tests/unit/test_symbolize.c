/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of symbolize and dwarf_frames on small programs compiled here. A program prints one line for each place:
 * a word, an address, and the address where its file is loaded. The tests then look that address up.
 */
#include "symbolize.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "profile.h"
#include "unit_util.h"

Suite *suite_symbolize(void);

#define PLACES_MAX 32

/* Where tests put the object in memory, so that no address is the same as in the file. */
#define BIAS 0x7f1200000000ull

static char directory[512];

/* What the programs share: printing of places, and return addresses. */
static const char probe_h[] =
	"#include <stdio.h>\n"
	"#ifdef __cplusplus\n"
	"extern \"C\" char __ehdr_start[];\n"
	"#else\n"
	"extern char __ehdr_start[];\n"
	"#endif\n"
	"static __attribute__((unused)) void at(const char *word, const void *address)\n"
	"{ printf(\"%s %lx %lx\\n\", word, (unsigned long)address, (unsigned long)__ehdr_start); }\n"
	"static __attribute__((noinline, unused)) void here(const char *word)\n"
	"{ at(word, __builtin_return_address(0)); __asm__ volatile(\"\" ::: \"memory\"); }\n"
	"#define STAY __asm__ volatile(\"\" ::: \"memory\")\n";

/* Line numbers matter here: the first line is 1. */
static const char calls_c[] = "#include \"probe.h\"\n"
			      "static inline __attribute__((always_inline)) void innermost(void)\n"
			      "{\n"
			      "	here(\"inlined\"); STAY;\n" /* 4 */
			      "}\n"
			      "static inline __attribute__((always_inline)) void middle(void)\n"
			      "{\n"
			      "	innermost();\n" /* 8 */
			      "}\n"
			      "__attribute__((noinline)) void outer(void)\n"
			      "{\n"
			      "	middle();\n"              /* 12 */
			      "	here(\"plain\"); STAY;\n" /* 13 */
			      "}\n"
			      "static __attribute__((noinline)) void hidden(void)\n"
			      "{\n"
			      "	here(\"static\"); STAY;\n" /* 17 */
			      "}\n"
			      "__attribute__((noinline)) void __internal(void)\n"
			      "{\n"
			      "	here(\"alias\"); STAY;\n" /* 21 */
			      "}\n"
			      "void known(void) __attribute__((alias(\"__internal\")));\n"
			      "static struct { int a, b; } shared_lock = { 1, 2 };\n"
			      "int table[4];\n"
			      "int main(void)\n"
			      "{\n"
			      "	outer(); hidden(); known();\n"
			      "	at(\"data\", &shared_lock); at(\"field\", &shared_lock.b); at(\"bss\", &table[2]);\n"
			      "	return 0;\n"
			      "}\n";

/* Arguments are used and vary, or compilers would make clones with names of their own. */
static const char names_cc[] =
	"#include \"probe.h\"\n"
	"static volatile int sink;\n"
	"namespace shop {\n"
	"struct Cart { int n; __attribute__((noinline)) void add(int i) { sink = n += i; here(\"method\"); STAY; } };\n"
	"template <class T> __attribute__((noinline)) void sell(T t) { sink = t; here(\"template\"); STAY; }\n"
	"}\n"
	"namespace {\n"
	"__attribute__((noinline)) void secret(int i) { sink = i; here(\"anonymous\"); STAY; }\n"
	"struct Box { __attribute__((always_inline)) void open() { here(\"inlined\"); STAY; } };\n"
	"}\n"
	"shop::Cart cart;\n"
	"int main(int argc, char **)\n"
	"{\n"
	"	Box box;\n"
	"	cart.add(argc); shop::sell(argc); secret(argc); box.open();\n"
	"	auto lambda = [&](int) __attribute__((always_inline)) { here(\"lambda\"); STAY; };\n"
	"	lambda(4);\n"
	"	at(\"data\", &cart);\n"
	"	return 0;\n"
	"}\n";

/* sized: 4 bytes; 4 bytes of nobody; bare: a label for 8 bytes; next: 4 bytes; 4 bytes of nobody. */
static const char labels_c[] =
	"#include \"probe.h\"\n"
	"__asm__(\".section .text.labels,\\\"ax\\\",%progbits\\n\"\n"
	"	\".globl sized\\n.type sized,%function\\nsized: .skip 4\\n.size sized,4\\n\"\n"
	"	\".skip 4\\n\"\n"
	"	\".globl bare\\nbare: .skip 8\\n\"\n"
	"	\".globl next\\n.type next,%function\\n.globl __next\\n.type __next,%function\\n\"\n"
	"	\"next: __next: .skip 4\\n.size next,4\\n.size __next,4\\n\"\n"
	"	\".skip 4\\n.previous\\n\");\n"
	"extern char sized[], bare[], next[];\n"
	"int main(void)\n"
	"{\n"
	"	at(\"sized\", sized); at(\"sized end\", sized + 3); at(\"nobody\", sized + 4);\n"
	"	at(\"bare\", bare); at(\"bare end\", bare + 7); at(\"next\", next); at(\"behind\", next + 4);\n"
	"	return 0;\n"
	"}\n";

static const char *compiler(const char *variable, const char *otherwise)
{
	const char *name = getenv(variable);

	return name && name[0] ? name : otherwise;
}

static bool build(const char *program, const char *source, const char *flags)
{
	bool is_cxx = strstr(source, ".cc") != NULL;

	return unit_run(directory, "%s -O2 %s -o %s %s && ./%s >%s.places",
			is_cxx ? compiler("CXX", "g++") : compiler("CC", "gcc"), flags, program, source, program,
			program);
}

static void write_source(const char *name, const char *text)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unit_write_file(path, text, strlen(text));
}

/* All programs, once. They are only read by the tests, which make copies of what they change. */
static void build_programs(void)
{
	unit_make_directory(directory, sizeof(directory));
	write_source("probe.h", probe_h);
	write_source("calls.c", calls_c);
	write_source("names.cc", names_cc);
	write_source("labels.c", labels_c);
	ck_assert(build("debug", "calls.c", "-g -Wl,--build-id"));
	ck_assert(build("dwarf4", "calls.c", "-gdwarf-4 -Wl,--build-id"));
	ck_assert(build("fixed", "calls.c", "-g -no-pie -Wl,--build-id"));
	ck_assert(build("plain", "calls.c", "-Wl,--build-id"));
	ck_assert(build("noid", "calls.c", "-g -Wl,--build-id=none"));
	ck_assert(build("names", "names.cc", "-g -Wl,--build-id"));
	ck_assert(build("nodebug", "names.cc", "-Wl,--build-id"));
	ck_assert(build("labels", "labels.c", "-Wl,--build-id"));
	ck_assert(unit_run(directory, "cp plain stripped && cp plain.places stripped.places && strip stripped"));
	ck_assert(unit_run(directory, "cp debug linked && cp debug.places linked.places && "
				      "objcopy --only-keep-debug linked linked.debug && "
				      "strip linked && objcopy --add-gnu-debuglink=linked.debug linked"));
}

static void remove_programs(void)
{
	unit_remove_directory(directory);
}

struct place {
	char word[32];
	uint64_t address; /* in the file */
};

/* A program, and a profile in which it was loaded. */
struct subject {
	char path[600];
	struct place places[PLACES_MAX];
	size_t place_count;
	uint8_t build_id[64];
	uint64_t bias;
	struct profile_module module;
	struct profile profile;
	struct symbolizer *symbols;
};

static void read_places(struct subject *s, const char *program)
{
	char path[700], line[256];
	uint64_t base;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.places", directory, program);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) && s->place_count < PLACES_MAX) {
		struct place *place = &s->places[s->place_count++];

		ck_assert_int_eq(sscanf(line, "%31[a-z ] %" SCNx64 " %" SCNx64, place->word, &place->address, &base),
				 3);
		place->word[strcspn(place->word, "\n")] = 0;
		if (place->word[strlen(place->word) - 1] == ' ')
			place->word[strlen(place->word) - 1] = 0;
		/* A program at a fixed address is loaded where its file says. */
		if (strcmp(program, "fixed") != 0)
			place->address -= base;
	}
	fclose(file);
	ck_assert_uint_gt(s->place_count, 0);
}

static void read_build_id(struct subject *s)
{
	char command[800], text[200] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "LC_ALL=C readelf -n '%s' 2>&1 | sed -n 's|.*Build ID: ||p'", s->path);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	if (!fgets(text, sizeof(text), pipe))
		text[0] = 0;
	pclose(pipe);
	for (size_t i = 0; text[2 * i] && text[2 * i] != '\n' && i < sizeof(s->build_id); i++) {
		ck_assert_int_eq(sscanf(text + 2 * i, "%2hhx", &s->build_id[i]), 1);
		s->module.build_id_bytes = (uint32_t)i + 1;
	}
	s->module.build_id = s->module.build_id_bytes ? s->build_id : NULL;
}

/* Prepares PROGRAM; its module may be changed before start(). */
static struct subject *prepare(const char *program)
{
	struct subject *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	snprintf(s->path, sizeof(s->path), "%s/%s", directory, program);
	s->bias = strcmp(program, "fixed") == 0 ? 0 : BIAS;
	s->module = (struct profile_module){ .number = 1,
					     .start = s->bias,
					     .end = s->bias + 0x10000000,
					     .bias = s->bias,
					     .path = s->path,
					     .generation = 1 };
	read_places(s, program);
	read_build_id(s);
	return s;
}

static void start_with(struct subject *s, struct symbolizer_options options)
{
	s->profile.modules = &s->module;
	s->profile.module_count = 1;
	s->symbols = symbolizer_new(&s->profile, &options);
}

static struct subject *start(const char *program)
{
	struct subject *s = prepare(program);

	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	return s;
}

static void finish(struct subject *s)
{
	symbolizer_free(s->symbols);
	free(s);
}

static uint64_t find_place(const struct subject *s, const char *word)
{
	for (size_t i = 0; i < s->place_count; i++) {
		if (strcmp(s->places[i].word, word) == 0)
			return s->places[i].address + s->bias;
	}
	ck_abort_msg("%s prints no \"%s\"", s->path, word);
	return 0;
}

static const struct frame *find_frames(struct subject *s, const char *word, bool exact, size_t *ret_count)
{
	const struct frame *frames = symbolizer_frames(s->symbols, 1, find_place(s, word), exact, ret_count);

	ck_assert_uint_gt(*ret_count, 0);
	for (size_t i = 0; i < *ret_count; i++) {
		ck_assert_str_eq(frames[i].module, s->path);
		ck_assert_uint_eq(frames[i].address, find_place(s, word));
	}
	return frames;
}

static void assert_frame(const struct frame *frame, const char *function, const char *file, uint32_t line, bool inlined)
{
	const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

	unit_assert_text(frame->function, function, "function");
	unit_assert_text(slash ? slash + 1 : frame->file, file, "file");
	ck_assert_uint_eq(frame->line, line);
	ck_assert_int_eq(frame->inlined, inlined);
}

static void assert_one(struct subject *s, const char *word, bool exact, const char *function, const char *file,
		       uint32_t line)
{
	size_t count;
	const struct frame *frames = find_frames(s, word, exact, &count);

	ck_assert_msg(count == 1, "%s: %zu frames", word, count);
	assert_frame(frames, function, file, line, false);
}

static size_t warning_count(const struct subject *s, const char *text)
{
	const char *const *list;
	size_t count = symbolizer_warnings(s->symbols, &list), found = 0;

	for (size_t i = 0; i < count; i++)
		found += strstr(list[i], text) != NULL;
	return found;
}

static const char *const debug_programs[] = { "debug", "dwarf4", "fixed", "linked", "noid" };

START_TEST(inlined_calls_have_the_position_of_their_call)
{
	struct subject *s = start(debug_programs[_i]);
	size_t count;
	const struct frame *frames = find_frames(s, "inlined", false, &count);

	ck_assert_uint_eq(count, 3);
	assert_frame(&frames[0], "innermost", "calls.c", 4, true);
	assert_frame(&frames[1], "middle", "calls.c", 8, true);
	assert_frame(&frames[2], "outer", "calls.c", 12, false);
	assert_one(s, "plain", false, "outer", "calls.c", 13);
	assert_one(s, "static", false, "hidden", "calls.c", 17);
	assert_one(s, "alias", false, "known", "calls.c", 21);
	ck_assert_uint_eq(symbolizer_warnings(s->symbols, &(const char *const *){ NULL }), 0);
	finish(s);
}
END_TEST

START_TEST(without_inlines_the_function_keeps_its_own_position)
{
	struct subject *s = prepare("debug");

	start_with(s, (struct symbolizer_options){ .inlines = false, .enabled = true });
	assert_one(s, "inlined", false, "outer", "calls.c", 12);
	finish(s);
}
END_TEST

START_TEST(equal_questions_give_the_same_array)
{
	struct subject *s = start("debug");
	size_t first_count, second_count;
	const struct frame *first = find_frames(s, "inlined", false, &first_count);

	find_frames(s, "plain", false, &second_count);
	ck_assert_ptr_eq(find_frames(s, "inlined", false, &second_count), first);
	ck_assert_uint_eq(first_count, second_count);
	ck_assert_ptr_ne(find_frames(s, "inlined", true, &second_count), first);
	finish(s);
}
END_TEST

START_TEST(without_debug_information_there_are_names)
{
	struct subject *s = start("plain");

	assert_one(s, "inlined", false, "outer", NULL, 0);
	assert_one(s, "static", false, "hidden", NULL, 0);
	assert_one(s, "alias", false, "known", NULL, 0);
	ck_assert_uint_eq(warning_count(s, "no debug information"), 1);
	ck_assert_uint_eq(warning_count(s, "plain"), 1);
	finish(s);
}
END_TEST

START_TEST(without_symbols_there_is_no_name)
{
	struct subject *s = start("stripped");

	assert_one(s, "plain", false, NULL, NULL, 0);
	assert_one(s, "static", false, NULL, NULL, 0);
	ck_assert_ptr_null(symbolizer_object(s->symbols, find_place(s, "data")));
	finish(s);
}
END_TEST

START_TEST(names_of_cxx_are_readable)
{
	struct subject *s = start("names");
	size_t count;
	const struct frame *frames;

	assert_one(s, "method", false, "shop::Cart::add(int)", "names.cc", 4);
	assert_one(s, "template", false, "shop::sell<int>(int)", "names.cc", 5);
	assert_one(s, "anonymous", false, "(anonymous namespace)::secret(int)", "names.cc", 8);
	frames = find_frames(s, "inlined", false, &count);
	ck_assert_uint_eq(count, 2);
	/* Compilers differ in whether they keep the parameters here. */
	ck_assert_msg(strncmp(frames[0].function, "(anonymous namespace)::Box::open", 32) == 0, "%s",
		      frames[0].function);
	assert_frame(&frames[1], "main", "names.cc", 15, false);
	frames = find_frames(s, "lambda", false, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_msg(strstr(frames[0].function, "main") && strstr(frames[0].function, "operator()"), "%s",
		      frames[0].function);
	assert_frame(&frames[1], "main", "names.cc", 17, false);
	finish(s);
}
END_TEST

START_TEST(symbols_of_cxx_are_demangled)
{
	struct subject *s = start("nodebug");

	assert_one(s, "method", false, "shop::Cart::add(int)", NULL, 0);
	assert_one(s, "template", false, "shop::sell<int>(int)", NULL, 0);
	unit_assert_text(symbolizer_object(s->symbols, find_place(s, "data")), "cart", "object");
	finish(s);
}
END_TEST

/* Which name code has, by the symbol table alone. */
static const struct {
	const char *word;
	const char *want;
} labels[] = {
	{ "sized", "sized" },   { "sized end", "sized" }, { "nobody", NULL }, { "bare", "bare" },
	{ "bare end", "bare" }, { "next", "next" },       { "behind", NULL },
};

START_TEST(a_symbol_names_only_the_code_it_covers)
{
	struct subject *s = start("labels");

	assert_one(s, labels[_i].word, true, labels[_i].want, NULL, 0);
	finish(s);
}
END_TEST

START_TEST(a_return_address_belongs_to_the_call_before_it)
{
	struct subject *s = start("labels");
	size_t count;

	/* The last call of "sized", which does not return: the address behind it is another function's, or nobody's. */
	unit_assert_text(symbolizer_frames(s->symbols, 1, find_place(s, "nobody"), false, &count)->function, "sized",
			 "function");
	unit_assert_text(symbolizer_frames(s->symbols, 1, find_place(s, "next"), false, &count)->function, "bare",
			 "function");
	finish(s);
}
END_TEST

START_TEST(static_objects_have_names)
{
	static const char *const programs[] = { "debug", "plain", "fixed", "linked" };

	for (size_t i = 0; i < UNIT_LENGTH(programs); i++) {
		struct subject *s = start(programs[i]);

		unit_assert_text(symbolizer_object(s->symbols, find_place(s, "data")), "shared_lock", programs[i]);
		unit_assert_text(symbolizer_object(s->symbols, find_place(s, "field")), "shared_lock+0x4", programs[i]);
		unit_assert_text(symbolizer_object(s->symbols, find_place(s, "bss")), "table+0x8", programs[i]);
		ck_assert_ptr_null(symbolizer_object(s->symbols, find_place(s, "plain")));
		ck_assert_ptr_null(symbolizer_object(s->symbols, 0));
		ck_assert_ptr_null(symbolizer_object(s->symbols, UINT64_MAX));
		finish(s);
	}
}
END_TEST

static void assert_refused(struct subject *s, const char *warning)
{
	size_t count;

	for (int i = 0; i < 3; i++)
		assert_one(s, i == 1 ? "static" : "plain", false, NULL, NULL, 0);
	ck_assert_uint_eq(symbolizer_frames(s->symbols, 1, find_place(s, "inlined"), false, &count)->line, 0);
	ck_assert_ptr_null(symbolizer_object(s->symbols, find_place(s, "data")));
	ck_assert_msg(warning_count(s, warning) == 1, "%zu warnings \"%s\"", warning_count(s, warning), warning);
	ck_assert_uint_eq(warning_count(s, s->path), 1);
	finish(s);
}

START_TEST(another_build_of_the_file_gives_no_names)
{
	struct subject *s = prepare("debug");

	s->build_id[0] ^= 1;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_refused(s, "has changed");
	s = prepare("debug");
	s->module.build_id_bytes--;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_refused(s, "has changed");
	/* The file has no build id, but the program had. */
	s = prepare("noid");
	s->module.build_id = s->build_id;
	s->module.build_id_bytes = 20;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_refused(s, "has changed");
}
END_TEST

START_TEST(without_a_build_id_size_and_time_decide)
{
	struct subject *s = prepare("noid");
	struct stat file;
	uint64_t mtime_ns;

	ck_assert_int_eq(stat(s->path, &file), 0);
	mtime_ns = (uint64_t)file.st_mtim.tv_sec * 1000000000u + (uint64_t)file.st_mtim.tv_nsec;
	s->module.file_bytes = (uint64_t)file.st_size;
	s->module.file_mtime_ns = mtime_ns;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_one(s, "plain", false, "outer", "calls.c", 13);
	finish(s);
	s = prepare("noid");
	s->module.file_bytes = (uint64_t)file.st_size + 1;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_refused(s, "has changed");
	s = prepare("noid");
	s->module.file_mtime_ns = mtime_ns - 1;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	assert_refused(s, "has changed");
}
END_TEST

/* What may stand at a path, or in a damaged dump. */
static const struct {
	const char *path;
	const char *warning; /* NULL = none */
} files[] = {
	{ "/nonexistent/libgone.so", "no such file" },
	{ "/dev/zero", "not a regular file" },
	{ "/", "not a regular file" },
	{ "/etc/passwd", "not a usable ELF file" },
	{ "[vdso]", NULL },
	{ "", NULL },
	{ "relative/path", NULL },
	{ NULL, NULL },
};

START_TEST(files_that_are_no_objects_give_no_names)
{
	struct subject *s = prepare("debug");
	const char *const *list;
	size_t count;

	s->module.path = files[_i].path;
	s->module.build_id_bytes = 0;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	for (uint64_t offset = 0; offset < 3; offset++) {
		const struct frame *frame = symbolizer_frames(s->symbols, 1, s->bias + 0x1000 + offset, false, &count);

		ck_assert_uint_eq(count, 1);
		ck_assert_ptr_null(frame->function);
		ck_assert_ptr_eq(frame->module, files[_i].path);
	}
	ck_assert_uint_eq(symbolizer_warnings(s->symbols, &list), files[_i].warning ? 1 : 0);
	if (files[_i].warning)
		ck_assert_msg(strstr(list[0], files[_i].warning) != NULL, "%s", list[0]);
	finish(s);
}
END_TEST

START_TEST(a_damaged_object_does_no_harm)
{
	struct subject *s;

	ck_assert(unit_run(directory, "head -c 6000 debug >damaged && cp debug.places damaged.places"));
	s = prepare("damaged");
	s->module.build_id_bytes = 0;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	for (uint64_t offset = 0; offset < 20000; offset += 7)
		symbolizer_frames(s->symbols, 1, s->bias + offset, true, &(size_t){ 0 });
	symbolizer_object(s->symbols, find_place(s, "data"));
	finish(s);
}
END_TEST

START_TEST(switched_off_it_opens_nothing)
{
	struct subject *s = prepare("debug");

	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = false });
	assert_one(s, "plain", false, NULL, NULL, 0);
	ck_assert_ptr_null(symbolizer_object(s->symbols, find_place(s, "data")));
	ck_assert_uint_eq(symbolizer_warnings(s->symbols, &(const char *const *){ NULL }), 0);
	finish(s);
}
END_TEST

START_TEST(addresses_outside_their_module_have_no_name)
{
	struct subject *s = prepare("debug");
	uint64_t plain = find_place(s, "plain");
	size_t count;

	s->module.start = plain;
	s->module.end = plain + 1;
	start_with(s, (struct symbolizer_options){ .inlines = true, .enabled = true });
	ck_assert_ptr_null(symbolizer_frames(s->symbols, 1, plain, false, &count)->function);
	ck_assert_ptr_nonnull(symbolizer_frames(s->symbols, 1, plain, true, &count)->function);
	ck_assert_ptr_nonnull(symbolizer_frames(s->symbols, 1, plain + 1, false, &count)->function);
	ck_assert_ptr_null(symbolizer_frames(s->symbols, 1, plain + 1, true, &count)->function);
	ck_assert_ptr_null(symbolizer_frames(s->symbols, 1, 0, false, &count)->function);
	ck_assert_ptr_null(symbolizer_frames(s->symbols, 0, plain, true, &count)->module);
	ck_assert_ptr_null(symbolizer_frames(s->symbols, 2, plain, true, &count)->module);
	ck_assert_ptr_null(symbolizer_frames(s->symbols, UINT32_MAX, UINT64_MAX, false, &count)->module);
	finish(s);
}
END_TEST

START_TEST(objects_that_shared_an_address_are_told_apart)
{
	struct subject *calls = prepare("debug");
	struct subject *names = prepare("names");
	/* The first at two places, the second later where the first was. */
	struct profile_module modules[3] = { calls->module, names->module, calls->module };
	const struct profile profile = { .modules = modules, .module_count = UNIT_LENGTH(modules) };
	const struct symbolizer_options options = { .inlines = true, .enabled = true };
	struct symbolizer *symbols;
	size_t count;

	modules[0].unload_ns = 100;
	modules[1].load_ns = 200;
	modules[1].generation = 2;
	for (size_t i = 0; i < UNIT_LENGTH(modules); i++)
		modules[i].number = (uint32_t)i + 1;
	modules[2].start += 0x100000000;
	modules[2].end += 0x100000000;
	modules[2].bias += 0x100000000;
	symbols = symbolizer_new(&profile, &options);
	ck_assert_str_eq(symbolizer_frames(symbols, 1, find_place(calls, "plain"), false, &count)->function, "outer");
	ck_assert_str_eq(symbolizer_frames(symbols, 2, find_place(names, "method"), false, &count)->function,
			 "shop::Cart::add(int)");
	ck_assert_str_eq(
		symbolizer_frames(symbols, 3, find_place(calls, "plain") + 0x100000000, false, &count)->function,
		"outer");
	/* At the shared address the object that is still loaded counts. */
	ck_assert_str_eq(symbolizer_object(symbols, find_place(names, "data")), "cart");
	ck_assert_str_eq(symbolizer_object(symbols, find_place(calls, "data") + 0x100000000), "shared_lock");
	symbolizer_free(symbols);
	free(calls);
	free(names);
}
END_TEST

START_TEST(more_objects_than_usual_can_be_open)
{
	enum { COUNT = 40 };
	struct subject *s = prepare("debug");
	struct profile_module modules[COUNT];
	char paths[COUNT][600];
	const struct profile profile = { .modules = modules, .module_count = COUNT };
	const struct symbolizer_options options = { .inlines = true, .enabled = true };
	struct symbolizer *symbols;
	struct rlimit limit, low;
	size_t count;

	ck_assert(unit_run(directory, "for i in $(seq 0 %d); do ln -f debug many.$i; done", COUNT - 1));
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 20;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/many.%zu", directory, i);
		modules[i] = s->module;
		modules[i].path = paths[i];
	}
	symbols = symbolizer_new(&profile, &options);
	for (uint32_t i = 1; i <= COUNT; i++)
		unit_assert_text(symbolizer_frames(symbols, i, find_place(s, "plain"), false, &count)->function,
				 "outer", "function");
	symbolizer_free(symbols);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	free(s);
}
END_TEST

START_TEST(an_empty_profile_is_fine)
{
	const struct profile profile = { .module_count = 0 };
	const struct symbolizer_options options = { .inlines = true, .enabled = true };
	struct symbolizer *symbols = symbolizer_new(&profile, &options);
	size_t count;

	ck_assert_uint_eq(symbolizer_frames(symbols, 1, 0x1234, false, &count)->address, 0x1234);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_null(symbolizer_object(symbols, 0x1234));
	symbolizer_free(symbols);
	symbolizer_free(NULL);
}
END_TEST

Suite *suite_symbolize(void)
{
	Suite *suite = suite_create("symbolize");
	TCase *tcase = tcase_create("symbolize");

	tcase_add_unchecked_fixture(tcase, build_programs, remove_programs);
	tcase_add_loop_test(tcase, inlined_calls_have_the_position_of_their_call, 0, (int)UNIT_LENGTH(debug_programs));
	tcase_add_test(tcase, without_inlines_the_function_keeps_its_own_position);
	tcase_add_test(tcase, equal_questions_give_the_same_array);
	tcase_add_test(tcase, without_debug_information_there_are_names);
	tcase_add_test(tcase, without_symbols_there_is_no_name);
	tcase_add_test(tcase, names_of_cxx_are_readable);
	tcase_add_test(tcase, symbols_of_cxx_are_demangled);
	tcase_add_loop_test(tcase, a_symbol_names_only_the_code_it_covers, 0, (int)UNIT_LENGTH(labels));
	tcase_add_test(tcase, a_return_address_belongs_to_the_call_before_it);
	tcase_add_test(tcase, static_objects_have_names);
	tcase_add_test(tcase, another_build_of_the_file_gives_no_names);
	tcase_add_test(tcase, without_a_build_id_size_and_time_decide);
	tcase_add_loop_test(tcase, files_that_are_no_objects_give_no_names, 0, (int)UNIT_LENGTH(files));
	tcase_add_test(tcase, a_damaged_object_does_no_harm);
	tcase_add_test(tcase, switched_off_it_opens_nothing);
	tcase_add_test(tcase, addresses_outside_their_module_have_no_name);
	tcase_add_test(tcase, objects_that_shared_an_address_are_told_apart);
	tcase_add_test(tcase, more_objects_than_usual_can_be_open);
	tcase_add_test(tcase, an_empty_profile_is_fine);
	suite_add_tcase(suite, tcase);
	return suite;
}
