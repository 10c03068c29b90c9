#!/usr/bin/env bash
# Boots a systemd of its own, in namespaces over a throw-away copy of this machine's files, with the agent's unit and
# nothing else, and leaves what came of it in a folder. For test_units.py; as root.
#
#   systemd_box.sh FOLDER AGENT UNIT CONFIG
#
# Ends with 77 where the kernel does not allow it. What is left in FOLDER: status (systemctl's), spool/, and for
# each of the agent's processes process-N (its /proc/…/status).
set -euo pipefail

folder=$1 agent=$2 unit=$3 config=$4
stage=${5:-outside}
group=rescue-test-$(basename "$folder")

# The processes are gone by then, and their control groups empty.
remove_group() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount bash -c '
		mount -t cgroup2 cgroup2 "$1/groups"
		[ ! -d "$1/groups/$2" ] || find "$1/groups/$2" -depth -type d -exec rmdir {} +' _ "$folder" "$group"
}

outside() {
	mkdir -p "$folder"/{groups,layers}
	trap remove_group EXIT
	timeout 60 unshare --mount --pid --fork --uts --ipc --net --kill-child \
		"$0" "$folder" "$agent" "$unit" "$config" inside >"$folder/log" 2>&1
}

# A control group of its own, with no device rules of an earlier run on it.
inside() {
	mount --make-rprivate /
	if ! mount -t cgroup2 cgroup2 "$folder/groups" || ! mkdir "$folder/groups/$group"; then
		exit 77
	fi
	echo 0 >"$folder/groups/$group/cgroup.procs"
	exec unshare --cgroup "$0" "$folder" "$agent" "$unit" "$config" boot
}

make_devices() {
	local name major minor
	mount -t tmpfs tmpfs "$1"
	while read -r name major minor; do
		mknod -m 666 "$1/$name" c "$major" "$minor"
	done <<-'END'
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		kmsg 1 11
		tty 5 0
	END
	mkdir "$1"/{pts,shm,mqueue,hugepages}
	ln -s pts/ptmx "$1/ptmx"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/pts"
}

# Waits for the early capture, takes down what there is to see, and ends the box.
write_probe() {
	cat <<-END
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'for i in \$\$(seq 200); do \
			ls /var/lib/rescue/spool/early-*.gz && break; sleep 0.1; done; \
			systemctl status rescue-agent.service >/result/status 2>&1; cp -r /var/lib/rescue/spool /result/; \
			for p in \$\$(pidof rescue-agent); do cp /proc/\$\$p/status /result/process-\$\$p; done; \
			systemctl exit 0'
	END
}

boot() {
	local root=$folder/layers/root units name
	mount -t tmpfs tmpfs "$folder/layers"
	mkdir "$folder"/layers/{upper,work,root,result}
	mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/layers/upper,workdir=$folder/layers/work" "$root" || exit 77
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs tmpfs "$root/run"
	mount -t tmpfs tmpfs "$root/tmp"
	make_devices "$root/dev"
	units=$root/etc/systemd/system
	rm -rf "$units" "$root/etc/rescue" "$root/var/lib/rescue"
	mkdir -p "$units" "$root/etc/rescue" "$root/configs" "$root/result"
	mount --bind "$folder" "$root/result"
	# The kernel and its settings are everybody's.
	for name in systemd-sysctl systemd-udevd systemd-udev-trigger systemd-modules-load systemd-random-seed; do
		ln -s /dev/null "$units/$name.service"
	done
	cp "$unit" "$units/rescue-agent.service"
	cp "$config" "$root/etc/rescue/agent.yaml"
	cp "$agent" "$root/usr/bin/rescue-agent"
	printf 'runtime: claude\nOPENAI_API_KEY: sk-1234567890abcdefghCANARY\n' >"$root/configs/config.yaml"
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	write_probe >"$units/probe.service"
	printf '[Unit]\nDefaultDependencies=no\nWants=rescue-agent.service probe.service\n' >"$units/test.target"
	cd "$root"
	mkdir -p old
	pivot_root . old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=no
}

"$stage"
