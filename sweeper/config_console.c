#include "sweeper/config_console.h"

#include "proto/enroll.h"
#include "sweeper/config_sinks.h"

static const struct config_field fields[] = {
	CONFIG_BOOL(struct console_config, enabled, false),
	CONFIG_TEXT(struct console_config, region, ""),
	CONFIG_TEXT(struct console_config, role, ""),
	CONFIG_TEXT(struct console_config, endpoint, ""),
	CONFIG_TEXT(struct console_config, sts_endpoint, ""),
	CONFIG_TEXT(struct console_config, metadata, "http://169.254.169.254"),
};

/* arn:aws:iam::123456789012:role/path/name, without a byte that would have to be encoded in a URL but for ':' and '/'. */
static bool is_role(struct span arn)
{
	if (!span_starts_with(arn, SPAN_LIT("arn:")) || span_find(arn, SPAN_LIT(":role/"), 0) == arn.len ||
	    arn.len > LIMIT_ROLE_ARN)
		return false;
	for (size_t i = 0; i < arn.len; i++) {
		if (arn.ptr[i] <= ' ' || arn.ptr[i] > '~')
			return false;
	}
	return true;
}

static enum status check(const struct config_reader *reader, const struct yaml_node *node,
                         const struct console_config *config)
{
	const struct {
		const char *key, *url;
	} urls[] = { { "endpoint", config->endpoint }, { "sts_endpoint", config->sts_endpoint },
	             { "metadata", config->metadata } };

	if (config->enabled && !enroll_is_region(span_cstr(config->region)))
		return config_fail(reader, yaml_get(node, "region") != NULL ? yaml_get(node, "region") : node,
		                   "expected the region of the instances, as us-east-1");
	if (config->role[0] != '\0' && !is_role(span_cstr(config->role)))
		return config_fail(reader, yaml_get(node, "role"), "expected arn:aws:iam::ACCOUNT:role/NAME");
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		if (urls[i].url[0] != '\0' && !config_is_http_url(urls[i].url))
			return config_fail(reader, yaml_get(node, urls[i].key), "expected a URL with http:// or https://");
	}
	return STATUS_OK;
}

enum status config_console_read(const struct config_reader *reader, const struct yaml_node *node,
                                struct console_config *config)
{
	enum status status = config_read_map(reader, node, fields, ARRAY_LEN(fields), config);

	return status == STATUS_OK ? check(reader, node, config) : status;
}

void config_console_free(struct console_config *config)
{
	config_free_map(fields, ARRAY_LEN(fields), config);
}
