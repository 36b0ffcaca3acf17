/* SPDX-License-Identifier: MIT */
/* memprof-analyze: command line, error output and exit. */
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "units.h"

#define PROGRAM "memprof-analyze"

struct command_info {
	const char *word;
	const char *operands;
	int (*run)(const struct options *options, char *const *paths, size_t count, struct err *err);
	const char *help;
};

static const struct command_info commands[] = {
#define X(name, word, operands, function, help) { word, operands, function, help },
	COMMANDS(X)
#undef X
};

enum option_kind { OPTION_FLAG, OPTION_NUMBER, OPTION_CHOICE, OPTION_STRING, OPTION_LIST };

struct option_info {
	enum option_kind kind;
	const char *name;
	const char *argument; /* what --help calls it, or the choices; NULL for a flag */
	uint64_t min, max;
	size_t offset; /* of the field in struct options */
	unsigned commands;
	const char *help;
};

static const struct option_info option_infos[] = {
#define FLAG(field, name, commands, help) \
	{ OPTION_FLAG, name, NULL, 0, 0, offsetof(struct options, field), commands, help },
#define NUM(field, name, argument, min, max, commands, help) \
	{ OPTION_NUMBER, name, argument, min, max, offsetof(struct options, field), commands, help },
#define SEL(field, name, choices, default_choice, commands, help) \
	{ OPTION_CHOICE, name, choices, 0, 0, offsetof(struct options, field), commands, help },
#define STR(field, name, argument, commands, help) \
	{ OPTION_STRING, name, argument, 0, 0, offsetof(struct options, field), commands, help },
#define LST(field, name, argument, commands, help) \
	{ OPTION_LIST, name, argument, 0, 0, offsetof(struct options, field), commands, help },
	ANALYZE_OPTIONS(FLAG, NUM, SEL, STR, LST)
#undef FLAG
#undef NUM
#undef SEL
#undef STR
#undef LST
};

static const struct options default_options = {
#define FLAG(field, name, commands, help)                         .field = false,
#define NUM(field, name, argument, min, max, commands, help)      .field = NOT_GIVEN,
#define SEL(field, name, choices, default_choice, commands, help) .field = default_choice,
#define STR(field, name, argument, commands, help)                .field = NULL,
#define LST(field, name, argument, commands, help)                .field = { { 0 } },
	ANALYZE_OPTIONS(FLAG, NUM, SEL, STR, LST)
#undef FLAG
#undef NUM
#undef SEL
#undef STR
#undef LST
};

/* --help. */

static void print_commands(FILE *out)
{
	fputs("Commands:\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(out, "  %-10s%s\n", commands[i].word, commands[i].help);
	fprintf(out, "  %-10s%s\n", "help", "this text, or what a COMMAND takes");
}

static void print_options(FILE *out, unsigned wanted)
{
	fputs("Options:\n", out);
	for (size_t i = 0; i < sizeof(option_infos) / sizeof(*option_infos); i++) {
		const struct option_info *info = &option_infos[i];
		size_t length = info->argument ? strlen(info->argument) : 0;

		if (!(info->commands & wanted))
			continue;
		if (length > 0 && info->argument[length - 1] == '|')
			length--;
		fprintf(out, "  %s%s%s%.*s\n", info->name[1] ? "--" : "-", info->name, length > 0 ? " " : "",
			(int)length, info->argument ? info->argument : "");
		fprintf(out, "          %s\n", info->help);
	}
}

static void print_help(FILE *out)
{
	fputs("Usage: " PROGRAM " [COMMAND] [OPTION...] DUMP...\n"
	      "Reads what libmemprof.so recorded. A DUMP may be a directory: every dump in it.\n\n",
	      out);
	print_commands(out);
	fputc('\n', out);
	print_options(out, UINT32_MAX);
	fputs("  --help, --version\n\n"
	      "Exit status: 0 fine; 1 gate: a limit is exceeded; 2 bad usage, or nothing could be read; 3 partial: "
	      "something\n"
	      "is missing, the rest was printed; gate: it could not judge.\n",
	      out);
}

static void print_formats(FILE *out)
{
	fputs("Formats, and what opens them:\n", out);
#define X(name, text, writer, flags, help) fprintf(out, "  %-12s%s\n", text, help);
	EXPORT_FORMATS(X)
#undef X
}

static void print_command_help(FILE *out, size_t command)
{
	fprintf(out, "Usage: " PROGRAM " %s [OPTION...] %s\n%s\n\n", commands[command].word, commands[command].operands,
		commands[command].help);
	print_options(out, 1u << command);
	if (command == COMMAND_EXPORT) {
		fputc('\n', out);
		print_formats(out);
	}
	if (command == COMMAND_CONTROL)
		fputs("\nWhat can be asked:\n"
#define X(word, number, text) "  " #word "\t" text "\n"
		      MP_CONTROLS(X)
#undef X
		      , out);
}

/* The command that WORD names, or the number of commands. */
static size_t find_command(const char *word)
{
	size_t i = 0;

	while (i < sizeof(commands) / sizeof(*commands) && strcmp(commands[i].word, word) != 0)
		i++;
	return i;
}

/* Parsing. */

static bool __attribute__((format(printf, 2, 3))) usage_error(struct err *err, const char *format, ...)
{
	char line[400];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return err_set(err, NULL, ERR_NO_OFFSET, "%s (see " PROGRAM " --help)", line);
}

/* The option that ARGUMENT (with its dashes) names; *RET_VALUE is what stands behind '=', NULL if there is no '='. */
static const struct option_info *find_option(const char *argument, unsigned command, const char **ret_value)
{
	bool is_long = argument[1] == '-';
	const char *name = argument + (is_long ? 2 : 1);
	size_t length = is_long ? strcspn(name, "=") : 1;

	for (size_t i = 0; i < sizeof(option_infos) / sizeof(*option_infos); i++) {
		const struct option_info *info = &option_infos[i];

		if (!(info->commands & 1u << command) || (info->name[1] != 0) != is_long ||
		    strlen(info->name) != length || memcmp(info->name, name, length) != 0)
			continue;
		/* "-oFILE" is "-o FILE" */
		*ret_value = is_long ? (name[length] == '=' ? name + length + 1 : NULL) : name[1] ? name + 1 : NULL;
		return info;
	}
	return NULL;
}

/* Index of VALUE in CHOICES ("a|b|"). */
static bool find_choice(const char *choices, const char *value, uint64_t *ret_index)
{
	size_t length = strlen(value);

	for (uint64_t i = 0; *choices; i++) {
		size_t end = strcspn(choices, "|");

		if (end == length && memcmp(choices, value, length) == 0) {
			*ret_index = i;
			return true;
		}
		choices += end + (choices[end] == '|');
	}
	return false;
}

static bool set_option(const struct option_info *info, const char *value, struct options *options, struct err *err)
{
	void *field = (char *)options + info->offset;
	const char *dashes = info->name[1] ? "--" : "-";
	size_t length;

	switch (info->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_STRING:
		*(const char **)field = value;
		return true;
	case OPTION_LIST:
		vec_push(&((struct option_list *)field)->values) = value;
		return true;
	case OPTION_NUMBER:
		if (units_parse(value, info->min, info->max, field))
			return true;
		return err_set(err, NULL, ERR_NO_OFFSET,
			       "%s%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", dashes, info->name,
			       info->min, info->max, value);
	case OPTION_CHOICE:
		if (find_choice(info->argument, value, field))
			return true;
		length = strlen(info->argument) - 1;
		return err_set(err, NULL, ERR_NO_OFFSET, "%s%s takes one of %.*s, not '%s'", dashes, info->name,
			       (int)length, info->argument, value);
	}
	return false;
}

/* Reads ARGUMENTS (0-terminated) into options and operands. */
static bool parse(char **arguments, unsigned command, struct options *options, char **ret_operands, size_t *ret_count,
		  struct err *err)
{
	size_t count = 0;
	bool options_end = false;

	for (; *arguments; arguments++) {
		const struct option_info *info;
		const char *value;

		if (options_end || arguments[0][0] != '-' || arguments[0][1] == 0) {
			ret_operands[count++] = *arguments;
			continue;
		}
		if (strcmp(*arguments, "--") == 0) {
			options_end = true;
			continue;
		}
		info = find_option(*arguments, command, &value);
		if (!info)
			return usage_error(err, "unknown option '%s'", *arguments);
		if (info->kind == OPTION_FLAG && value)
			return usage_error(err, "'%s': this option takes no value", *arguments);
		if (info->kind != OPTION_FLAG && !value && !arguments[1])
			return usage_error(err, "'%s' needs a value", *arguments);
		if (info->kind != OPTION_FLAG && !value)
			value = *++arguments;
		if (!set_option(info, value, options, err))
			return false;
	}
	*ret_count = count;
	return true;
}

static bool is_word(const char *argument, const char *word)
{
	return argument && strcmp(argument, word) == 0;
}

static bool asks_for_help(char **arguments)
{
	for (; *arguments && strcmp(*arguments, "--") != 0; arguments++) {
		if (is_word(*arguments, "--help") || is_word(*arguments, "-h"))
			return true;
	}
	return false;
}

static int run_help(char **arguments, struct err *err)
{
	size_t command;

	if (!arguments[0] || is_word(arguments[0], "help")) {
		print_help(stdout);
		return STATUS_OK;
	}
	command = find_command(arguments[0]);
	if (command == sizeof(commands) / sizeof(*commands)) {
		usage_error(err, "no such command: '%s'", arguments[0]);
		return STATUS_BAD;
	}
	print_command_help(stdout, command);
	return STATUS_OK;
}

/* How many OPERANDS ("DUMP...", "OLD NEW") there can be. */
static size_t most_operands(const char *operands)
{
	size_t words = 1;

	if (strstr(operands, "..."))
		return SIZE_MAX;
	for (; *operands; operands++)
		words += *operands == ' ';
	return words;
}

static void free_lists(struct options *options)
{
	for (size_t i = 0; i < sizeof(option_infos) / sizeof(*option_infos); i++) {
		if (option_infos[i].kind == OPTION_LIST)
			vec_free(&((struct option_list *)((char *)options + option_infos[i].offset))->values);
	}
}

static int run_command(size_t command, char **arguments, size_t argument_count, struct err *err)
{
	struct options options = default_options;
	char **operands = memory_zeroed(argument_count + 1, sizeof(*operands));
	int status = STATUS_BAD;
	size_t count = 0;

	if (!parse(arguments, (unsigned)command, &options, operands, &count, err))
		goto out;
	if (count == 0 && commands[command].operands[0])
		usage_error(err, "%s: which dump?", commands[command].word);
	else if (count > 0 && !commands[command].operands[0])
		usage_error(err, "%s takes nothing", commands[command].word);
	else if (count > most_operands(commands[command].operands))
		usage_error(err, "%s takes only %s", commands[command].word, commands[command].operands);
	else
		status = commands[command].run(&options, operands, count, err);
out:
	free_lists(&options);
	free(operands);
	return status;
}

/* ARGUMENTS are those behind the name of the program, 0-terminated. */
static int run(char **arguments, size_t count, struct err *err)
{
	size_t command;

	if (count == 0) {
		usage_error(err, "which dump?");
		return STATUS_BAD;
	}
	if (is_word(arguments[0], "--version")) {
		printf(PROGRAM " " MP_VERSION "\n");
		return STATUS_OK;
	}
	if (is_word(arguments[0], "help"))
		return run_help(arguments + 1, err);
	command = find_command(arguments[0]);
	if (command < sizeof(commands) / sizeof(*commands))
		return asks_for_help(arguments) ? run_help(arguments, err)
						: run_command(command, arguments + 1, count - 1, err);
	if (asks_for_help(arguments)) {
		print_help(stdout);
		return STATUS_OK;
	}
	return run_command(COMMAND_REPORT, arguments, count, err);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int status;

	/* For the characters that text may contain; numbers stay as they are everywhere. */
	setlocale(LC_CTYPE, "");
	status = run(argv + (argc > 0), argc > 0 ? (size_t)argc - 1 : 0, &err);
	if (!err.set && (fflush(stdout) != 0 || ferror(stdout)))
		err_set(&err, NULL, ERR_NO_OFFSET, "cannot write to standard output");
	if (err.set) {
		err_complain(&err);
		return STATUS_BAD;
	}
	return status;
}
