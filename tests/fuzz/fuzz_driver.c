/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over files and directories of files, once each, with any compiler: the corpus as a test. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_count;

static void fail(const char *path)
{
	fprintf(stderr, "fuzz_driver: %s: %s\n", path, strerror(errno));
	exit(2);
}

/* The buffer is as long as the input, so that a memory checker sees a read behind it. */
static void run_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "r");
	uint8_t *data = malloc(size ? size : 1);

	if (!file || !data || fread(data, 1, size, file) != size)
		fail(path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	run_count++;
}

static void run_path(const char *path)
{
	struct dirent **entries;
	struct stat status;
	char child[4096];
	int count;

	if (stat(path, &status) != 0)
		fail(path);
	if (!S_ISDIR(status.st_mode)) {
		run_file(path, (size_t)status.st_size);
		return;
	}
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		fail(path);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
			run_path(child);
		}
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%zu inputs\n", run_count);
	return run_count > 0 ? EXIT_SUCCESS : 2;
}
