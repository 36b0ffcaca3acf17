/* SPDX-License-Identifier: MIT */
/* An auditor for LD_AUDIT that has thread-local data of its own. */
#include <link.h>

static __thread char used[1024];

unsigned la_version(unsigned version);
unsigned la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie);

unsigned la_version(unsigned version)
{
	used[0]++;
	return version;
}

unsigned la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie)
{
	(void)map;
	(void)lmid;
	(void)cookie;
	used[1]++;
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
