"""Boxes made as an image and booted: build-image, user data for cloud-init, systemd. See chroot.py."""

import base64
import re
import subprocess

import chroot
from conftest import ROOT, wait_for

SEED = "/var/lib/cloud/seed/nocloud"
# cloud-init looks nowhere else, and leaves the disk alone.
CLOUD = "datasource_list: [NoCloud]\ngrowpart: {mode: 'off'}\nresize_rootfs: false\nlocale: false\nssh_pwauth: false\n" \
        "apt: {preserve_sources_list: true}\n"


def user_data(name, **values):
    """One of our snippets with its placeholders replaced; files are given as pathlib.Path."""
    text = (ROOT / "packaging/cloud-init" / f"{name}.yaml").read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value if isinstance(value, str) else base64.b64encode(value.read_bytes()).decode())
    assert not re.search(r"^[^#]*@[A-Z0-9]+@", text, re.M), text
    return text


def build_image(disk, *arguments, check=True):
    """packaging/ami/build-image upon the root of a Chroot."""
    done = subprocess.run(["nsenter", "-t", str(disk.pid), "--mount", "--pid", ROOT / "packaging/ami/build-image",
                           disk.folder / "root", *arguments], capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Machine:
    """A disk, and the boots from it."""

    def __init__(self, folder):
        self.folder = folder
        self.disk = chroot.Chroot(folder, disk=True)  # until it boots
        self.disk.run("systemctl", "mask", "console-getty.service")
        self.disk.path("/etc/cloud/cloud.cfg.d/99-test.cfg").write_text(CLOUD)

    def seed(self, text, instance="i-0abc"):
        self.disk.path(SEED).mkdir(parents=True)
        self.disk.path(f"{SEED}/user-data").write_text(text)
        self.disk.path(f"{SEED}/meta-data").write_text(f"instance-id: {instance}\n")

    def boot(self):
        self.close()
        self.disk = chroot.Chroot(self.folder, boot=True)
        return self

    def close(self):
        if self.disk is not None:
            self.disk.close()
        self.disk = None

    def property(self, unit, name):
        return self.disk.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit):
        return self.disk.run("journalctl", "--no-pager", "-u", unit, check=False).stdout

    def wait_for_unit(self, unit, state="active"):
        wait_for(f"{unit} to be {state}", lambda: self.property(unit, "ActiveState") == state)
