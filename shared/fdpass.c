#include "shared/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Aligned as CMSG_FIRSTHDR wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

enum status fdpass_send(int socket, struct span bytes, const int *fds, size_t count, struct err *err)
{
	uint8_t copy[4096];
	struct iovec data = { .iov_base = copy, .iov_len = bytes.len };
	union control control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	ssize_t put;

	assert(count <= FDPASS_MAX && bytes.len > 0 && bytes.len <= sizeof copy);
	memcpy(copy, bytes.ptr, bytes.len);
	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof *fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof *fds);
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
	}
	do
		put = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put == (ssize_t)bytes.len ? STATUS_OK : err_set_errno(err, "cannot send to the other process");
}

/* The kernel gives all descriptors in one piece. */
static size_t take_fds(struct msghdr *message, int fds[static FDPASS_MAX])
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count;

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
	if (count > FDPASS_MAX)
		count = FDPASS_MAX;
	memcpy(fds, CMSG_DATA(header), count * sizeof *fds);
	return count;
}

enum status fdpass_receive(int socket, void *bytes, size_t room, size_t *ret_len, int ret_fds[static FDPASS_MAX],
                           size_t *ret_count, struct err *err)
{
	struct iovec data = { .iov_base = bytes, .iov_len = room };
	union control control = { .room = { 0 } };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control.room,
	};
	ssize_t got;

	*ret_count = 0;
	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, "cannot receive from the other process");
	*ret_len = (size_t)got;
	*ret_count = take_fds(&message, ret_fds);
	if (got > 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return STATUS_OK;
	for (size_t i = 0; i < *ret_count; i++)
		(void)close(ret_fds[i]);
	*ret_count = 0;
	return got == 0 ? STATUS_CLOSED : err_set(err, STATUS_TOO_LARGE, "a message that is larger than it may be");
}
