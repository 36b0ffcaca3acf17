/* SPDX-License-Identifier: MIT */
/* Stacks in the JSON report. The frames of an address are turned into text once, however many stacks it is in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "json_text.h"
#include "json_value.h"
#include "stack_view.h"

const char *json_mark_word(uint32_t mark, char buffer[static JSON_MARK_MAX])
{
	const char *name = profile_mark_name(mark);

	if (name)
		snprintf(buffer, JSON_MARK_MAX, "%s", name);
	else
		snprintf(buffer, JSON_MARK_MAX, "mark_%" PRIu32, mark);
	for (char *at = buffer; *at; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
	return buffer;
}

void json_out_stack_marks(const struct json_out *json)
{
	const struct aggregate *aggregate = json->report->aggregate;
	json_t *object = json_object();
	char word[JSON_MARK_MAX];

	for (size_t i = 0; i < aggregate->mark_count; i++)
		json_put(object, json_mark_word(aggregate->marks[i].mark, word),
			 json_number(aggregate->marks[i].alloc_count));
	json_out_member(json, "stacks", object);
}

json_t *json_frame(const struct frame *frame)
{
	json_t *object = json_object();

	json_put(object, "function", json_text(frame->function));
	json_put(object, "file", json_text(frame->file));
	json_put(object, "line", json_number_unless(frame->line, frame->line == 0));
	json_put(object, "module", json_text(frame->module));
	json_put(object, "address", json_address(frame->address));
	if (frame->module)
		json_put(object, "offset", json_address(frame->offset));
	else
		json_put(object, "offset", json_null());
	json_put(object, "inlined", json_boolean(frame->inlined));
	return object;
}

/* The frames as elements of a list, without the brackets. */
static const char *frames_text(struct json_out *json, const struct frame *frames, size_t count)
{
	json_t *list = json_array();
	const char *kept;
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_frame(&frames[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	kept = text ? arena_string(&json->arena, text + 1, strlen(text) - 2) : "";
	free(text);
	return kept;
}

/* The same array of frames stands for many nodes: of equal addresses with different callers. */
static const char *node_text(struct json_out *json, uint32_t node)
{
	const struct frame *frames;
	uint64_t *text;
	size_t count;
	bool is_new;

	if (json->nodes[node])
		return json->nodes[node];
	frames = stack_view_node_frames(json->report->profile, json->report->symbols, node, &count);
	if (count == 0)
		return json->nodes[node] = "";
	text = hash_map_put(&json->texts, (uint64_t)(uintptr_t)frames, &is_new);
	if (is_new)
		*text = (uint64_t)(uintptr_t)frames_text(json, frames, count);
	return json->nodes[node] = (const char *)(uintptr_t)*text;
}

void json_out_stack(struct json_out *json, uint32_t stack)
{
	const struct profile *profile = json->report->profile;
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t count = profile_stack(profile, stack, nodes);
	uint32_t mark = profile_stack_mark(profile, stack);
	const char *separator = "";
	char word[JSON_MARK_MAX];

	if (json->tree) {
		fprintf(json->out, "\"node\":%" PRIu32, export_tree_node(json->tree, stack));
		return;
	}
	if (mark)
		fprintf(json->out, "\"cut\":\"%s\",\"stack\":[", json_mark_word(mark, word));
	else
		fputs("\"cut\":null,\"stack\":[", json->out);
	for (size_t i = 0; i < count; i++) {
		const char *text = node_text(json, nodes[i]);

		if (!*text)
			continue;
		fputs(separator, json->out);
		fputs(text, json->out);
		separator = ",";
	}
	fputc(']', json->out);
}
