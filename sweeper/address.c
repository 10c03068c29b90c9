#include "sweeper/address.h"

static size_t last_colon(struct span text)
{
	size_t at = text.len;

	while (at > 0 && text.ptr[at - 1] != ':')
		at--;
	return at == 0 ? text.len : at - 1;
}

enum status address_parse(struct span text, struct address *ret_address)
{
	size_t colon = last_colon(text);
	struct span host = span_sub(text, 0, colon), port = span_sub(text, colon + 1, text.len);
	uint64_t number;

	if (port.len >= ADDRESS_PORT_SIZE || !span_to_u64(port, &number) || number > UINT16_MAX)
		return STATUS_INVALID;
	if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = span_sub(host, 1, host.len - 2);
	else if (memchr(host.ptr, ':', host.len) != NULL)
		return STATUS_INVALID;
	if (host.len == 0 || host.len >= ADDRESS_HOST_SIZE || memchr(host.ptr, '\0', host.len) != NULL)
		return STATUS_INVALID;
	memcpy(ret_address->host, host.ptr, host.len);
	ret_address->host[host.len] = '\0';
	memcpy(ret_address->port, port.ptr, port.len);
	ret_address->port[port.len] = '\0';
	return STATUS_OK;
}
