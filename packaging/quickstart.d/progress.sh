# What quickstart tells while it works. Sourced.
# shellcheck shell=bash

BEGIN_MS=$(date +%s%3N)

say() {
	local ms=$(($(date +%s%3N) - BEGIN_MS))
	printf '[%3d.%d s] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*"
}

fail() {
	printf 'quickstart: %s\n' "$*" >&2
	exit 1
}

# fail_with_log WORDS FILE: the end of the file says why.
fail_with_log() {
	printf 'quickstart: %s; the end of %s:\n' "$1" "$2" >&2
	tail -n 20 -- "$2" >&2 || true
	exit 1
}

# wait_for WORDS SECONDS COMMAND…: polls the command.
wait_for() {
	local words=$1 deadline=$((SECONDS + $2))
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || fail "waited in vain until $words"
		sleep 0.1
	done
}

# A string in YAML's (and JSON's) double quotes, so that folders may have any name.
quoted() {
	local text=${1//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}
