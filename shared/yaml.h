/*
 * yaml: a YAML 1.1 document as a tree that remembers where everything stood. Only yaml.c knows libyaml.
 *
 * Scalars stay text; config.h and other readers give them a type. Anchors and aliases are refused (they make
 * documents larger than they look), duplicate keys are refused, depth and node count are capped.
 * Nodes are borrowed from their document. A document belongs to one thread at a time.
 */
#ifndef RESCUE_SHARED_YAML_H
#define RESCUE_SHARED_YAML_H

#include "shared/buf.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;   /* from 1 */
	unsigned column; /* from 1 */
	struct span key;    /* in a map: this member's key; else empty */
	struct span text;   /* of a scalar; always followed by a NUL */
	bool plain;         /* scalar without quotes: "", null, ~ and true mean something */
	size_t count;       /* of a list or map */
	const struct yaml_node *first; /* first child of a list or map */
	const struct yaml_node *next;  /* next sibling */
};

struct yaml;

/*
 * Parses one document. `name` is used in the words only ("name:line:column: …"). An empty text gives an empty
 * map. STATUS_INVALID, STATUS_TOO_LARGE or STATUS_NO_MEMORY.
 */
enum status yaml_parse(struct span text, const char *name, struct yaml **ret_yaml, struct err *err);
/* The same for a file of at most LIMIT_CONFIG_FILE bytes. Also the statuses of file_read. */
enum status yaml_load(const char *path, struct yaml **ret_yaml, struct err *err);
/* Frees it; NULL is fine. (libyaml itself has a function called yaml_free.) */
void yaml_drop(struct yaml *yaml);

const struct yaml_node *yaml_root(const struct yaml *yaml);
/* The name it was parsed under. */
const char *yaml_name(const struct yaml *yaml);

/* Member of a map by key; NULL when `map` is NULL, no map, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
