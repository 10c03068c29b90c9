# Certificates, configuration and the two programs as processes of their own. Sourced.
# shellcheck shell=bash

SWEEPER_PID=""
AGENT_PID=""

# Two ports that nobody listens on, outside of the range that the kernel hands out to clients.
choose_ports() {
	local port chosen=()
	while [ "${#chosen[@]}" -lt 2 ]; do
		port=$((10000 + RANDOM % 20000))
		if ! is_open "$port" && [ "$port" != "${chosen[0]:-}" ]; then
			chosen+=("$port")
		fi
	done
	GATE_PORT=${chosen[0]}
	ADMIN_PORT=${chosen[1]}
}

is_open() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

make_certificates() {
	local ca=$WORK/ca
	ctl ca init "$ca" --trust-domain rescue.example >/dev/null
	ctl ca issue "$ca" --server localhost,127.0.0.1 --out "$WORK/sweeper" >/dev/null
	ctl ca issue "$ca" --org "$ORG" --workspace "$WORKSPACE" --out "$WORK/agent" >/dev/null
	ctl ca issue "$ca" --org "$ORG" --operator --out "$WORK/operator" >/dev/null
	export RESCUE_SWEEPER=https://127.0.0.1:$GATE_PORT RESCUE_ADMIN=http://127.0.0.1:$ADMIN_PORT
	export RESCUE_CERT=$WORK/operator.crt RESCUE_KEY=$WORK/operator.key RESCUE_CA=$ca/ca.crt
	unset RESCUE_LOKI RESCUE_ORG RESCUE_TENANT RESCUE_LOG PROVISION_TIMEOUT_SECONDS
}

ctl() {
	"$BIN/rescuectl" "$@"
}

write_configuration() {
	local database="host='${PG_DIR//\'/\\\'}' user=postgres dbname=$ORG"
	cat >"$WORK/sweeper.yaml" <<END
trust_domain: rescue.example
listen: 127.0.0.1:$GATE_PORT
admin_listen: 127.0.0.1:$ADMIN_PORT
tls:
  cert: $(quoted "$WORK/sweeper.crt")
  key: $(quoted "$WORK/sweeper.key")
  client_ca: $(quoted "$WORK/ca/ca.crt")
tenants:
  - {org: $ORG, database: $(quoted "$database"), workspaces_table: public.workspaces}
sweep: {interval_s: 1, batch: 500}
timeouts: {default_s: 600}
sinks:
  - {kind: archive, dir: $(quoted "$WORK/archive")}
$([ -z "$LOKI" ] || printf '  - {kind: loki, url: %s}' "$(quoted "$LOKI")")
redaction: {rules_dir: $(quoted "$WORK/rules.d")}
END
	cat >"$WORK/agent.yaml" <<END
sweepers: ["https://127.0.0.1:$GATE_PORT"]
identity:
  cert: $(quoted "$WORK/agent.crt")
  key: $(quoted "$WORK/agent.key")
  ca: $(quoted "$WORK/ca/ca.crt")
root: $(quoted "$BOX")
docker: {socket: /var/run/docker.sock}
redaction:
  rules_dir: $(quoted "$WORK/rules.d")
  known_value_files: [/configs/.auth_token]
spool_dir: $(quoted "$WORK/spool")
END
	mkdir -p "$WORK/rules.d"
}

start_sweeper() {
	local log=$WORK/sweeper.log
	"$BIN/rescue-sweeper" --config "$WORK/sweeper.yaml" migrate >>"$log" 2>&1 ||
		fail_with_log "the sweeper cannot prepare its tables" "$log"
	"$BIN/rescue-sweeper" --config "$WORK/sweeper.yaml" run >>"$log" 2>&1 </dev/null &
	SWEEPER_PID=$!
	wait_for "the sweeper is ready ($log)" 20 sweeper_ready
}

start_agent() {
	local log=$WORK/agent.log
	"$BIN/rescue-agent" --config "$WORK/agent.yaml" run >>"$log" 2>&1 </dev/null &
	AGENT_PID=$!
	wait_for "the agent waits at the sweeper ($log)" 20 agent_held
}

# admin PATH: what the sweeper's admin listener answers, head and body.
admin() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$ADMIN_PORT" || exit 1
		printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$1" >&3
		cat <&3
	) 2>/dev/null
}

sweeper_ready() {
	kill -0 "$SWEEPER_PID" 2>/dev/null || fail_with_log "the sweeper ended" "$WORK/sweeper.log"
	admin /readyz | head -n 1 | grep -q ' 200 '
}

agent_held() {
	kill -0 "$AGENT_PID" 2>/dev/null || fail_with_log "the agent ended" "$WORK/agent.log"
	admin /metrics | grep -q '^rescue_held_agents 1'
}

# stop_process PID: SIGTERM, and SIGKILL when that does not help. Only for children of this script.
stop_process() {
	local deadline=$((SECONDS + 10))
	kill -TERM "$1" 2>/dev/null || return 0
	while kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.05
	done
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

stop_programs() {
	if [ -n "$AGENT_PID" ]; then
		stop_process "$AGENT_PID"
	fi
	if [ -n "$SWEEPER_PID" ]; then
		stop_process "$SWEEPER_PID"
	fi
	AGENT_PID="" SWEEPER_PID=""
}
