/* SPDX-License-Identifier: MIT */
/*
 * The verdict as SARIF 2.1.0. Services that show it want a place for every result, so one that has none in the sources
 * is given the program's name as its place.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "gate.h"
#include "json_text.h"
#include "stack_view.h"
#include "units.h"

#define RESULTS_MAX 5000u /* more are not shown anywhere */
#define FRAMES_MAX  100u

/* One row per rule. X(class or its end, id, name, title, help) */
#define LEAK_RULES(X)                                                                                             \
	X(MP_LEAK_DEFINITE, "memprof/definite", "DefiniteLeak", "Memory definitely lost",                         \
	  "At the end of the program nothing pointed to these blocks any more, so it could not have freed them.") \
	X(MP_LEAK_INDIRECT, "memprof/indirect", "IndirectLeak", "Memory indirectly lost",                         \
	  "Only blocks that are lost themselves pointed to these.")                                               \
	X(MP_LEAK_POSSIBLE, "memprof/possible", "PossibleLeak", "Memory possibly lost",                           \
	  "Only pointers into the middle of these blocks were left, or pointers from such blocks.")               \
	X(MP_LEAK_REACHABLE, "memprof/reachable", "ReachableMemory", "Memory still reachable at the end",         \
	  "These blocks were not freed, but the program could still have done so.")                               \
	X(MP_LEAK_UNFREED, "memprof/unfreed", "UnfreedMemory", "Memory not freed",                                \
	  "These blocks were not freed; whether they were lost is not known.")                                    \
	X(LEAK_CLASS_END, "memprof/limit", "LimitExceeded", "Limit exceeded",                                     \
	  "The program used more memory, allocations or waiting time than the gate allows.")

struct sarif {
	const struct gate *gate;
	const struct gate_output *output;
	json_t *results;
	struct arena arena;
};

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *message(const char *text)
{
	json_t *object = json_object();

	put(object, "text", json_text(text));
	return object;
}

static const char *rule_id(unsigned number)
{
	switch (number) {
#define X(which, id, name, title, help) \
	case which:                     \
		return id;
		LEAK_RULES(X)
#undef X
	}
	return "memprof/unfreed";
}

static json_t *make_rule(const char *id, const char *name, const char *title, const char *help)
{
	json_t *object = json_object();
	json_t *configuration = json_object();

	put(object, "id", json_string(id));
	put(object, "name", json_string(name));
	put(object, "shortDescription", message(title));
	put(object, "fullDescription", message(help));
	put(object, "help", message(help));
	put(configuration, "level", json_string("error"));
	put(object, "defaultConfiguration", configuration);
	put(object, "properties", json_pack("{s[s]ss}", "tags", "memory", "precision", "high"));
	return object;
}

/* PATH as the path of a URI. */
static json_t *uri(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	char text[3 * 4096 + 1];
	size_t length = 0;

	for (; *path && length + 4 < sizeof(text); path++) {
		if (strchr(plain, *path))
			text[length++] = *path;
		else
			length += (size_t)snprintf(text + length, 4, "%%%02X", (unsigned)(unsigned char)*path);
	}
	text[length] = 0;
	return json_string(text);
}

static json_t *make_physical(const char *path, uint32_t line, bool in_sources)
{
	json_t *object = json_object();
	json_t *artifact = json_object();

	put(artifact, "uri", uri(path));
	if (in_sources)
		put(artifact, "uriBaseId", json_string("SRCROOT"));
	put(object, "artifactLocation", artifact);
	put(object, "region",
	    json_pack("{sisi}", "startLine", (int)(line > 0 && line < INT32_MAX ? line : 1), "startColumn", 1));
	return object;
}

static const char *frame_name(struct sarif *sarif, const struct frame *frame)
{
	char buffer[300];
	const char *name = stack_view_name(frame, buffer, sizeof(buffer));

	return name == buffer ? arena_string(&sarif->arena, buffer, strlen(buffer)) : name;
}

static json_t *make_logical(struct sarif *sarif, const struct frame *frame)
{
	json_t *list = json_array();
	json_t *object = json_object();

	put(object, "fullyQualifiedName", json_text(frame_name(sarif, frame)));
	put(object, "kind", json_string("function"));
	json_array_append_new(list, object);
	return list;
}

/* A frame as a location; with a place in a file only if that is below the root of the sources. */
static json_t *make_location(struct sarif *sarif, const struct frame *frame, bool *ret_has_place)
{
	const struct summary_stack one = { .frames = frame, .count = 1 };
	json_t *object = json_object();
	const char *path = NULL;

	*ret_has_place = gate_source_frame(&sarif->arena, &one, sarif->output->root, &path) != NULL;
	if (*ret_has_place)
		put(object, "physicalLocation", make_physical(path, frame->line, true));
	put(object, "logicalLocations", make_logical(sarif, frame));
	put(object, "message", message(frame_name(sarif, frame)));
	return object;
}

/* From the outermost frame to the allocation, as far as it is in the sources. */
static void put_code_flow(struct sarif *sarif, json_t *result, const struct summary_stack *stack)
{
	size_t count = stack->count < FRAMES_MAX ? stack->count : FRAMES_MAX;
	json_t *locations = json_array();
	json_t *flows;

	for (size_t i = count; i > 0; i--) {
		bool has_place;
		json_t *location = make_location(sarif, &stack->frames[i - 1], &has_place);

		if (has_place)
			json_array_append_new(locations, json_pack("{so}", "location", location));
		else
			json_decref(location);
	}
	if (json_array_size(locations) == 0) {
		json_decref(locations);
		return;
	}
	flows = json_pack("[{s[{so}]}]", "threadFlows", "locations", locations);
	put(result, "codeFlows", flows);
}

static void put_stack(struct sarif *sarif, json_t *result, const struct summary_stack *stack)
{
	size_t count = stack->count < FRAMES_MAX ? stack->count : FRAMES_MAX;
	json_t *frames = json_array();
	json_t *object = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		bool has_place;
		json_t *frame = json_object();

		put(frame, "location", make_location(sarif, &stack->frames[i], &has_place));
		if (stack->frames[i].module)
			put(frame, "module", json_text(stack_view_base_name(stack->frames[i].module)));
		json_array_append_new(frames, frame);
	}
	put(object, "message", message("allocation"));
	put(object, "frames", frames);
	json_array_append_new(list, object);
	put(result, "stacks", list);
}

/* For what is nowhere in the sources. */
static json_t *make_program_location(struct sarif *sarif)
{
	const char *program = sarif->gate->summary->program;

	return json_pack("{so}", "physicalLocation", make_physical(program ? program : "program", 1, false));
}

static void put_locations(struct sarif *sarif, json_t *result, const struct summary_stack *stack)
{
	const char *path = NULL;
	const struct frame *frame = gate_source_frame(&sarif->arena, stack, sarif->output->root, &path);
	json_t *location;
	json_t *list = json_array();

	if (frame) {
		location = json_pack("{so}", "physicalLocation", make_physical(path, frame->line, true));
	} else {
		frame = summary_main_frame(stack);
		location = make_program_location(sarif);
	}
	if (frame)
		put(location, "logicalLocations", make_logical(sarif, frame));
	json_array_append_new(list, location);
	put(result, "locations", list);
}

static json_t *begin_result(unsigned rule, const char *level, const char *text)
{
	json_t *result = json_object();

	put(result, "ruleId", json_string(rule_id(rule)));
	put(result, "ruleIndex", json_integer((json_int_t)rule - MP_LEAK_DEFINITE));
	put(result, "kind", json_string("fail"));
	put(result, "level", json_string(level));
	put(result, "message", message(text));
	return result;
}

static const char *baseline_state(enum gate_state state)
{
#define X(name, word, sarif_word) sarif_word,
	static const char *const words[] = { GATE_STATES(X) };
#undef X

	return words[state];
}

static void add_leak(struct sarif *sarif, const struct gate_leak *leak)
{
	const struct summary_leak *row = &leak->leak;
	const char *fingerprint = gate_fingerprint(&sarif->arena, leak);
	json_t *result =
		begin_result(row->leak_class, leak->fails ? "error" : "note", gate_leak_text(&sarif->arena, leak));

	put_locations(sarif, result, &row->stack);
	put(result, "partialFingerprints", json_pack("{ss}", "memprofStack/v1", fingerprint));
	if (leak->state != GATE_NONE)
		put(result, "baselineState", json_string(baseline_state(leak->state)));
	put_code_flow(sarif, result, &row->stack);
	if (row->stack.count > 0)
		put_stack(sarif, result, &row->stack);
	if (leak->suppression)
		put(result, "suppressions",
		    json_pack("[{ssso}]", "kind", "external", "justification", json_text(leak->suppression->name)));
	put(result, "properties",
	    json_pack("{sIsI}", "bytes", (json_int_t)row->bytes.value, "blocks", (json_int_t)row->blocks.value));
	json_array_append_new(sarif->results, result);
}

static void add_limit(struct sarif *sarif, const struct gate_rule *rule)
{
	char text[2048];
	json_t *result;

	snprintf(text, sizeof(text), "%s: %s; %s", rule->title, rule->found, rule->bound);
	result = begin_result(LEAK_CLASS_END, "error", text);
	if (rule->lock) {
		put_locations(sarif, result, &rule->lock->stack);
	} else {
		json_t *list = json_array();

		json_array_append_new(list, make_program_location(sarif));
		put(result, "locations", list);
	}
	put(result, "partialFingerprints", json_pack("{so}", "memprofLimit/v1", json_text(rule->title)));
	json_array_append_new(sarif->results, result);
}

/* Leaks that are let pass and were never accepted in any form are no results. */
static bool is_result(const struct gate_leak *leak)
{
	return leak->fails || leak->suppression || leak->state == GATE_UNCHANGED || leak->state == GATE_GONE;
}

static void add_results(struct sarif *sarif)
{
	const struct gate *gate = sarif->gate;

	for (size_t i = 0; i < gate->rules.count; i++) {
		const struct gate_rule *rule = &gate->rules.list[i];

		if (rule->outcome == GATE_FAILED && rule->leaks.count == 0)
			add_limit(sarif, rule);
	}
	for (int fails = 1; fails >= 0; fails--) {
		for (size_t i = 0; i < gate->leak_count && json_array_size(sarif->results) < RESULTS_MAX; i++) {
			if (gate->leaks[i].fails == (fails == 1) && is_result(&gate->leaks[i]))
				add_leak(sarif, &gate->leaks[i]);
		}
	}
	for (size_t i = 0; i < gate->gone.count && json_array_size(sarif->results) < RESULTS_MAX; i++)
		add_leak(sarif, &gate->gone.list[i]);
}

static json_t *make_driver(void)
{
	json_t *rules = json_array();
	json_t *driver = json_object();

#define X(which, id, name, title, help) json_array_append_new(rules, make_rule(id, name, title, help));
	LEAK_RULES(X)
#undef X
	put(driver, "name", json_string("memprof-analyze"));
	put(driver, "version", json_string(MP_VERSION));
	put(driver, "rules", rules);
	return driver;
}

/* The root of the sources as a URI that ends with a slash. */
static json_t *make_bases(const char *root)
{
	size_t length = strlen(root);
	json_t *path = uri(root);
	char text[3 * 4096 + 16];

	snprintf(text, sizeof(text), "file://%s%s", json_string_value(path),
		 length > 0 && root[length - 1] == '/' ? "" : "/");
	json_decref(path);
	return json_pack("{s{ss}}", "SRCROOT", "uri", text);
}

void out_sarif(const struct gate *gate, const struct gate_output *output, FILE *out)
{
	struct sarif sarif = { .gate = gate, .output = output, .results = json_array() };
	bool complete = gate->unreadable == 0 && !gate->partial && gate->not_judged == 0;
	json_t *run = json_object();
	json_t *runs = json_array();
	json_t *root = json_object();

	add_results(&sarif);
	put(run, "tool", json_pack("{so}", "driver", make_driver()));
	put(run, "automationDetails", json_pack("{ss}", "id", "memprof/"));
	put(run, "columnKind", json_string("utf16CodeUnits"));
	put(run, "originalUriBaseIds", make_bases(output->root));
	put(run, "invocations", json_pack("[{sb}]", "executionSuccessful", (int)complete));
	put(run, "results", sarif.results);
	json_array_append_new(runs, run);
	put(root, "$schema", json_string("https://json.schemastore.org/sarif-2.1.0.json"));
	put(root, "version", json_string("2.1.0"));
	put(root, "runs", runs);
	json_dumpf(root, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(root);
	arena_free(&sarif.arena);
}
