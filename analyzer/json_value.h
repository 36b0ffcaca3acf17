/* SPDX-License-Identifier: MIT */
/* Numbers, addresses and times as the JSON report has them: what is not known is null. */
#ifndef MP_JSON_VALUE_H
#define MP_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct profile;

json_t *json_number(uint64_t value);
json_t *json_number_unless(uint64_t value, bool unknown);

/* "0x1f" */
json_t *json_address(uint64_t address);

/* Nanoseconds from the start of the process to TIME_NS of its clock; null if unknown. */
json_t *json_since_start(const struct profile *profile, uint64_t time_ns);

/* Sets a member of OBJECT; takes VALUE over. */
void json_put(json_t *object, const char *key, json_t *value);

#endif
