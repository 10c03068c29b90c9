"""A small Debian in a folder, made once by debootstrap and kept in a cache; every test gets a fresh copy-on-write view.

What runs in it has its own mounts, processes, host name and, if wanted, network, and a /dev with next to nothing in it:
nothing of the machine can be touched. All of it ends with the holder process.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

# systemd for its tools and for checking units, cloud-init, and what the sweeper links.
PACKAGES = ["systemd", "cloud-init", "iproute2", "libpq5", "libuv1"]
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

# Runs as the first process of the namespaces; ROOT, LOWER and CHANGES come by the environment.
HOLDER = r"""
set -e
mount --make-rprivate /
mount -t tmpfs changes "$CHANGES"
mkdir "$CHANGES/upper" "$CHANGES/work"
mount -t overlay box -o "lowerdir=$LOWER,upperdir=$CHANGES/upper,workdir=$CHANGES/work" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro sysfs "$ROOT/sys"
mount -t tmpfs dev "$ROOT/dev"
mount -t tmpfs run "$ROOT/run"
for node in null zero full random urandom; do
	touch "$ROOT/dev/$node"
	mount --bind "/dev/$node" "$ROOT/dev/$node"
done
touch "$ROOT/dev/console"
ln -s /proc/self/fd "$ROOT/dev/fd"
chroot "$ROOT" hostname box
chroot "$ROOT" ip link set lo up 2>/dev/null || true
echo ready
exec sleep infinity
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
    """`folder` holds mount points only; `network` leaves the machine's network visible (for loopback)."""

    def __init__(self, folder, network=False):
        self.folder = folder
        lower = base()
        for name in ("root", "changes"):
            (folder / name).mkdir(parents=True)
        command = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        command += [] if network else ["--net"]
        self.holder = subprocess.Popen([*command, "sh", "-c", HOLDER], stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "ROOT": str(folder / "root"), "LOWER": str(lower),
                                            "CHANGES": str(folder / "changes")})
        if self.holder.stdout.readline() != "ready\n":
            self.close()
            raise Unavailable("namespaces or an overlay cannot be made here")
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        self.pid = int(children[0])
        # The root as it is seen from outside of the namespaces.
        self.root = pathlib.Path(f"/proc/{self.pid}/root{folder}/root")

    def inside(self, *command):
        """The command line that runs `command` in there."""
        return ["nsenter", "-t", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--net", "chroot",
                str(self.folder / "root"), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
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
        self.holder.kill()
        self.holder.wait()
