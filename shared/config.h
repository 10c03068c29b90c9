/*
 * config: typed values out of a YAML tree by tables, with errors that name file, line, column, the key and
 * what was expected. Keys that no table names are errors.
 *
 *   static const struct config_field fields[] = {
 *           CONFIG_TEXT(struct sweep, listen, "0.0.0.0:8443"),
 *           CONFIG_INT(struct sweep, interval_s, 30, 1, 3600),
 *   };
 *   status = config_read_map(&reader, node, fields, ARRAY_LEN(fields), &sweep);
 *
 * The C member has the key's name. Texts are allocated; config_free_map frees what a table filled.
 * Thread: one at a time.
 */
#ifndef RESCUE_SHARED_CONFIG_H
#define RESCUE_SHARED_CONFIG_H

#include <stddef.h>

#include "shared/yaml.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct config_reader {
	const char *file;  /* for the words */
	struct err *err;
};

/* A list of texts. */
struct config_texts {
	char **items;
	size_t count;
};

enum config_type {
	CONFIG_TYPE_TEXT,  /* char *          any scalar */
	CONFIG_TYPE_INT,   /* int64_t         in [min, max] */
	CONFIG_TYPE_BOOL,  /* bool            true or false */
	CONFIG_TYPE_TEXTS, /* struct config_texts */
	CONFIG_TYPE_NODE,  /* const struct yaml_node *, for the caller to read; borrowed from the document */
};

struct config_field {
	const char *key;
	enum config_type type;
	size_t offset;
	bool required;
	const char *text_default; /* NULL: stays NULL */
	int64_t int_default, min, max;
	const char *expected;     /* what the words say is expected; NULL: from the type */
};

#define CONFIG_FIELD(type_, struct_, member_, ...) \
	{ .key = #member_, .type = (type_), .offset = offsetof(struct_, member_), __VA_ARGS__ }
#define CONFIG_TEXT(struct_, member_, default_) \
	CONFIG_FIELD(CONFIG_TYPE_TEXT, struct_, member_, .text_default = (default_))
#define CONFIG_TEXT_REQUIRED(struct_, member_, expected_) \
	CONFIG_FIELD(CONFIG_TYPE_TEXT, struct_, member_, .required = true, .expected = (expected_))
#define CONFIG_INT(struct_, member_, default_, min_, max_) \
	CONFIG_FIELD(CONFIG_TYPE_INT, struct_, member_, .int_default = (default_), .min = (min_), .max = (max_))
#define CONFIG_BOOL(struct_, member_, default_) \
	CONFIG_FIELD(CONFIG_TYPE_BOOL, struct_, member_, .int_default = (default_))
#define CONFIG_TEXTS(struct_, member_) CONFIG_FIELD(CONFIG_TYPE_TEXTS, struct_, member_, .required = false)
#define CONFIG_NODE(struct_, member_) CONFIG_FIELD(CONFIG_TYPE_NODE, struct_, member_, .required = false)

/*
 * Fills `object` from `node` (NULL: all defaults). Frees nothing that the object held before: start from zero.
 * After a failure the object may be half filled; config_free_map is safe on it.
 */
enum status config_read_map(const struct config_reader *reader, const struct yaml_node *node,
                            const struct config_field *fields, size_t count, void *object);
void config_free_map(const struct config_field *fields, size_t count, void *object);

/* "file:line:column: key: what" with STATUS_INVALID, for checks of the caller's own. */
enum status config_fail(const struct config_reader *reader, const struct yaml_node *node, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* STATUS_INVALID unless `node` is a list (or map). NULL is fine and means empty. */
enum status config_expect(const struct config_reader *reader, const struct yaml_node *node, enum yaml_kind kind);

#endif
