/*
 * openssl: another implementation to compare with, by its command. Needs cmocka.h before it.
 */
#ifndef RESCUE_TESTS_UNIT_OPENSSL_H
#define RESCUE_TESTS_UNIT_OPENSSL_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/buf.h"

/* Runs openssl(1) with the arguments, NULL at the end, and gives its output. */
static inline struct buf openssl(const char *const *arguments, int *ret_exit_code)
{
	struct buf output = BUF_INIT(1 << 20);
	int ends[2], how;
	pid_t pid;
	char chunk[4096];
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		execvp("openssl", (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	close(ends[1]);
	while ((got = read(ends[0], chunk, sizeof chunk)) > 0)
		buf_append(&output, chunk, (size_t)got);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &how, 0), pid);
	*ret_exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
	return output;
}

static inline void remove_file(char *path)
{
	assert_int_equal(unlink(path), 0);
	free(path);
}

#endif
