#include "shared/jdoc.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

/* Documents hold the environments of containers and the credentials of registries. */
static void free_wiped(void *bytes)
{
	if (bytes != NULL)
		wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

/* Before main: jansson must never free with one function what it got while it had another. */
__attribute__((constructor)) static void wipe_documents(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

/* struct jdoc is never defined: it is jansson's json_t under a name of ours. */
static json_t *to_json(const struct jdoc *doc)
{
	return (json_t *)(uintptr_t)doc;
}

static struct jdoc *to_doc(json_t *json)
{
	return (struct jdoc *)json;
}

enum status jdoc_parse(struct span text, struct jdoc **ret_doc, struct err *err)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)text.ptr, text.len,
	                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	*ret_doc = to_doc(json);
	if (json != NULL)
		return STATUS_OK;
	if (json_error_code(&error) == json_error_out_of_memory)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	/* jansson's own words quote the input, which may be secret: only the place is passed on. */
	return err_set(err, STATUS_INVALID, "not valid JSON at line %d, column %d", error.line, error.column);
}

void jdoc_free(struct jdoc *doc)
{
	json_decref(to_json(doc));
}

static int append_chunk(const char *bytes, size_t len, void *out)
{
	buf_append(out, bytes, len);
	return buf_status(out) == STATUS_OK ? 0 : -1;
}

enum status jdoc_dump(const struct jdoc *doc, struct buf *out)
{
	if (json_dump_callback(to_json(doc), append_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
		return STATUS_OK;
	return buf_status(out) != STATUS_OK ? buf_status(out) : STATUS_NO_MEMORY;
}

/* What stands behind the backslash for a byte that a string cannot hold as it is (RFC 8259 section 7); 0: it can. */
static char escape_of(uint8_t byte)
{
	switch (byte) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return byte < 0x20 ? 'u' : 0;
	}
}

void jdoc_dump_text(struct span text, struct buf *out)
{
	size_t plain = 0;

	buf_append_byte(out, '"');
	for (size_t at = 0; at < text.len; at++) {
		char escape = escape_of(text.ptr[at]);

		if (escape == 0)
			continue;
		buf_append(out, text.ptr + plain, at - plain);
		plain = at + 1;
		if (escape == 'u')
			buf_printf(out, "\\u%04x", text.ptr[at]);
		else
			buf_append(out, (const char[]){ '\\', escape }, 2);
	}
	buf_append_span(out, span_sub(text, plain, text.len));
	buf_append_byte(out, '"');
}

bool jdoc_is_object(const struct jdoc *doc)
{
	return json_is_object(to_json(doc));
}

bool jdoc_is_array(const struct jdoc *doc)
{
	return json_is_array(to_json(doc));
}

bool jdoc_is_string(const struct jdoc *doc)
{
	return json_is_string(to_json(doc));
}

struct jdoc *jdoc_get(const struct jdoc *object, const char *key)
{
	return to_doc(json_object_get(to_json(object), key));
}

size_t jdoc_count(const struct jdoc *array)
{
	return json_array_size(to_json(array));
}

struct jdoc *jdoc_at(const struct jdoc *array, size_t index)
{
	return to_doc(json_array_get(to_json(array), index));
}

struct span jdoc_text(const struct jdoc *string)
{
	return span_of(json_string_value(to_json(string)), json_string_length(to_json(string)));
}

struct span jdoc_get_text(const struct jdoc *object, const char *key)
{
	return jdoc_text(jdoc_get(object, key));
}

int64_t jdoc_get_int(const struct jdoc *object, const char *key, int64_t otherwise)
{
	json_t *value = json_object_get(to_json(object), key);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool jdoc_get_bool(const struct jdoc *object, const char *key, bool otherwise)
{
	json_t *value = json_object_get(to_json(object), key);

	return json_is_boolean(value) ? json_boolean_value(value) : otherwise;
}

void jdoc_each(const struct jdoc *object, bool (*each)(void *ctx, struct span key, struct jdoc *value), void *ctx)
{
	for (void *at = json_object_iter(to_json(object)); at != NULL;
	     at = json_object_iter_next(to_json(object), at)) {
		struct span key = span_of(json_object_iter_key(at), json_object_iter_key_len(at));

		if (!each(ctx, key, to_doc(json_object_iter_value(at))))
			return;
	}
}

struct jdoc *jdoc_object(void)
{
	return to_doc(json_object());
}

struct jdoc *jdoc_array(void)
{
	return to_doc(json_array());
}

bool jdoc_set(struct jdoc *object, const char *key, struct jdoc *value)
{
	return json_object_set_new(to_json(object), key, to_json(value)) == 0;
}

struct jdoc *jdoc_new_text(struct span text)
{
	return to_doc(json_stringn(text.ptr == NULL ? "" : (const char *)text.ptr, text.len));
}

bool jdoc_set_text(struct jdoc *object, const char *key, struct span text)
{
	return jdoc_set(object, key, jdoc_new_text(text));
}

bool jdoc_set_cstr(struct jdoc *object, const char *key, const char *text)
{
	return jdoc_set_text(object, key, span_cstr(text));
}

bool jdoc_set_int(struct jdoc *object, const char *key, int64_t number)
{
	return jdoc_set(object, key, to_doc(json_integer(number)));
}

bool jdoc_set_bool(struct jdoc *object, const char *key, bool value)
{
	return jdoc_set(object, key, to_doc(json_boolean(value)));
}

bool jdoc_set_null(struct jdoc *object, const char *key)
{
	return jdoc_set(object, key, to_doc(json_null()));
}

bool jdoc_push(struct jdoc *array, struct jdoc *value)
{
	return json_array_append_new(to_json(array), to_json(value)) == 0;
}

struct jdoc *jdoc_share(struct jdoc *value)
{
	return to_doc(json_incref(to_json(value)));
}
