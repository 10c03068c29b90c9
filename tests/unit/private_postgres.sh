#!/bin/sh
# private_postgres.sh start FOLDER | stop FOLDER: a PostgreSQL of the test's own, on a Unix socket in FOLDER only.
# Prints nothing but errors. FOLDER exists before and is the caller's to remove.
set -eu
action=$1
folder=$2
bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

as_owner() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec runuser -u postgres -- "$@")
	else
		"$@"
	fi
}

case $action in
start)
	if [ "$(id -u)" = 0 ]; then
		chown postgres "$folder"
	fi
	as_owner "$bin/initdb" -D "$folder/data" -A trust -U postgres --no-sync -E UTF8 >/dev/null
	as_owner "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
		-o "-c listen_addresses='' -c unix_socket_directories=$folder -c fsync=off" start >/dev/null
	;;
stop)
	as_owner "$bin/pg_ctl" -D "$folder/data" -w -m immediate stop >/dev/null
	;;
esac
