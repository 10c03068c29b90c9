# A Docker Engine and a crashed agent container on the box: the machine's own Engine when one answers, a private one with
# --docker. Sourced.
# shellcheck shell=bash

HAS_ENGINE=0
ENGINE_SOCKET=""
ENGINE_PID=""
ENGINE_MOUNTED=0
ENGINE_IMAGE=""
ENGINE_CONTAINER=""

engine() {
	docker -H "unix://$ENGINE_SOCKET" "$@"
}

engine_answers() {
	[ -S "$ENGINE_SOCKET" ] && engine version >/dev/null 2>&1
}

# Sets HAS_ENGINE. A private Engine listens in the box itself; the machine's is mounted there, for which one must be
# root, since the agent takes no way out of its root folder.
find_engine() {
	local inside=$BOX/var/run/docker.sock
	mkdir -p "$BOX/var/run"
	if [ "$WANT_DOCKER" = 1 ]; then
		start_private_engine "$inside"
		HAS_ENGINE=1
		return
	fi
	ENGINE_SOCKET=/var/run/docker.sock
	command -v docker >/dev/null && [ -x /bin/busybox ] && [ "$(id -u)" = 0 ] && engine_answers || return 0
	: >"$inside"
	mount --bind "$ENGINE_SOCKET" "$inside" 2>/dev/null || return 0
	ENGINE_MOUNTED=1
	HAS_ENGINE=1
}

start_private_engine() {
	local log=$WORK/dockerd.log dir=$WORK/docker
	[ "$(id -u)" = 0 ] || fail "--docker needs root: the Docker Engine does"
	mkdir -p "$dir"
	ENGINE_SOCKET=$1
	PATH=$PATH:/usr/sbin dockerd --iptables=false --ip6tables=false --bridge=none --ip-forward=false --ip-masq=false \
		--storage-driver=vfs --data-root "$dir/data" --exec-root "$dir/exec" -p "$dir/pid" \
		-H "unix://$ENGINE_SOCKET" >"$log" 2>&1 &
	ENGINE_PID=$!
	wait_for "the private Docker Engine answers ($log)" 60 private_engine_answers "$log"
}

private_engine_answers() {
	kill -0 "$ENGINE_PID" 2>/dev/null || fail_with_log "the private Docker Engine does not start" "$1"
	engine_answers
}

# An image of nothing but a shell, without any registry; a container that says some words, one a canary, and dies.
crash_container() {
	local root=$WORK/image tag=rescue-quickstart:$SUFFIX
	[ "$HAS_ENGINE" = 1 ] || return 0
	mkdir -p "$root/bin"
	cp /bin/busybox "$root/bin/busybox"
	ln -sf busybox "$root/bin/sh"
	tar -C "$root" -c . | engine import - "$tag" >/dev/null
	ENGINE_IMAGE=$tag
	ENGINE_CONTAINER=ws-${WORKSPACE:0:12}
	engine run -d --name "$ENGINE_CONTAINER" --network none --label molecule.platform.managed=true \
		-e MODEL_NAME=sonnet-large -e "MODEL_PROVIDER_API_KEY=${CANARY[container-environment]}" "$tag" \
		/bin/sh -c "echo 'agent runtime 0.9.3 starts'; echo 'Authorization: Bearer ${CANARY[container-log]}'
			echo 'fatal: cannot reach the model provider' >&2; exit 3" >/dev/null
	wait_for "the agent container has crashed" 30 container_exited
}

container_exited() {
	[ "$(engine inspect -f '{{.State.Status}}' "$ENGINE_CONTAINER" 2>/dev/null)" = exited ]
}

# What the container shows of itself, for the search's own proof.
dump_container() {
	[ "$HAS_ENGINE" = 1 ] || return 0
	engine logs "$ENGINE_CONTAINER" 2>&1
	engine inspect "$ENGINE_CONTAINER"
}

stop_engine() {
	if [ -n "$ENGINE_CONTAINER" ]; then
		engine rm -f "$ENGINE_CONTAINER" >/dev/null 2>&1 || true
	fi
	if [ -n "$ENGINE_IMAGE" ]; then
		engine rmi -f "$ENGINE_IMAGE" >/dev/null 2>&1 || true
	fi
	if [ -n "$ENGINE_PID" ]; then
		stop_process "$ENGINE_PID"
	fi
	if [ "$ENGINE_MOUNTED" = 1 ]; then
		umount "$BOX/var/run/docker.sock" || true
	fi
}
