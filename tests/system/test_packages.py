"""The packages: what lintian says, what they install, upgrade, remove and purge in a Debian, and their words."""

import os
import re
import subprocess

import pytest

import chroot
from conftest import BIN, ROOT

FOLDER = ROOT / "build" / "packages"
SPOOL = "/var/lib/rescue/spool"
ENABLED = "/etc/systemd/system/multi-user.target.wants/{}.service"
PROGRAMS = {"rescue-agent": 8, "rescue-sweeper": 8, "rescuectl": 1}


def package(pattern):
    found = list(FOLDER.glob(pattern))
    if not found:
        pytest.skip("run packaging/packages first")
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def debian(tmp_path):
    try:
        made = chroot.Chroot(tmp_path / "debian")
    except chroot.Unavailable as why:
        pytest.skip(str(why))
    yield made
    made.close()


def install(debian, name, deb=None):
    debian.put(deb or package(f"{name}_*_amd64.deb"), f"/{name}.deb")
    debian.run("dpkg", "-i", f"/{name}.deb")


def next_version(deb, folder, example):
    """The package again, one version on and with another example."""
    tree = folder / "next"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", "Version: 9.0-1", control.read_text(), flags=re.M))
    (tree / example).write_text("sweepers: [https://next.example:8443]\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, folder / "next.deb"], check=True, capture_output=True)
    return folder / "next.deb"


def files_below(debian, *folders):
    return [line for folder in folders
            for line in debian.run("find", folder, "-mindepth", "1", check=False).stdout.splitlines()]


def left(debian):
    """What carries one of our names anywhere."""
    return debian.run("find", "/etc", "/usr", "/var", "(", "-name", "*rescue-*", "-o", "-name", "rescuectl*",
                      ")").stdout.splitlines()


def test_lintian_finds_no_error():
    package("rescuectl_*.deb")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *sorted(FOLDER.glob("*.deb"))],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_architectures_hold_the_same_files_and_their_own_program():
    listed = {}
    for architecture in ("amd64", "arm64"):
        lines = subprocess.run(["dpkg-deb", "-c", package(f"rescue-agent_*_{architecture}.deb")], capture_output=True,
                               text=True, check=True).stdout.splitlines()
        listed[architecture] = {(line.split()[0], line.split()[1], line.split()[-1]) for line in lines}
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
        program = subprocess.run(["dpkg-deb", "--fsys-tarfile", package(f"rescue-agent_*_{architecture}.deb")],
                                 capture_output=True, check=True).stdout
        assert (ROOT / f"build/agent/{machine}/rescue-agent").read_bytes() in program
    assert listed["amd64"] == listed["arm64"]
    assert all(owner == "root/root" for _, owner, _ in listed["amd64"])


def test_the_agent_is_installed_upgraded_removed_and_purged(debian, tmp_path):
    install(debian, "rescue-agent")
    assert debian.run("rescue-agent", "version").stdout.startswith("rescue-agent ")
    assert debian.run("test", "-L", ENABLED.format("rescue-agent"))
    assert debian.run("stat", "-c", "%a %U", "/var/lib/rescue").stdout.split() == ["700", "root"]
    debian.path("/etc/rescue/agent.yaml").write_text("sweepers: [https://mine.example:8443]\n")
    debian.path(f"{SPOOL}/bundle").write_text("waits")
    debian.path("/etc/rescue/other").write_text("another's")
    debian.path("/etc/rescue/agent.yaml.example").write_text("# changed by hand\n")

    upgrade = next_version(package("rescue-agent_*_amd64.deb"), tmp_path, "etc/rescue/agent.yaml.example")
    debian.put(upgrade, "/next.deb")
    debian.run("dpkg", "--force-confdef", "-i", "/next.deb")
    assert debian.path("/etc/rescue/agent.yaml.example").read_text() == "# changed by hand\n"
    assert debian.run("test", "-L", ENABLED.format("rescue-agent"))

    debian.run("dpkg", "-r", "rescue-agent")
    assert not debian.path("/usr/bin/rescue-agent").exists()
    assert debian.path(f"{SPOOL}/bundle").read_text() == "waits"
    assert debian.path("/etc/rescue/agent.yaml").exists()

    debian.run("dpkg", "-P", "rescue-agent")
    assert files_below(debian, "/etc/rescue", "/var/lib/rescue") == ["/etc/rescue/other"]
    assert left(debian) == []


def test_an_administrator_who_disabled_the_agent_keeps_it_disabled(debian, tmp_path):
    install(debian, "rescue-agent")
    debian.run("systemctl", "disable", "rescue-agent.service")
    install(debian, "rescue-agent",
            next_version(package("rescue-agent_*_amd64.deb"), tmp_path, "etc/rescue/agent.yaml.example"))
    assert debian.run("test", "-e", ENABLED.format("rescue-agent"), check=False).returncode == 1


def test_the_sweeper_and_rescuectl_are_installed_and_purged(debian):
    install(debian, "rescue-sweeper")
    install(debian, "rescuectl")
    assert debian.run("rescue-sweeper", "version").stdout.startswith("rescue-sweeper ")
    assert debian.run("rescuectl", "version").stdout.startswith("rescuectl ")
    debian.run("getent", "passwd", "rescue-sweeper")
    debian.run("test", "-L", ENABLED.format("rescue-sweeper"))
    debian.run("dpkg", "-P", "rescue-sweeper", "rescuectl")
    assert left(debian) == [] and not debian.path("/etc/rescue").exists()


def test_the_units_of_both_services_are_good(debian):
    for name in ("rescue-agent", "rescue-sweeper"):
        install(debian, name)
        done = debian.run("systemd-analyze", "verify", "--man=no", f"{name}.service")
        assert name not in done.stderr, done.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_rpm_is_installed_and_erased(debian, machine):
    rpm = ["nsenter", "-t", str(debian.pid), "--mount", "rpm", "--root", str(debian.folder / "root"), "--nodeps"]
    file = package(f"rescue-agent-*.{machine}.rpm")
    subprocess.run([*rpm, "--ignorearch", "-i", file], check=True, capture_output=True)
    assert debian.path("/usr/bin/rescue-agent").read_bytes() == (ROOT / f"build/agent/{machine}/rescue-agent").read_bytes()
    assert debian.path("/usr/lib/systemd/system/rescue-agent.service").exists()
    debian.path("/etc/rescue/agent.yaml.example").write_text("# changed by hand\n")
    subprocess.run([*rpm, "-e", "rescue-agent"], check=True, capture_output=True)
    assert not debian.path("/usr/bin/rescue-agent").exists()
    assert debian.path("/etc/rescue/agent.yaml.example.rpmsave").read_text() == "# changed by hand\n"


def manual(program, section):
    deb = package(f"{program}_*_amd64.deb")
    stream = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
    page = subprocess.run(["tar", "-xO", f"./usr/share/man/man{section}/{program}.{section}.gz"], input=stream,
                          capture_output=True, check=True).stdout
    text = subprocess.run(["gzip", "-dc"], input=page, capture_output=True, check=True).stdout.decode()
    return text.replace("\\-", "-")


def help_of(*command):
    return subprocess.run([BIN / command[0], *command[1:], "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(program):
    return re.findall(r"^  ([a-z][a-z-]*) ", help_of(program), re.M)


@pytest.mark.parametrize("program, section", PROGRAMS.items())
def test_manuals_name_every_command_and_option_that_help_names(program, section):
    page, told = manual(program, section), help_of(program)
    if program == "rescuectl":
        told += "".join(help_of(program, command) for command in commands_of(program) if command != "version")
    missing = {word for word in [*commands_of(program), *re.findall(r"--[a-z][a-z-]*", told)] if word not in page}
    assert commands_of(program) and not missing


@pytest.mark.parametrize("program, words, expected", [
    ("rescue-agent", ["che"], ["check-config"]),
    ("rescue-agent", ["--config", "x", "che"], ["check-config"]),
    ("rescue-sweeper", ["--mi"], []),
    ("rescue-sweeper", [""], None),
    ("rescuectl", ["show", "--sec"], ["--section"]),
])
def test_completion_knows_commands_and_options(program, words, expected):
    script = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
                _rescue "$1" "${@: -1}" "${@: -2:1}"; printf '%s\\n' "${COMPREPLY[@]}" | sort -u"""
    done = subprocess.run(["bash", "-c", script, "bash", ROOT / "packaging/packages.d/completion.bash", program, *words],
                          capture_output=True, text=True, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert done.stdout.split() == (sorted(commands_of(program)) if expected is None else expected), done.stderr
