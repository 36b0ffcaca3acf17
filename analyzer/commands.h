/* SPDX-License-Identifier: MIT */
/* Every command and option of memprof-analyze: the parser, --help and the commands read these lists. */
#ifndef MP_COMMANDS_H
#define MP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "export.h"
#include "out.h"
#include "policy.h"
#include "vec.h"

enum exit_status {
	STATUS_OK = 0,
	STATUS_EXCEEDED = 1, /* gate: a limit is */
	STATUS_BAD = 2,      /* bad usage, or nothing could be read */
	STATUS_PARTIAL = 3,  /* something is missing, the rest was still printed */
};

/* X(NAME, word, operands, function, help). The first is what runs if the first argument is no command. */
#define COMMANDS(X)                                                                                                    \
	X(REPORT, "report", "DUMP...", cmd_report, "what a program did with memory and locks (default)")               \
	X(EXPORT, "export", "DUMP...", cmd_export, "the same as a file for another tool: pprof, speedscope, ...")      \
	X(HTML, "html", "DUMP...", cmd_html, "the report as one page to look at in a browser, without network")        \
	X(TUI, "tui", "DUMP", cmd_tui, "the report on a terminal, to walk through")                                    \
	X(ANNOTATE, "annotate", "DUMP [FILE|FUNCTION]", cmd_annotate, "source lines with bytes and waits beside them") \
	X(GATE, "gate", "DUMP...", cmd_gate, "pass or fail, for a CI job: leaks and limits, against a baseline")       \
	X(DIFF, "diff", "OLD NEW", cmd_diff, "what is new, gone, grown or shrunk from one run to another")             \
	X(BUNDLE, "bundle", "DUMP", cmd_bundle, "a copy with the names of everything in it, for other machines")       \
	X(CONTROL, "control", "PID|DUMP COMMAND [TEXT]", cmd_control,                                                  \
	  "ask a running process: leaks, mark, off, on, ...")                                                          \
	X(SHOW, "show", "DUMP", cmd_show, "header and sections of a dump as they stand in the file, for debugging")    \
	X(SEAL, "seal", "DUMP", cmd_seal, "finish the dump of a process that has ended: note how, cut spare room off") \
	X(OPTIONS, "options", "", cmd_options, "the options of libmemprof.so, with their defaults and ranges")

#define X(name, word, operands, function, help) COMMAND_##name,
enum command { COMMANDS(X) };
#undef X

#define FOR_REPORT   (1u << COMMAND_REPORT)
#define FOR_EXPORT   (1u << COMMAND_EXPORT)
#define FOR_HTML     (1u << COMMAND_HTML)
#define FOR_TUI      (1u << COMMAND_TUI)
#define FOR_ANNOTATE (1u << COMMAND_ANNOTATE)
#define FOR_BUNDLE   (1u << COMMAND_BUNDLE)
#define FOR_BOTH     (FOR_REPORT | FOR_EXPORT)
#define FOR_MODEL    (FOR_BOTH | FOR_HTML) /* everything that one dump tells, for programs */
#define FOR_STACKS   (FOR_MODEL | FOR_ANNOTATE | FOR_TUI)
#define FOR_SHARED   (FOR_REPORT | FOR_GATE | FOR_DIFF)
#define FOR_GATE     (1u << COMMAND_GATE)
#define FOR_DIFF     (1u << COMMAND_DIFF)
#define FOR_NAMES    (FOR_STACKS | FOR_BUNDLE)
#define FOR_SHOW     (1u << COMMAND_SHOW)
#define FOR_CONTROL  (1u << COMMAND_CONTROL)
#define FOR_SEAL     (1u << COMMAND_SEAL)

/* Choices of an option, from the list of what it chooses: "a|b|". */
#define CHOICE(name, text, ...) text "|"
#define COLOR_CHOICES           "auto|always|never|" /* enum term_color */

#define NOT_GIVEN UINT64_MAX

/* Every limit of a gate is an option. */
#define LIMIT_OPTION(name, field, word, unit, key, argument, help) LST(field, word, argument, FOR_GATE, help)

#define GATE_FORMATS(X) X(TEXT, "text") X(JSON, "json")
#define DIFF_FORMATS(X) X(TEXT, "text") X(JSON, "json") X(MARKDOWN, "markdown")

#define X(name, text) GATE_FORMAT_##name,
enum gate_format { GATE_FORMATS(X) };
#undef X
#define X(name, text) DIFF_FORMAT_##name,
enum diff_format { DIFF_FORMATS(X) };
#undef X

struct option_list {
	VEC(const char *) values;
};

/*
 * FLAG(field, name, commands, help)
 * NUM(field, name, argument, min, max, commands, help)		NOT_GIVEN unless it is
 * SEL(field, name, choices, default, commands, help)		index of the choice
 * STR(field, name, argument, commands, help)			NULL unless it is given
 * LST(field, name, argument, commands, help)			can be given several times: all values, in order
 * A name of one letter is given with one dash.
 */
#define GATE_OPTIONS(FLAG, NUM, SEL, STR, LST)                                                                     \
	SEL(gate_format, "format", GATE_FORMATS(CHOICE), GATE_FORMAT_TEXT, FOR_GATE, "for people or for scripts")  \
	SEL(diff_format, "format", DIFF_FORMATS(CHOICE), DIFF_FORMAT_TEXT, FOR_DIFF,                               \
	    "for people, for scripts, or for comments on changes")                                                 \
	STR(fail_on, "fail-on", "CLASS[,CLASS...]", FOR_GATE,                                                      \
	    "no leak of these: definite (default), indirect, possible, reachable, unfreed (all), or none")         \
	POLICY_LIMITS(LIMIT_OPTION)                                                                                \
	STR(policy, "policy", "FILE", FOR_GATE, "limits from a JSON file; options count more")                     \
	STR(baseline, "baseline", "FILE", FOR_GATE,                                                                \
	    "leaks of this run (a dump, or made by --write-baseline) are known")                                   \
	STR(write_baseline, "write-baseline", "FILE", FOR_GATE, "accept what is found: write it to FILE")          \
	STR(tolerance, "tolerance", "PERCENT", FOR_GATE, "known leaks may grow by this; default 0")                \
	LST(suppressions, "suppressions", "FILE", FOR_GATE, "leaks to let pass, as for LeakSanitizer or valgrind") \
	FLAG(print_suppressions, "print-suppressions", FOR_GATE,                                                   \
	     "print entries that would hide what is found, and no verdict")                                        \
	FLAG(no_builtin, "no-builtin-suppressions", FOR_GATE,                                                      \
	     "judge one-time allocations of the C library and GLib, too")                                          \
	FLAG(allow_partial, "allow-partial", FOR_GATE,                                                             \
	     "judge what is there of damaged dumps and of running processes")                                      \
	FLAG(allow_unscanned, "allow-unscanned", FOR_GATE,                                                         \
	     "let processes pass whose leaks nobody looked for (_exit, killed)")                                   \
	STR(sarif, "sarif", "FILE", FOR_GATE, "write the leaks as SARIF 2.1.0, for code scanning")                 \
	STR(junit, "junit", "FILE", FOR_GATE, "write a test case for each rule as JUnit XML")                      \
	STR(markdown, "markdown", "FILE", FOR_GATE, "write a summary, for $GITHUB_STEP_SUMMARY")                   \
	FLAG(github, "github", FOR_GATE, "print annotations for GitHub Actions as well")                           \
	STR(source_root, "source-root", "DIR", FOR_GATE,                                                           \
	    "files below it are the program's own; default: the current directory")                                \
	NUM(min_change, "min-change", "PERCENT", 0, 1000000, FOR_DIFF, "leave out what changed by less; default 1")

#define ANALYZE_OPTIONS(FLAG, NUM, SEL, STR, LST)                                                                    \
	GATE_OPTIONS(FLAG, NUM, SEL, STR, LST)                                                                       \
	SEL(format, "format", OUT_FORMATS(CHOICE), OUT_FORMAT_TEXT, FOR_REPORT,                                      \
	    "for people, for scripts, or for flame graphs")                                                          \
	SEL(export_format, "format", EXPORT_FORMATS(CHOICE), NOT_GIVEN, FOR_EXPORT, "what to write; see below")      \
	NUM(top, "top", "N", 0, 1000000000, FOR_SHARED | FOR_ANNOTATE,                                               \
	    "at most N entries per list; 0: all. Default: text 5 (gate 10, with --sort 20), other formats all")      \
	SEL(sort, "sort", SITE_KEYS(CHOICE), NOT_GIVEN, FOR_REPORT,                                                  \
	    "one table ranked by this, in place of the usual sections")                                              \
	FLAG(locks, "locks", FOR_REPORT, "only locks, in detail")                                                    \
	STR(lock, "lock", "NAME", FOR_REPORT,                                                                        \
	    "everything about the locks with NAME, or a part of it, in their name, or about lock #ID")               \
	STR(filter, "filter", "RE", FOR_STACKS,                                                                      \
	    "only stacks in which a function, file or module matches the extended regular expression RE")            \
	FLAG(no_inline, "no-inline", FOR_STACKS, "do not tell inlined functions apart")                              \
	FLAG(no_symbols, "no-symbols", FOR_MODEL | FOR_TUI, "addresses only; opens no file but the dump")            \
	STR(sysroot, "sysroot", "DIR", FOR_NAMES, "look for the program's files below DIR, not on this machine")     \
	FLAG(anonymise, "anonymise", FOR_EXPORT | FOR_HTML | FOR_BUNDLE,                                             \
	     "hashes for names; no paths, arguments or host: for dumps to share")                                    \
	FLAG(diff, "diff", FOR_HTML, "of two dumps, OLD NEW: what changed from one to the other")                    \
	FLAG(full_stacks, "full-stacks", FOR_SHARED, "text: leave no frame of a long stack out")                     \
	FLAG(each, "each", FOR_REPORT, "text, several dumps: the report of each one, too, behind that of all")       \
	SEL(metric, "metric", OUT_METRICS(CHOICE), NOT_GIVEN, FOR_BOTH,                                              \
	    "folded: what to weigh stacks with (default peak; wait with --locks and --lock)")                        \
	SEL(color, "color", COLOR_CHOICES, TERM_COLOR_AUTO, FOR_SHARED | FOR_ANNOTATE,                               \
	    "auto: on a terminal, unless NO_COLOR is set")                                                           \
	NUM(width, "width", "N", 20, 10000, FOR_SHARED | FOR_ANNOTATE,                                               \
	    "columns of text; default: those of the terminal, else any")                                             \
	STR(output, "o", "FILE", FOR_SHARED | FOR_MODEL | FOR_ANNOTATE | FOR_BUNDLE,                                 \
	    "write there and not to standard output")                                                                \
	STR(source, "source", "DIR", FOR_ANNOTATE,                                                                   \
	    "look below DIR for source files that are not where they were compiled; default: the current directory") \
	STR(rows, "rows", "KIND", FOR_SHOW, "print the rows of the sections of this kind, too")                      \
	NUM(timeout, "timeout", "SECONDS", 1, 86400, FOR_CONTROL, "wait so long for the answer; default 10")       \
	NUM(status, "status", "N", 0, 255, FOR_SEAL, "it exited with this status")                                   \
	NUM(signal, "signal", "N", 1, 127, FOR_SEAL, "this signal ended it")

#define FLAG(field, name, commands, help)                         bool field;
#define NUM(field, name, argument, min, max, commands, help)      uint64_t field;
#define SEL(field, name, choices, default_choice, commands, help) uint64_t field;
#define STR(field, name, argument, commands, help)                const char *field;
#define LST(field, name, argument, commands, help)                struct option_list field;
struct options {
	ANALYZE_OPTIONS(FLAG, NUM, SEL, STR, LST)
};
#undef FLAG
#undef NUM
#undef SEL
#undef STR
#undef LST

/*
 * Runs the command on the operands (at least one, if it takes any) and returns the status to exit with. An error that
 * ends the command is left in ERR for main() to print.
 */
#define X(name, word, operands, function, help) \
	int function(const struct options *options, char *const *paths, size_t count, struct err *err);
COMMANDS(X)
#undef X

#endif
