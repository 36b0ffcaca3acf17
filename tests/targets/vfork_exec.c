/* SPDX-License-Identifier: MIT */
/* vfork, then exec of another program (P26); and a vfork child that only ends. */
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

SITE static void *around_here(void)
{
	return keep(malloc(70));
}

static int run(const char *path)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		if (path != NULL)
			execl(path, path, "vforked", (char *)NULL);
		_exit(44);
	}
	require(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

int main(void)
{
	const char *leaf = sibling("exec_leaf");

	around_here();
	require(run(leaf) == 3);
	around_here();
	require(run(NULL) == 44);
	require(run("/nonexistent/program") == 44);
	around_here();
	puts("done");
	fact("site around_here alloc_count=3 alloc_bytes=210 live_count=3");
	fact("process ended=exit exit_status=0"); /* the ends of the vfork children are not ours */
	return 0;
}
