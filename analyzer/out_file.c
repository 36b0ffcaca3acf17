/* SPDX-License-Identifier: MIT */
/* A temporary name and rename(), so that a full disk or an interrupted run leaves an older file as it was. */
#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"

/* The rights that fopen() would give: mkostemp() gives them to the owner only. */
static void usual_rights(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	/* Some file systems have no rights to change: the file is still good. */
	if (fchmod(fd, 0666 & ~mask) != 0)
		errno = 0;
}

static FILE *open_temporary(struct out_file *file)
{
	size_t bytes = strlen(file->path) + sizeof(".XXXXXX");
	FILE *stream = NULL;
	int fd;

	file->temporary = memory_resize(NULL, bytes, 1);
	snprintf(file->temporary, bytes, "%s.XXXXXX", file->path);
	fd = mkostemp(file->temporary, O_CLOEXEC);
	if (fd >= 0) {
		usual_rights(fd);
		stream = fdopen(fd, "w");
	}
	if (!stream) {
		int saved = errno;

		if (fd >= 0) {
			close(fd);
			unlink(file->temporary);
		}
		free(file->temporary);
		file->temporary = NULL;
		errno = saved;
	}
	return stream;
}

bool out_file_open(struct out_file *file, const char *path, struct err *err)
{
	struct stat status;

	*file = (struct out_file){ .path = path };
	if (!path || strcmp(path, "-") == 0) {
		file->path = NULL;
		file->stream = stdout;
		return true;
	}
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return err_errno(err, EISDIR, path, "cannot write");
	/* Also a symbolic link: it is to stay one. */
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
		file->stream = fopen(path, "we");
	else
		file->stream = open_temporary(file);
	return file->stream || err_errno(err, errno, path, "cannot write");
}

/* What keeps the stream from being written: a failed write leaves a mark, but not why. The same again says it. */
static int write_error(FILE *stream)
{
	clearerr(stream);
	errno = 0;
	if (fputc(0, stream) != EOF && fflush(stream) == 0)
		return EIO;
	return errno ? errno : EIO;
}

bool out_file_close(struct out_file *file, bool complete, struct err *err)
{
	bool ok = complete;

	if (fflush(file->stream) != 0 || ferror(file->stream))
		ok = err_errno(err, write_error(file->stream), file->path ? file->path : "standard output",
			       "cannot write");
	if (file->path && fclose(file->stream) != 0 && ok)
		ok = err_errno(err, errno, file->path, "cannot write");
	if (ok && file->temporary && rename(file->temporary, file->path) != 0)
		ok = err_errno(err, errno, file->path, "cannot write");
	if (!ok && file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	*file = (struct out_file){ 0 };
	return ok;
}
