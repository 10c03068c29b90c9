/*
 * fetch_headers: a request's header fields as libcurl wants them. Part of fetch: nobody else includes it, since it
 * knows libcurl.
 */
#ifndef RESCUE_SHARED_FETCH_HEADERS_H
#define RESCUE_SHARED_FETCH_HEADERS_H

#include <curl/curl.h>

#include "shared/fetch.h"

/*
 * The request's own headers, and an end to those that libcurl would add by itself: "Expect:" costs a round trip
 * (or a second), and a form's Content-Type would be a lie. STATUS_INVALID: too many, or a line break in one.
 * *ret_headers is freed with curl_slist_free_all, also after a failure.
 */
enum status fetch_headers_collect(const struct fetch_request *request, struct curl_slist **ret_headers,
                                  struct err *err);

#endif
