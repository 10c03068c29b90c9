# Canaries: secrets made up at run time, one of each kind, that must be found nowhere outside the box. Sourced.
#
# $CANARIES holds "kind<TAB>value" lines. Values are letters, digits, '-', '_' and '.' only, so that no format in
# between (JSON, YAML, a dump) writes them otherwise.
# shellcheck shell=bash

# random LENGTH CHARACTERS: LENGTH of the characters (a set as for tr).
random() {
	local text=""
	while [ "${#text}" -lt "$1" ]; do
		text+=$(head -c 4096 /dev/urandom | LC_ALL=C tr -dc "$2")
	done
	printf '%s' "${text:0:$1}"
}

# canary KIND PREFIX LENGTH CHARACTERS: notes a new one and keeps it in CANARY[KIND].
canary() {
	CANARY[$1]=$2$(random "$3" "$4")
	printf '%s\t%s\n' "$1" "${CANARY[$1]}" >>"$CANARIES"
}

make_canaries() {
	local alnum=A-Za-z0-9 kind
	declare -gA CANARY
	: >"$CANARIES"
	canary model-key "sk-" 48 "$alnum"
	canary github-token "ghp_" 36 "$alnum"
	canary github-fine-token "github_""pat_" 59 "$alnum"
	canary aws-key-id "AKIA" 16 A-Z2-7
	canary aws-secret "" 40 "$alnum"
	canary slack-token "xoxb-" 40 "$alnum"
	canary search-key "pplx-" 48 "$alnum"
	canary context-key "ctx7_" 32 "$alnum"
	canary deploy-token "vc_" 32 "$alnum"
	canary bearer "" 40 "$alnum"
	canary basic-auth "" 36 "$alnum"
	canary password "" 20 "$alnum"
	canary json-secret "" 32 "$alnum"
	canary yaml-token "" 32 "$alnum"
	canary url-password "" 24 "$alnum"
	canary signed-token "" 43 "$alnum"
	canary known-value "" 28 "$alnum"
	canary pem-key "" 64 "$alnum"
	canary cut-pem-key "" 64 "$alnum"
	canary environment-key "sk-" 40 "$alnum"
	if [ "$HAS_ENGINE" = 1 ]; then
		canary container-log "" 40 "$alnum"
		canary container-environment "sk-" 44 "$alnum"
	fi
	for kind in "${!CANARY[@]}"; do
		canary_forms "${CANARY[$kind]}" | sed "s/^/$kind\t/"
	done >"$CANARIES.forms"
}

# The value, and what stands for it in base64 at each of the three offsets it can have in a longer text. What the
# bytes around it share in a base64 character is left away.
canary_forms() {
	local value=$1 offset text filler=xx skip=(0 2 3)
	printf '%s\n' "$value"
	for offset in 0 1 2; do
		text=$(printf '%s%s' "${filler:0:offset}" "$value" | base64 -w 0 | tr -d '=')
		text=${text:${skip[offset]}}
		printf '%s\n' "${text:0:${#text}-1}"
	done
}

# find_canaries PATH…: prints "kind path" for each canary found below them, never a value.
find_canaries() {
	local kind form file
	while IFS=$'\t' read -r kind form; do
		while IFS= read -r file; do
			printf '%s in %s\n' "$kind" "$file"
		done < <(LC_ALL=C grep -rlaF -e "$form" -- "$@" || true)
	done <"$CANARIES.forms" | sort -u
}

# The search must be able to find: every canary stands in the box itself.
check_search() {
	local kind found
	found=$(find_canaries "$@")
	while IFS=$'\t' read -r kind _; do
		grep -q "^$kind in " <<<"$found" || fail "the search is broken: canary $kind is not found in the box"
	done <"$CANARIES"
}
