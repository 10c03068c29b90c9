"""A Docker Engine of a test's own: its state in one folder, no images but those that are put into it, nobody's firewall
changed."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest


class PrivateEngine:
    def __init__(self, folder, data):
        """Skips the test where no Engine can run."""
        if shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin") is None:
            pytest.skip("dockerd is not installed")
        if os.getuid() != 0:
            pytest.skip("dockerd needs root")
        self.folder = folder
        self.socket = folder / "s.sock"
        self.host = f"unix://{self.socket}"
        self.log = open(folder / "dockerd.log", "wb")
        self.daemon = subprocess.Popen(
            ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false", "--ip-masq=false",
             "--storage-driver=vfs", "--data-root", data, "--exec-root", folder / "exec", "-p", folder / "pid", "-H",
             self.host], stdout=self.log, stderr=self.log, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                self.daemon.kill()
                self.daemon.wait()
                pytest.skip("dockerd does not start here: " + (folder / "dockerd.log").read_text()[-300:])
            time.sleep(0.2)

    def run(self, *args):
        """What docker prints."""
        return subprocess.run(["docker", "-H", self.host, *args], check=True, capture_output=True,
                              timeout=120).stdout.decode().strip()

    def answers(self):
        return subprocess.run(["docker", "-H", self.host, "version"], capture_output=True).returncode == 0

    def import_image(self, root, name, *changes):
        """An image of the files in a folder. `changes`: instructions of a Containerfile."""
        options = [option for change in changes for option in ("--change", change)]
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "-H", self.host, "import", *options, "-", name], stdin=tar.stdout, check=True,
                           capture_output=True)
        assert tar.returncode == 0

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(60)
        self.log.close()
        # It leaves the mounts of its network namespaces behind.
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{self.folder}/"):
                subprocess.run(["umount", line.split()[1]], check=True)
