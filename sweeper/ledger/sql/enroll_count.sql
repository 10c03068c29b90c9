-- How many rows name the instance $1.
SELECT count(*)::bigint FROM {workspaces} WHERE instance_id = $1::text;
