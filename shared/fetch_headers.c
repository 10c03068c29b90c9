#include "shared/fetch_headers.h"

#include <string.h>

static bool add_header(struct curl_slist **headers, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*headers, text);

	if (longer == NULL)
		return false;
	*headers = longer;
	return true;
}

enum status fetch_headers_collect(const struct fetch_request *request, struct curl_slist **ret_headers,
                                  struct err *err)
{
	bool has_type = false, done = add_header(ret_headers, "Expect:");
	size_t count = 0;

	for (const char *const *header = request->headers; done && header != NULL && *header != NULL; header++) {
		if (++count > LIMIT_FETCH_HEADERS || strpbrk(*header, "\r\n") != NULL)
			return err_set(err, STATUS_INVALID, "header %zu cannot be sent", count);
		has_type = has_type || strncasecmp(*header, "Content-Type:", 13) == 0;
		done = add_header(ret_headers, *header);
	}
	if (done && !has_type)
		done = add_header(ret_headers, "Content-Type:");
	return done ? STATUS_OK : err_set(err, STATUS_NO_MEMORY, "out of memory");
}
