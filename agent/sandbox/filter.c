#include "agent/sandbox/filter.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sandbox/kernel.h"
#include "shared/config.h"

#ifndef FILTER_ARCH

enum status filter_install(enum sandbox_role role, struct err *err)
{
	(void)role;
	return err_set(err, STATUS_SYSTEM, "no list of system calls for this machine");
}

#else

enum {
	FOR_SUPERVISOR = 1 << SANDBOX_SUPERVISOR,
	FOR_READER = 1 << SANDBOX_READER,
	FOR_RELAY = 1 << SANDBOX_RELAY,
	FOR_UPLOADER = 1 << SANDBOX_UPLOADER,
	FOR_ALL = FOR_SUPERVISOR | FOR_READER | FOR_RELAY | FOR_UPLOADER,
	FOR_WRITERS = FOR_SUPERVISOR | FOR_UPLOADER,
	FOR_CALLERS = FOR_SUPERVISOR | FOR_RELAY | FOR_UPLOADER,
};

/* The supervisor has whatever one of the others needs, since they are its children. */
static const struct listed {
	int nr;
	unsigned roles;
} calls[] = {
	/* Memory, threads, time. */
	{ SYS_brk, FOR_ALL }, { SYS_mmap, FOR_ALL }, { SYS_munmap, FOR_ALL }, { SYS_mremap, FOR_ALL },
	{ SYS_mprotect, FOR_ALL }, { SYS_madvise, FOR_ALL }, { SYS_futex, FOR_ALL }, { SYS_membarrier, FOR_ALL },
	{ SYS_set_robust_list, FOR_ALL }, { SYS_set_tid_address, FOR_ALL }, { SYS_rseq, FOR_ALL },
	{ SYS_sched_yield, FOR_ALL }, { SYS_sched_getaffinity, FOR_ALL }, { SYS_exit, FOR_ALL },
	{ SYS_exit_group, FOR_ALL }, { SYS_clock_gettime, FOR_ALL }, { SYS_clock_getres, FOR_ALL },
	{ SYS_clock_nanosleep, FOR_ALL }, { SYS_nanosleep, FOR_ALL }, { SYS_gettimeofday, FOR_ALL },
	{ SYS_restart_syscall, FOR_ALL },
	/* About oneself. */
	{ SYS_getrandom, FOR_ALL }, { SYS_getpid, FOR_ALL }, { SYS_gettid, FOR_ALL }, { SYS_getppid, FOR_ALL },
	{ SYS_getuid, FOR_ALL }, { SYS_geteuid, FOR_ALL }, { SYS_getgid, FOR_ALL }, { SYS_getegid, FOR_ALL },
	{ SYS_uname, FOR_ALL }, { SYS_sysinfo, FOR_ALL }, { SYS_prlimit64, FOR_ALL }, { SYS_getrlimit, FOR_ALL },
	{ SYS_rt_sigaction, FOR_ALL }, { SYS_rt_sigprocmask, FOR_ALL }, { SYS_rt_sigreturn, FOR_ALL },
	{ SYS_rt_sigtimedwait, FOR_ALL }, { SYS_sigaltstack, FOR_ALL },
	/* Descriptors. */
	{ SYS_read, FOR_ALL }, { SYS_readv, FOR_ALL }, { SYS_pread64, FOR_ALL }, { SYS_write, FOR_ALL },
	{ SYS_writev, FOR_ALL }, { SYS_pwrite64, FOR_ALL }, { SYS_lseek, FOR_ALL }, { SYS_close, FOR_ALL },
	{ SYS_fcntl, FOR_ALL }, { SYS_dup, FOR_ALL }, { SYS_dup3, FOR_ALL }, { SYS_pipe2, FOR_ALL },
	{ SYS_eventfd2, FOR_ALL }, { SYS_ppoll, FOR_ALL }, { SYS_pselect6, FOR_ALL }, { SYS_epoll_create1, FOR_ALL },
	{ SYS_epoll_ctl, FOR_ALL }, { SYS_epoll_pwait, FOR_ALL }, { SYS_fsync, FOR_ALL }, { SYS_fdatasync, FOR_ALL },
	/* Files; which ones is Landlock's to say. */
	{ SYS_openat, FOR_ALL }, { SYS_openat2, FOR_ALL }, { SYS_newfstatat, FOR_ALL }, { SYS_fstat, FOR_ALL },
	{ SYS_statx, FOR_ALL }, { SYS_statfs, FOR_ALL }, { SYS_fstatfs, FOR_ALL }, { SYS_getdents64, FOR_ALL },
	{ SYS_readlinkat, FOR_ALL }, { SYS_faccessat, FOR_ALL }, { SYS_faccessat2, FOR_ALL }, { SYS_getcwd, FOR_ALL },
	{ SYS_unlinkat, FOR_WRITERS }, { SYS_renameat, FOR_WRITERS }, { SYS_renameat2, FOR_WRITERS },
	{ SYS_mkdirat, FOR_WRITERS }, { SYS_fchmod, FOR_WRITERS }, { SYS_fchmodat, FOR_WRITERS },
	{ SYS_ftruncate, FOR_WRITERS }, { SYS_flock, FOR_WRITERS }, { SYS_umask, FOR_WRITERS },
	/* Sockets that are there; socket(2) and socketpair(2) stand below. */
	{ SYS_sendto, FOR_ALL }, { SYS_sendmsg, FOR_ALL }, { SYS_recvfrom, FOR_ALL }, { SYS_recvmsg, FOR_ALL },
	{ SYS_getsockopt, FOR_ALL }, { SYS_setsockopt, FOR_ALL }, { SYS_getsockname, FOR_ALL },
	{ SYS_getpeername, FOR_ALL }, { SYS_shutdown, FOR_ALL }, { SYS_connect, FOR_CALLERS },
	{ SYS_bind, FOR_WRITERS }, { SYS_sendmmsg, FOR_WRITERS }, { SYS_recvmmsg, FOR_WRITERS },
	/* Starting the others and confining them. */
	{ SYS_wait4, FOR_SUPERVISOR }, { SYS_waitid, FOR_SUPERVISOR }, { SYS_kill, FOR_SUPERVISOR },
	{ SYS_tkill, FOR_SUPERVISOR }, { SYS_signalfd4, FOR_SUPERVISOR }, { SYS_prctl, FOR_SUPERVISOR },
	{ SYS_capget, FOR_SUPERVISOR }, { SYS_capset, FOR_SUPERVISOR }, { SYS_seccomp, FOR_SUPERVISOR },
	{ CALL_LANDLOCK_CREATE, FOR_SUPERVISOR }, { CALL_LANDLOCK_ADD, FOR_SUPERVISOR },
	{ CALL_LANDLOCK_ENTER, FOR_SUPERVISOR },
#ifdef __x86_64__
	/* What newer machines never had. */
	{ SYS_arch_prctl, FOR_ALL }, { SYS_open, FOR_ALL }, { SYS_stat, FOR_ALL }, { SYS_lstat, FOR_ALL },
	{ SYS_access, FOR_ALL }, { SYS_readlink, FOR_ALL }, { SYS_poll, FOR_ALL }, { SYS_select, FOR_ALL },
	{ SYS_epoll_wait, FOR_ALL }, { SYS_pipe, FOR_ALL }, { SYS_dup2, FOR_ALL }, { SYS_time, FOR_ALL },
	{ SYS_unlink, FOR_WRITERS }, { SYS_rename, FOR_WRITERS }, { SYS_mkdir, FOR_WRITERS },
	{ SYS_chmod, FOR_WRITERS }, { SYS_fork, FOR_SUPERVISOR },
#endif
};

static struct bpf_step steps[2 * ARRAY_LEN(calls) + 64];
static uint16_t step_count;

static void put(uint16_t code, uint8_t jump_true, uint8_t jump_false, uint32_t k)
{
	steps[step_count++] = (struct bpf_step){ code, jump_true, jump_false, k };
}

/* Lets through when what is loaded equals `value`. */
static void allow_equal(uint32_t value)
{
	put(BPF_JUMP_EQUAL, 0, 1, value);
	put(BPF_RETURN, 0, 0, FILTER_ALLOW);
}

/* What follows, `count` steps, is for this call. */
static void only_for(int nr, uint8_t count)
{
	put(BPF_JUMP_EQUAL, 0, count, (uint32_t)nr);
}

static void load_argument(unsigned index)
{
	put(BPF_LOAD, 0, 0, CALL_ARGS + 8 * index);
}

static void put_socket(enum sandbox_role role)
{
	unsigned families[] = { AF_INET, AF_INET6, AF_UNIX };
	unsigned wanted_by[] = { FOR_WRITERS, FOR_WRITERS, FOR_SUPERVISOR | FOR_RELAY };
	uint8_t count = 2;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		count = (uint8_t)(count + (wanted_by[i] & 1U << role ? 2 : 0));
	only_for(SYS_socket, count);
	load_argument(0);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (wanted_by[i] & 1U << role)
			allow_equal(families[i]);
	}
	put(BPF_RETURN, 0, 0, FILTER_ERRNO | EACCES);
}

/* A pair is no way out, unless it can send to an address: then it is one to every datagram socket on the box. */
static void put_socketpair(enum sandbox_role role)
{
	bool any = role == SANDBOX_SUPERVISOR;

	only_for(SYS_socketpair, any ? 4 : 5);
	load_argument(any ? 0 : 1);
	if (!any)
		put(BPF_MASK, 0, 0, 0xf);
	allow_equal(any ? AF_UNIX : SOCK_STREAM);
	put(BPF_RETURN, 0, 0, FILTER_ERRNO | EACCES);
}

/* Threads; for the supervisor processes, too; namespaces for nobody. */
static void put_clone(enum sandbox_role role)
{
	const uint32_t namespaces = 0x7e020080; /* CLONE_NEW* */
	const uint32_t thread = 0x00010000;     /* CLONE_THREAD */

	only_for(SYS_clone, 5);
	load_argument(0);
	put(BPF_MASK, 0, 0, role == SANDBOX_SUPERVISOR ? namespaces : namespaces | thread);
	allow_equal(role == SANDBOX_SUPERVISOR ? 0 : thread);
	put(BPF_RETURN, 0, 0, FILTER_ERRNO | EPERM);
}

/* Signals to oneself, as abort(3) sends. */
static void put_tgkill(void)
{
	only_for(SYS_tgkill, 4);
	load_argument(0);
	allow_equal((uint32_t)getpid());
	put(BPF_RETURN, 0, 0, FILTER_ERRNO | EPERM);
}

static void build(enum sandbox_role role)
{
	step_count = 0;
	put(BPF_LOAD, 0, 0, CALL_ARCH);
	put(BPF_JUMP_EQUAL, 1, 0, FILTER_ARCH);
	put(BPF_RETURN, 0, 0, FILTER_KILL);
	put(BPF_LOAD, 0, 0, CALL_NR);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].roles & 1U << role)
			allow_equal((uint32_t)calls[i].nr);
	}
	put_socket(role);
	put_socketpair(role);
	put_clone(role);
	if (role != SANDBOX_SUPERVISOR)
		put_tgkill();
	else
		allow_equal(SYS_tgkill);
	put(BPF_RETURN, 0, 0, FILTER_ERRNO | ENOSYS);
}

enum status filter_install(enum sandbox_role role, struct err *err)
{
	struct bpf_program program = { .steps = steps };

	build(role);
	program.len = step_count;
	if (prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &program, 0, 0) != 0)
		return err_set_errno(err, "no seccomp filter");
	return STATUS_OK;
}

#endif
