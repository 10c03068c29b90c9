"""Runs a program as if on Linux 4.10 (x86_64): every later system call answers ENOSYS.

    old_kernel.py PROGRAM ARGUMENT…
"""

import ctypes
import os
import sys

FIRST_LATER_CALL = 332  # statx, of 4.11; 424 and above are 5.1 and later: clone3, openat2, landlock, …
ENOSYS, EINVAL = 38, 22
LANDLOCK_CREATE_RULESET, PRCTL, FIRST_ARGUMENT = 444, 157, 16
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_GREATER_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
RETURN_ERRNO, RETURN_ALLOW = 0x00050000, 0x7FFF0000


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Filter(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Instruction))]


def become_old():
    install((LOAD_WORD, 0, 0, 0),  # the call's number
            (JUMP_IF_GREATER_EQUAL, 0, 1, FIRST_LATER_CALL),
            (RETURN, 0, 0, RETURN_ERRNO | ENOSYS),
            (RETURN, 0, 0, RETURN_ALLOW))


def become_open():
    """As a kernel that can confine nobody: Landlock answers ENOSYS, and PR_SET_SECCOMP EINVAL."""
    install((LOAD_WORD, 0, 0, 0),
            (JUMP_IF_EQUAL, 0, 1, LANDLOCK_CREATE_RULESET), (RETURN, 0, 0, RETURN_ERRNO | ENOSYS),
            (JUMP_IF_EQUAL, 0, 3, PRCTL), (LOAD_WORD, 0, 0, FIRST_ARGUMENT),
            (JUMP_IF_EQUAL, 0, 1, PR_SET_SECCOMP), (RETURN, 0, 0, RETURN_ERRNO | EINVAL),
            (RETURN, 0, 0, RETURN_ALLOW))


def install(*steps):
    instructions = (Instruction * len(steps))(*(Instruction(*step) for step in steps))
    program = Filter(len(instructions), instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "cannot install the filter")


if __name__ == "__main__":
    become_old()
    os.execv(sys.argv[1], sys.argv[1:])
