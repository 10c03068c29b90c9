/* What an exploited process of the agent can still do: each child confines itself as the agent does, and tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>

#include <cmocka.h>

#include "agent/relay.h"
#include "agent/sandbox/kernel.h"
#include "agent/sandbox/sandbox.h"
#include "shared/log.h"
#include "shared/span.h"

enum { CHILD_SKIPS = 77 };

static char folder[64];  /* made anew for each test; stands for the box's own files */
static char secret[96], allowed[96], allowed_file[128];

static void write_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	(void)close(fd);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	(void)snprintf(folder, sizeof folder, "/tmp/rescue-sandbox-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(secret, sizeof secret, "%s/secret", folder);
	(void)snprintf(allowed, sizeof allowed, "%s/allowed", folder);
	(void)snprintf(allowed_file, sizeof allowed_file, "%s/file", allowed);
	write_file(secret, "secret");
	return mkdir(allowed, 0700);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(allowed_file);
	(void)rmdir(allowed);
	(void)unlink(secret);
	return rmdir(folder);
}

/* In a child: a claim that does not hold ends it. */
#define CHECK(claim)                                                              \
	do {                                                                      \
		if (!(claim)) {                                                   \
			(void)dprintf(STDERR_FILENO, "line %d: %s\n", __LINE__, #claim); \
			_exit(1);                                                 \
		}                                                                 \
	} while (0)

static void in_child(void (*run)(void))
{
	pid_t child = fork();
	int how;

	assert_true(child >= 0);
	if (child == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	if (WIFEXITED(how) && WEXITSTATUS(how) == CHILD_SKIPS)
		skip();
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 0);
}

static void need_filter(void)
{
	if (strncmp(sandbox_words(), "seccomp", 7) != 0) {
		(void)dprintf(STDERR_FILENO, "skipped: this kernel takes no seccomp filter (%s)\n", sandbox_words());
		_exit(CHILD_SKIPS);
	}
}

static void need_landlock(int abi)
{
	/* The ABI is in the words, since asking for it is not allowed any more. */
	const char *at = strstr(sandbox_words(), "landlock ");

	if (!sandbox_has_landlock() || at == NULL || atol(at + 9) < abi) {
		(void)dprintf(STDERR_FILENO, "skipped: this kernel has no Landlock of ABI %d (%s)\n", abi, sandbox_words());
		_exit(CHILD_SKIPS);
	}
}

static bool makes_socket(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool executes(void)
{
	char *const arguments[] = { (char *)(uintptr_t)"true", NULL };

	(void)execve("/bin/true", arguments, NULL);
	return errno != ENOSYS && errno != EACCES && errno != EPERM;
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* What none of them may do. */
static void check_common(void)
{
	CHECK(!makes_socket(AF_NETLINK, SOCK_RAW));
	CHECK(!makes_socket(AF_PACKET, SOCK_RAW));
	CHECK(!makes_socket(40 /* AF_VSOCK */, SOCK_STREAM));
	CHECK(!makes_socket(38 /* AF_ALG */, SOCK_SEQPACKET));
	CHECK(!executes());
	CHECK(fork() < 0);
	CHECK(unshare(CLONE_NEWUSER) != 0);
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0);
	CHECK(syscall(425 /* io_uring_setup */, 1, NULL) < 0 && errno == ENOSYS);
	CHECK(syscall(304 /* open_by_handle_at on x86_64 */, -1, NULL, 0) < 0 && errno == ENOSYS);
	CHECK(kill(getppid(), 0) != 0);
}

static void *thread_main(void *ctx)
{
	*(bool *)ctx = true;
	return NULL;
}

static void exploited_reader(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	bool ran = false;
	pthread_t thread;
	int ends[2];

	CHECK(makes_socket(AF_INET, SOCK_STREAM) && makes_socket(AF_UNIX, SOCK_STREAM));
	sandbox_enter(SANDBOX_READER, NULL);
	need_filter();
	check_common();
	CHECK(!makes_socket(AF_INET, SOCK_STREAM));
	CHECK(!makes_socket(AF_INET, SOCK_DGRAM));
	CHECK(!makes_socket(AF_INET6, SOCK_STREAM));
	CHECK(!makes_socket(AF_UNIX, SOCK_STREAM));
	CHECK(!makes_socket(AF_UNIX, SOCK_DGRAM));
	/* A pair is what the engine's door takes; one that could send to an address is not to be had. */
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	CHECK(connect(ends[0], (struct sockaddr *)&address, sizeof address) != 0 && errno == ENOSYS);
	CHECK(sendto(ends[0], "x", 1, 0, (struct sockaddr *)&address, sizeof address) < 0);
	/* It does what it is for. */
	CHECK(opens(secret, O_RDONLY));
	CHECK(pthread_create(&thread, NULL, thread_main, &ran) == 0);
	CHECK(pthread_join(thread, NULL) == 0 && ran);
}

static void exploited_reader_cannot_open_a_socket_or_run_a_program(void **state)
{
	(void)state;
	in_child(exploited_reader);
}

static void writing_reader(void)
{
	sandbox_enter(SANDBOX_READER, NULL);
	need_landlock(1);
	CHECK(!opens(secret, O_WRONLY));
	CHECK(!opens(allowed_file, O_WRONLY | O_CREAT));
	CHECK(unlink(secret) != 0);
	CHECK(opens(secret, O_RDONLY));
}

static void exploited_reader_cannot_write_a_file(void **state)
{
	(void)state;
	in_child(writing_reader);
}

static void enter_uploader(void)
{
	static struct sandbox_paths paths;

	paths = (struct sandbox_paths){ .readable = { "/dev/null", "/nonexistent" }, .writable = { allowed } };
	sandbox_enter(SANDBOX_UPLOADER, &paths);
}

static void exploited_uploader(void)
{
	CHECK(opens("/etc/passwd", O_RDONLY) && opens(secret, O_RDONLY) && makes_socket(AF_UNIX, SOCK_STREAM));
	enter_uploader();
	need_filter();
	check_common();
	/* The Engine's socket, or any other. */
	CHECK(!makes_socket(AF_UNIX, SOCK_STREAM));
	CHECK(!makes_socket(AF_UNIX, SOCK_DGRAM));
	CHECK(makes_socket(AF_INET, SOCK_STREAM));
	CHECK(makes_socket(AF_INET6, SOCK_STREAM) || errno == EAFNOSUPPORT);
	need_landlock(1);
	CHECK(!opens(secret, O_RDONLY) && errno == EACCES);
	CHECK(!opens("/etc/shadow", O_RDONLY));
	CHECK(!opens("/etc/passwd", O_RDONLY));
	CHECK(!opens("/proc/1/environ", O_RDONLY));
	CHECK(!opens("/proc/self/environ", O_RDONLY));
	CHECK(!opens("/dev/kmsg", O_RDONLY));
	CHECK(!opens("/", O_RDONLY | O_DIRECTORY));
	CHECK(!opens("/configs", O_RDONLY | O_DIRECTORY));
	CHECK(opens("/dev/null", O_RDONLY) && !opens("/dev/null", O_WRONLY));
	CHECK(opens(allowed_file, O_RDWR | O_CREAT) && opens(allowed_file, O_RDONLY));
	CHECK(link(secret, allowed_file) != 0);
	CHECK(symlink(secret, allowed_file) != 0);
}

static void exploited_uploader_cannot_read_the_box_or_reach_its_sockets(void **state)
{
	(void)state;
	in_child(exploited_uploader);
}

static void listening_uploader(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd;

	enter_uploader();
	need_landlock(4);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) != 0);
	CHECK(listen(fd, 1) != 0);
}

static void exploited_uploader_cannot_wait_for_callers(void **state)
{
	(void)state;
	in_child(listening_uploader);
}

static void exploited_relay(void)
{
	sandbox_enter(SANDBOX_RELAY, NULL);
	need_filter();
	check_common();
	CHECK(!makes_socket(AF_INET, SOCK_STREAM));
	CHECK(!makes_socket(AF_INET6, SOCK_DGRAM));
	CHECK(makes_socket(AF_UNIX, SOCK_STREAM));
	need_landlock(1);
	CHECK(!opens(secret, O_RDONLY));
	CHECK(!opens("/dev/null", O_RDONLY));
}

static void exploited_relay_has_unix_sockets_and_no_file(void **state)
{
	(void)state;
	in_child(exploited_relay);
}

static void replaced_file(void)
{
	static struct sandbox_paths paths;
	char other[128];
	int fds[2];
	pid_t helper;
	char byte;

	(void)snprintf(other, sizeof other, "%s/new", allowed);
	CHECK(pipe(fds) == 0);
	/* Somebody who is not confined. */
	helper = fork();
	if (helper == 0) {
		(void)!read(fds[0], &byte, 1);
		write_file(other, "new");
		_exit(rename(other, secret) == 0 ? 0 : 1);
	}
	paths = (struct sandbox_paths){ .readable = { secret } };
	sandbox_enter(SANDBOX_UPLOADER, &paths);
	need_landlock(1);
	CHECK(opens(secret, O_RDONLY));
	CHECK(!sandbox_is_stale());
	CHECK(write(fds[1], "x", 1) == 1);
	for (int i = 0; i < 1000 && !sandbox_is_stale(); i++)
		(void)poll(NULL, 0, 10);
	CHECK(sandbox_is_stale());
	CHECK(!opens(secret, O_RDONLY));
}

static void uploader_notices_that_a_file_was_replaced(void **state)
{
	(void)state;
	in_child(replaced_file);
}

static void unconfined_process_says_so(void **state)
{
	(void)state;
	assert_string_equal(sandbox_words(), "none");
	assert_false(sandbox_has_landlock());
	assert_false(sandbox_is_stale());
}

static void constants_are_the_kernels(void **state)
{
	(void)state;
	_Static_assert(sizeof(struct bpf_step) == sizeof(struct sock_filter), "sock_filter");
	_Static_assert(sizeof(struct bpf_program) == sizeof(struct sock_fprog), "sock_fprog");
	_Static_assert(sizeof(struct landlock_beneath) == sizeof(struct landlock_path_beneath_attr), "beneath");
	assert_int_equal(BPF_LOAD, BPF_LD | BPF_W | BPF_ABS);
	assert_int_equal(BPF_MASK, BPF_ALU | BPF_AND | BPF_K);
	assert_int_equal(BPF_JUMP_EQUAL, BPF_JMP | BPF_JEQ | BPF_K);
	assert_int_equal(BPF_RETURN, BPF_RET | BPF_K);
	assert_int_equal(CALL_NR, offsetof(struct seccomp_data, nr));
	assert_int_equal(CALL_ARCH, offsetof(struct seccomp_data, arch));
	assert_int_equal(CALL_ARGS, offsetof(struct seccomp_data, args));
	assert_int_equal(FILTER_ALLOW, SECCOMP_RET_ALLOW);
	assert_int_equal(FILTER_ERRNO, SECCOMP_RET_ERRNO);
	assert_int_equal(FILTER_KILL, SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(LANDLOCK_WRITE_FILE, LANDLOCK_ACCESS_FS_WRITE_FILE);
	assert_int_equal(LANDLOCK_READ_DIR, LANDLOCK_ACCESS_FS_READ_DIR);
	assert_int_equal(LANDLOCK_REMOVE_FILE, LANDLOCK_ACCESS_FS_REMOVE_FILE);
	assert_int_equal(LANDLOCK_MAKE_DIR, LANDLOCK_ACCESS_FS_MAKE_DIR);
	assert_int_equal(LANDLOCK_MAKE_FILE, LANDLOCK_ACCESS_FS_MAKE_REG);
	assert_int_equal(LANDLOCK_ALL_ABI_1, (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1);
	assert_int_equal(CAP_VERSION, _LINUX_CAPABILITY_VERSION_3);
	assert_int_equal(CAPABILITY_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH);
	assert_int_equal(CAPABILITY_SYS_PTRACE, CAP_SYS_PTRACE);
	assert_int_equal(CAPABILITY_SYSLOG, CAP_SYSLOG);
}

static void relay_lets_through_what_is_ever_asked_and_nothing_else(void **state)
{
	static const struct {
		const char *path;
		bool allowed;
	} table[] = {
		{ "/v1.41/containers/json?all=1", true },
		{ "/containers/json?all=1", true },
		{ "/v1.41/containers/4f5ad0/json", true },
		{ "/containers/4f5ad0/logs?stdout=1&stderr=1&tail=600&timestamps=1", true },
		{ "/containers/json", false },
		{ "/v1.41/containers/create", false },
		{ "/v1.41/containers/4f5ad0/start", false },
		{ "/v1.41/containers/4f5ad0/exec", false },
		{ "/v1.41/containers/4f5ad0/json ", false },
		{ "/v1.41/containers/../json", false },
		{ "/v1.41/containers/4f5ad0/archive?path=/", false },
		{ "/v1.41/containers//json", false },
		{ "/v1.41/v1.41/containers/4f5ad0/json", false },
		{ "/containers/4f5ad0/json\r\nX: y", false },
		{ "/v1.41/images/json", false },
		{ "/info", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (relay_allows(span_cstr(table[i].path)) != table[i].allowed)
			fail_msg("%s", table[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unconfined_process_says_so),
		cmocka_unit_test(constants_are_the_kernels),
		cmocka_unit_test(relay_lets_through_what_is_ever_asked_and_nothing_else),
		cmocka_unit_test_setup_teardown(exploited_reader_cannot_open_a_socket_or_run_a_program, setup, teardown),
		cmocka_unit_test_setup_teardown(exploited_reader_cannot_write_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(exploited_uploader_cannot_read_the_box_or_reach_its_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(exploited_uploader_cannot_wait_for_callers, setup, teardown),
		cmocka_unit_test_setup_teardown(exploited_relay_has_unix_sockets_and_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(uploader_notices_that_a_file_was_replaced, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
