/*
 * kernel: the parts of the kernel's interface that the sandbox speaks. linux/seccomp.h, filter.h, landlock.h and
 * capability.h are not among the headers that a musl compiler sees; the unit test compares these with them.
 *
 * Only agent/sandbox/ includes this.
 */
#ifndef RESCUE_AGENT_SANDBOX_KERNEL_H
#define RESCUE_AGENT_SANDBOX_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>

/* Classic BPF (linux/filter.h) over struct seccomp_data (linux/seccomp.h). */
struct bpf_step {
	uint16_t code;
	uint8_t jump_true, jump_false;
	uint32_t k;
};
struct bpf_program {
	uint16_t len;
	struct bpf_step *steps;
};

enum {
	BPF_LOAD = 0x20,       /* BPF_LD | BPF_W | BPF_ABS */
	BPF_MASK = 0x54,       /* BPF_ALU | BPF_AND | BPF_K */
	BPF_JUMP_EQUAL = 0x15, /* BPF_JMP | BPF_JEQ | BPF_K */
	BPF_RETURN = 0x06,     /* BPF_RET | BPF_K */
	BPF_MAX_STEPS = 4096,

	CALL_NR = 0,   /* offsets in struct seccomp_data */
	CALL_ARCH = 4,
	CALL_ARGS = 16, /* of 8 bytes each; both machines are little-endian, so that the low half comes first */
};

#define FILTER_ALLOW UINT32_C(0x7fff0000)
#define FILTER_ERRNO UINT32_C(0x00050000)
#define FILTER_KILL UINT32_C(0x80000000)

#if defined(__x86_64__)
#define FILTER_ARCH UINT32_C(0xc000003e)
#elif defined(__aarch64__)
#define FILTER_ARCH UINT32_C(0xc00000b7)
#endif

/* Landlock (linux/landlock.h). Fields that a kernel does not know must be 0. */
struct landlock_ruleset {
	uint64_t handled_fs;
	uint64_t handled_net; /* from ABI 4 on */
	uint64_t scoped;      /* from ABI 6 on */
};
struct landlock_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

enum {
	LANDLOCK_EXECUTE = 1 << 0,
	LANDLOCK_WRITE_FILE = 1 << 1,
	LANDLOCK_READ_FILE = 1 << 2,
	LANDLOCK_READ_DIR = 1 << 3,
	LANDLOCK_REMOVE_FILE = 1 << 5,
	LANDLOCK_MAKE_DIR = 1 << 7,
	LANDLOCK_MAKE_FILE = 1 << 8,
	LANDLOCK_ALL_ABI_1 = (1 << 13) - 1,
	LANDLOCK_REFER = 1 << 13,     /* ABI 2 */
	LANDLOCK_TRUNCATE = 1 << 14,  /* ABI 3 */
	LANDLOCK_IOCTL_DEV = 1 << 15, /* ABI 5 */

	LANDLOCK_BIND_TCP = 1 << 0,
	LANDLOCK_CONNECT_TCP = 1 << 1,
	LANDLOCK_ABSTRACT_SOCKETS = 1 << 0,
	LANDLOCK_SIGNALS = 1 << 1,

	LANDLOCK_GIVE_VERSION = 1 << 0,
	LANDLOCK_BENEATH = 1,
};

/* The same numbers on every machine. */
enum { CALL_LANDLOCK_CREATE = 444, CALL_LANDLOCK_ADD = 445, CALL_LANDLOCK_ENTER = 446 };

/* capset(2). */
struct cap_header {
	uint32_t version;
	int pid;
};
struct cap_sets {
	uint32_t effective, permitted, inheritable;
};
#define CAP_VERSION UINT32_C(0x20080522)

enum { CAPABILITY_DAC_READ_SEARCH = 2, CAPABILITY_SYS_PTRACE = 19, CAPABILITY_SYSLOG = 34 };

#endif
