"""A small network of the test's own: namespaces on two bridges, one for everything and one to the database."""

import contextlib
import ctypes
import os
import subprocess
import uuid

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*args):
    subprocess.run(["ip", *map(str, args)], check=True, capture_output=True)


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """The hub has 10.77.0.1 and 10.78.0.1 (the database's); the others a number of their own in both."""

    LINKS = {"net": "10.77.0", "db": "10.78.0"}

    def __init__(self):
        self.tag = "rescue-" + uuid.uuid4().hex[:6]
        self.names = []
        self.add_namespace("hub")
        for link, prefix in self.LINKS.items():
            ip("-n", self.full("hub"), "link", "add", f"br-{link}", "type", "bridge")
            ip("-n", self.full("hub"), "addr", "add", f"{prefix}.1/24", "dev", f"br-{link}")
            ip("-n", self.full("hub"), "link", "set", f"br-{link}", "up")

    def full(self, name):
        return f"{self.tag}-{name}"

    def add_namespace(self, name):
        ip("netns", "add", self.full(name))
        self.names.append(name)
        ip("-n", self.full(name), "link", "set", "lo", "up")

    def add(self, name, number):
        hub, there = self.full("hub"), self.full(name)
        self.add_namespace(name)
        for link, prefix in self.LINKS.items():
            ip("-n", hub, "link", "add", f"{link}-{name}", "type", "veth", "peer", "name", link, "netns", there)
            ip("-n", hub, "link", "set", f"{link}-{name}", "master", f"br-{link}", "up")
            ip("-n", there, "addr", "add", f"{prefix}.{number}/24", "dev", link)
            ip("-n", there, "link", "set", link, "up")

    def command(self, name):
        """What stands before a command that shall run there."""
        return ("ip", "netns", "exec", self.full(name))

    def cut(self, name, link):
        """Everything is lost on the way from now on, and nobody is told."""
        ip("-n", self.full("hub"), "link", "set", f"{link}-{name}", "down")

    def mend(self, name, link):
        ip("-n", self.full("hub"), "link", "set", f"{link}-{name}", "up")

    @contextlib.contextmanager
    def inside_hub(self):
        """This thread, and what it starts, is in the hub."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.full('hub')}", os.O_RDONLY)
        enter(there)
        try:
            yield
        finally:
            enter(home)
            os.close(home)
            os.close(there)

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.full(name)], check=False, capture_output=True)
