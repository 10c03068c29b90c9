#!/usr/bin/env bash
# Boots a systemd of its own, in namespaces over a throw-away copy of this machine's files, with the units of a folder
# and nothing else, and leaves what came of it. For test_units.py; as root.
#
#   systemd_box.sh FOLDER
#
# FOLDER/tree is put over the copy; its etc/systemd/system is all there is of that, and its units are started.
# /probe in it is run, has FOLDER as /result, and ends the box when it ends. Ends with 77 where the kernel does not allow
# any of this.
set -euo pipefail

folder=$1
stage=${2:-outside}
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
		"$0" "$folder" inside >"$folder/log" 2>&1
}

# A control group of its own, with no device rules of an earlier run on it.
inside() {
	mount --make-rprivate /
	if ! mount -t cgroup2 cgroup2 "$folder/groups" || ! mkdir "$folder/groups/$group"; then
		exit 77
	fi
	echo 0 >"$folder/groups/$group/cgroup.procs"
	exec unshare --cgroup "$0" "$folder" boot
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
	rm -rf "$units" "$root/etc/rescue" "$root"/var/lib/rescue*
	cp -r "$folder/tree/." "$root/"
	mkdir -p "$root/result"
	mount --bind "$folder" "$root/result"
	cat >"$units/probe.service" <<-END
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=oneshot
		ExecStart=/probe
		ExecStopPost=systemctl exit 0
	END
	printf '[Unit]\nDefaultDependencies=no\nWants=%s\n' "$(cd "$units" && echo ./*.service | sed 's|\./||g')" \
		>"$units/test.target"
	# The kernel and its settings are everybody's.
	for name in systemd-sysctl systemd-udevd systemd-udev-trigger systemd-modules-load systemd-random-seed; do
		ln -s /dev/null "$units/$name.service"
	done
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	cd "$root"
	mkdir -p old
	pivot_root . old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=no
}

"$stage"
