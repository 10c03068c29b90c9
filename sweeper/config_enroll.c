#include "sweeper/config_enroll.h"

#include <stdlib.h>
#include <string.h>

#include "proto/enroll.h"

struct enroll_nodes {
	struct enroll_config config; /* first, so that the same table frees a finished one */
	const struct yaml_node *certificates;
};

#define MEMBER(type_, key_, ...) \
	{ .key = #key_, .type = (type_), .offset = offsetof(struct enroll_nodes, config.key_), __VA_ARGS__ }

static const struct config_field fields[] = {
	MEMBER(CONFIG_TYPE_BOOL, enabled, .int_default = 0),
	MEMBER(CONFIG_TYPE_TEXTS, accounts, .required = false),
	MEMBER(CONFIG_TYPE_TEXT, ca_cert, .text_default = ""),
	MEMBER(CONFIG_TYPE_TEXT, ca_key, .text_default = ""),
	MEMBER(CONFIG_TYPE_INT, max_age_s, .int_default = 3600, .min = 60, .max = LIMIT_ENROLL_AGE_S),
	MEMBER(CONFIG_TYPE_INT, lifetime_s, .int_default = 24 * 3600, .min = 10, .max = LIMIT_ENROLL_LIFETIME_S),
	MEMBER(CONFIG_TYPE_INT, per_address_per_min, .int_default = 600, .min = 1, .max = LIMIT_ENROLL_PER_MIN),
	MEMBER(CONFIG_TYPE_INT, per_instance_per_min, .int_default = 30, .min = 1, .max = LIMIT_ENROLL_PER_MIN),
	CONFIG_NODE(struct enroll_nodes, certificates),
};

enum status config_enroll_check_accounts(const struct config_reader *reader, const struct yaml_node *map)
{
	const struct yaml_node *list = yaml_get(map, "accounts");

	if (list != NULL && list->count > LIMIT_ENROLL_ACCOUNTS)
		return config_fail(reader, list, "accounts: at most %d", LIMIT_ENROLL_ACCOUNTS);
	for (const struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
		if (!enroll_is_account(item->text))
			return config_fail(reader, item, "accounts: expected the 12 digits of an AWS account in quotes, found "
			                                 "\"%.40s\"", (const char *)item->text.ptr);
	}
	return STATUS_OK;
}

static enum status read_region(const struct config_reader *reader, const struct yaml_node *node,
                               struct enroll_region *ret_region)
{
	enum status status = config_expect(reader, node, YAML_SCALAR);

	if (status != STATUS_OK)
		return status;
	if (!enroll_is_region(node->key))
		return config_fail(reader, node, "certificates: expected a region's name as us-east-1");
	if (node->text.len == 0)
		return config_fail(reader, node, "certificates: expected a file with the region's AWS certificate (PEM)");
	ret_region->name = strndup((const char *)node->key.ptr, node->key.len);
	ret_region->path = strndup((const char *)node->text.ptr, node->text.len);
	return ret_region->name != NULL && ret_region->path != NULL ? STATUS_OK :
	       err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
}

static enum status read_regions(const struct config_reader *reader, const struct yaml_node *map,
                                struct enroll_config *enroll)
{
	enum status status = config_expect(reader, map, YAML_MAP);

	if (status != STATUS_OK || map == NULL || map->count == 0)
		return status;
	if (map->count > LIMIT_ENROLL_REGIONS)
		return config_fail(reader, map, "certificates: at most %d regions", LIMIT_ENROLL_REGIONS);
	enroll->regions = calloc(map->count, sizeof *enroll->regions);
	if (enroll->regions == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	for (const struct yaml_node *node = map->first; node != NULL && status == STATUS_OK; node = node->next)
		status = read_region(reader, node, &enroll->regions[enroll->region_count++]);
	return status;
}

/* What must be said once enrolment is on: nobody is let in by a default. */
static enum status check_complete(const struct config_reader *reader, const struct yaml_node *node,
                                  const struct enroll_config *enroll)
{
	if (!enroll->enabled)
		return STATUS_OK;
	if (enroll->region_count == 0)
		return config_fail(reader, node, "the key \"certificates\" is missing; expected {us-east-1: FILE, …}, AWS's RSA "
		                                 "certificates for instance identity documents");
	if (enroll->accounts.count == 0)
		return config_fail(reader, node, "the key \"accounts\" is missing; expected [\"123456789012\", …], whose "
		                                 "instances may enrol");
	if (enroll->ca_cert[0] == '\0' || enroll->ca_key[0] == '\0')
		return config_fail(reader, node, "the key \"%s\" is missing; expected a file of the authority that signs (PEM)",
		                   enroll->ca_cert[0] == '\0' ? "ca_cert" : "ca_key");
	return STATUS_OK;
}

enum status config_enroll_read(const struct config_reader *reader, const struct yaml_node *node,
                               struct enroll_config *ret_enroll)
{
	struct enroll_nodes nodes = { .certificates = NULL };
	enum status status = config_read_map(reader, node, fields, ARRAY_LEN(fields), &nodes);

	if (status == STATUS_OK)
		status = config_enroll_check_accounts(reader, node);
	if (status == STATUS_OK)
		status = read_regions(reader, nodes.certificates, &nodes.config);
	if (status == STATUS_OK)
		status = check_complete(reader, node, &nodes.config);
	*ret_enroll = nodes.config;
	return status;
}

void config_enroll_free(struct enroll_config *enroll)
{
	config_free_map(fields, ARRAY_LEN(fields), enroll);
	for (size_t i = 0; i < enroll->region_count; i++) {
		free(enroll->regions[i].name);
		free(enroll->regions[i].path);
	}
	free(enroll->regions);
}
