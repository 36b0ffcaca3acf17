/* SPDX-License-Identifier: MIT */
/* What is not known is null, so that no reader takes a 0 for a measurement. */
#include "json_value.h"

#include <inttypes.h>
#include <stdio.h>

#include "profile.h"
#include "units.h"

json_t *json_number(uint64_t value)
{
	return json_integer(units_signed(value));
}

json_t *json_number_unless(uint64_t value, bool unknown)
{
	return unknown ? json_null() : json_number(value);
}

json_t *json_address(uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	return json_string(text);
}

json_t *json_since_start(const struct profile *profile, uint64_t time_ns)
{
	uint64_t start_ns = profile->process.start_ns;

	return json_number_unless(time_ns - start_ns, time_ns < start_ns || time_ns == 0);
}

void json_put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}
