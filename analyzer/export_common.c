/* SPDX-License-Identifier: MIT */
/* What the writers of several formats say alike. */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "stack_view.h"
#include "utf8.h"

const char *export_remark(const struct report *report, char *buf, size_t bytes)
{
	const struct profile *profile = report->profile;
	const struct site *totals = &report->aggregate->totals;
	const char *partial = profile->partial ? "; partial: the dump is damaged or cut short" : "";

	if (profile_is_sampled(profile))
		snprintf(
			buf, bytes,
			"memprof " MP_VERSION "; sampled, one sample per %" PRIu64
			" bytes on average: all numbers of the heap are estimates, scaled to the whole; standard error "
			"of the allocated bytes %" PRIu64 ", of the allocations %" PRIu64 "%s",
			profile->process.sample_bytes, site_error(totals->alloc_bytes_var),
			site_error(totals->alloc_count_var), partial);
	else
		snprintf(buf, bytes, "memprof " MP_VERSION "; exact: every allocation was counted%s", partial);
	return buf;
}

char *export_command(const struct profile *profile)
{
	const struct profile_process *process = &profile->process;
	size_t bytes = 2;
	char *command;

	if (process->argc == 0)
		bytes += process->exe ? strlen(process->exe) : 0;
	for (size_t i = 0; i < process->argc; i++)
		bytes += strlen(process->argv[i]) + 1;
	command = memory_zeroed(bytes, 1);
	if (process->argc == 0)
		strcpy(command, process->exe ? process->exe : "?");
	for (size_t i = 0, used = 0; i < process->argc; i++)
		used += (size_t)sprintf(command + used, "%s%s", i ? " " : "", process->argv[i]);
	for (char *at = command; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	}
	return command;
}

const char *export_program(const struct profile *profile)
{
	const struct profile_process *process = &profile->process;

	return process->exe ? stack_view_base_name(process->exe) : "program";
}

const char *export_prefix(const struct export *export, const struct report *report, char *buf, size_t bytes)
{
	buf[0] = 0;
	if (export->count > 1)
		snprintf(buf, bytes, "%.100s %" PRIu32 ": ", export_program(report->profile),
			 report->profile->process.pid);
	return buf;
}

uint32_t export_frame_number(struct text_index *index, const struct frame *frame, unsigned by, bool *ret_is_new)
{
	char place[256];
	const char *name = stack_view_name(frame, place, sizeof(place));
	const char *file = by & EXPORT_BY_FILE && frame->file ? frame->file : "";
	const char *module = by & EXPORT_BY_MODULE && frame->module ? frame->module : "";
	size_t name_bytes = strlen(name) + 1;
	size_t file_bytes = strlen(file) + 1;
	size_t module_bytes = strlen(module) + 1;
	size_t bytes = name_bytes + file_bytes + module_bytes + sizeof(frame->line);
	char small[1024];
	char *key = bytes <= sizeof(small) ? small : memory_resize(NULL, bytes, 1);
	uint32_t line = by & EXPORT_BY_LINE ? frame->line : 0;
	uint32_t number;

	/* Lengths are part of the key by the zeros at the end of each text. */
	memcpy(key, name, name_bytes);
	memcpy(key + name_bytes, file, file_bytes);
	memcpy(key + name_bytes + file_bytes, module, module_bytes);
	memcpy(key + name_bytes + file_bytes + module_bytes, &line, sizeof(line));
	number = text_index_put(index, key, bytes, ret_is_new);
	if (key != small)
		free(key);
	return number;
}

void export_json_string(FILE *out, const char *text)
{
	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	while (*text) {
		unsigned char c = (unsigned char)*text;
		uint32_t code;
		size_t bytes;

		if (c == '"' || c == '\\') {
			fputc('\\', out);
			fputc(c, out);
			text++;
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(out, "\\u%04x", c);
			text++;
		} else if (c < 0x80) {
			fputc(c, out);
			text++;
		} else if ((bytes = utf8_decode(text, &code)) > 0) {
			fwrite(text, 1, bytes, out);
			text += bytes;
		} else {
			fputs("\xef\xbf\xbd", out);
			text++;
		}
	}
	fputc('"', out);
}
