/* SPDX-License-Identifier: MIT */
/* A plugin that allocates; built twice under two names, for dlopen_churn. */
#include "facts.h"

void *plugin_run(void);
void *PLUGIN_SITE(void);

SITE void *PLUGIN_SITE(void)
{
	return keep(malloc(PLUGIN_BYTES));
}

void *plugin_run(void)
{
	return keep(PLUGIN_SITE());
}
