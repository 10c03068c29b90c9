#include "agent/config_urls.h"

#include "shared/config.h"

/* Letters, digits, '.', '-' and '_', or an IPv6 address in brackets. */
static bool is_host(struct span host)
{
	bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

	if (brackets)
		host = span_sub(host, 1, host.len - 2);
	for (size_t i = 0; i < host.len; i++) {
		uint8_t byte = host.ptr[i];
		bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';

		if (!letter && !(byte >= '0' && byte <= '9') && byte != '.' && byte != (brackets ? ':' : '-') &&
		    (brackets || byte != '_'))
			return false;
	}
	return host.len > 0;
}

bool config_urls_is_sweeper(struct span url)
{
	struct span rest, port;
	size_t colon;
	uint64_t number;

	if (!span_starts_with(url, SPAN_LIT("https://")) || memchr(url.ptr, '\0', url.len) != NULL)
		return false;
	rest = span_sub(url, 8, url.len);
	for (colon = rest.len; colon > 0 && rest.ptr[colon - 1] >= '0' && rest.ptr[colon - 1] <= '9'; colon--)
		;
	if (colon == 0 || rest.ptr[colon - 1] != ':')
		return is_host(rest);
	port = span_sub(rest, colon, rest.len);
	return span_to_u64(port, &number) && number >= 1 && number <= 65535 && is_host(span_sub(rest, 0, colon - 1));
}

bool config_urls_is_metadata(struct span url)
{
	static const char *const bases[] = { "http://169.254.169.254", "http://[fd00:ec2::254]", "http://127.0.0.1" };

	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		struct span port = span_sub(url, strlen(bases[i]), url.len);
		uint64_t number;

		if (!span_starts_with(url, span_cstr(bases[i])))
			continue;
		if (port.len == 0)
			return true;
		return port.ptr[0] == ':' && span_to_u64(span_sub(port, 1, port.len), &number) && number >= 1 &&
		       number <= 65535;
	}
	return false;
}
