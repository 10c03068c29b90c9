"""A small Debian in a folder, made once by debootstrap and kept in a cache; every test gets a fresh copy-on-write view.

What runs in it has its own mounts, processes, host name and, if wanted, network, and a /dev with next to nothing in it:
nothing of the machine can be touched. All of it ends with the holder process.
"""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

# systemd, cloud-init, what our snippets for that use, and what the sweeper links.
PACKAGES = ["systemd", "cloud-init", "iproute2", "curl", "libpq5", "libuv1"]
SOURCES = [pathlib.Path("/etc/apt/sources.list.d/debian.sources"), pathlib.Path("/etc/apt/sources.list")]

# debootstrap itself cannot configure Python's packages in their order.
MAKE = r"""
set -e
suite=$1 root=$2 mirror=$3
shift 3
debootstrap --variant=minbase "$suite" "$root" "$mirror"
cp /etc/resolv.conf "$root/etc/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y --no-install-recommends "$@"
"""

# Runs as the first process of the namespaces; ROOT, LOWER, CHANGES, BOOT and DISK come by the environment. What boots may do
# nothing to the machine's kernel either: /proc/sys is read-only, and the capabilities that reach it are gone.
HOLDER = r"""
set -e
mount --make-rprivate /
[ -n "$DISK" ] || mount -t tmpfs changes "$CHANGES"
mkdir -p "$CHANGES/upper" "$CHANGES/work"
mount -t overlay box -o "lowerdir=$LOWER,upperdir=$CHANGES/upper,workdir=$CHANGES/work" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro sysfs "$ROOT/sys"
mount -t tmpfs dev "$ROOT/dev"
mount -t tmpfs run "$ROOT/run"
for node in null zero full random urandom tty; do
	touch "$ROOT/dev/$node"
	mount --bind "/dev/$node" "$ROOT/dev/$node"
done
mount --bind "$ROOT/proc/sys" "$ROOT/proc/sys"
mount -o remount,ro,bind "$ROOT/proc/sys"
touch "$ROOT/dev/console" "$ROOT/dev/kmsg"
ln -s /proc/self/fd "$ROOT/dev/fd"
ln -s pts/ptmx "$ROOT/dev/ptmx"
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$ROOT/dev/pts"
chroot "$ROOT" hostname box
if [ -z "$BOOT" ]; then
	chroot "$ROOT" ip link set lo up
	echo ready
	exec sleep infinity
fi
mount -t cgroup2 cgroup "$ROOT/sys/fs/cgroup"
# systemd makes mount namespaces for its services, which takes a root that is none of a chroot's.
cd "$ROOT"
mkdir -p .machine
pivot_root . .machine
umount -l .machine
rmdir .machine
echo ready
exec >/dev/console 2>&1
exec setpriv --bounding-set=-net_admin,-sys_module,-sys_rawio,-sys_time,-mknod,-syslog,-mac_admin,-bpf,-perfmon \
	env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


class Unavailable(Exception):
    """Says why there can be no chroot here."""


def mirror_and_suite():
    """Those of the machine itself."""
    for source in SOURCES:
        text = source.read_text() if source.exists() else ""
        for stanza in text.split("\n\n"):
            uri = re.search(r"^URIs:\s*(\S+)", stanza, re.M)
            suite = re.search(r"^Suites:\s*(\S+)", stanza, re.M)
            if uri and suite and "-security" not in suite[1]:
                return uri[1], suite[1]
        for line in text.splitlines():
            found = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+([a-z]+)\s+main", line)
            if found:
                return found[1], found[2]
    raise Unavailable("the machine's apt files name no Debian mirror")


def base():
    """The folder of the unpacked Debian, from the cache or made now."""
    if os.getuid() != 0:
        raise Unavailable("a chroot needs root")
    mirror, suite = mirror_and_suite()
    key = hashlib.sha256(f"{suite} {PACKAGES}".encode()).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "rescue" / "chroot"
    folder = cache / key
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = cache / f"{key}.{os.getpid()}"
    done = subprocess.run(["sh", "-c", MAKE, "sh", suite, making, mirror, *PACKAGES], capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        raise Unavailable("debootstrap cannot make one: " + (done.stdout + done.stderr).strip()[-300:])
    shutil.rmtree(making / "var/cache/apt/archives", ignore_errors=True)
    try:
        making.rename(folder)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)  # another run was faster
    return folder


class Chroot:
    """`folder` holds the mount points. `disk`: what is changed stays in the folder for the next one there. `boot`: systemd
    is the first process, with such a disk, and the machine's loopback is seen."""

    def __init__(self, folder, boot=False, disk=False):
        self.folder = folder
        lower = base()
        for name in ("root", "changes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        command = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork"]
        command += [] if boot else ["--net"]
        self.holder = subprocess.Popen([*command, "sh", "-c", HOLDER], stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "ROOT": str(folder / "root"), "LOWER": str(lower),
                                            "CHANGES": str(folder / "changes"), "BOOT": "1" if boot else "",
                                            "DISK": "1" if boot or disk else ""})
        is_ready = self.holder.stdout.readline() == "ready\n"
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        self.pid = int(children[0]) if children else None
        if not is_ready:
            self.close()
            raise Unavailable("namespaces or an overlay cannot be made here")
        # The root as it is seen from outside of the namespaces.
        self.root = pathlib.Path(f"/proc/{self.pid}/root" + ("" if boot else f"{folder}/root"))
        self.enter = ["--root", "--wd"] if boot else ["chroot", str(folder / "root")]

    def inside(self, *command):
        """The command line that runs `command` in there."""
        return ["nsenter", "-t", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup",
                *self.enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *map(str, command)]

    def run(self, *command, check=True, **options):
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, **options)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def put(self, source, target):
        shutil.copy(source, self.root / target.lstrip("/"))

    def path(self, path):
        return self.root / path.lstrip("/")

    def close(self):
        """As if the power went: everything in there ends with its first process."""
        os.kill(self.holder.pid if self.pid is None else self.pid, signal.SIGKILL)
        self.holder.wait()
