"""A program of its own: go into another root or mount namespace, give up all rights, run a command.

Started as ``python enter_root.py ROOT NAMESPACE UID GROUPS DATA ADDRESSES PARENT COMMAND…``; an
empty ROOT or NAMESPACE is not entered, DATA bounds RLIMIT_DATA, ADDRESSES RLIMIT_AS. setpriv can't
do it: there it would have to come from a root that is not ours, and would be run with all rights.
"""

import ctypes
import os
import resource
import signal
import sys

_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38
"""prctl(2)"""
_MOUNTS = 0x20000
"""CLONE_NEWNS, setns(2)"""


def main() -> None:
    """Do it; an error ends the program with its sentence."""
    root, namespace, user, groups, data, addresses, parent, *command = sys.argv[1:]
    library = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: int) -> None:
        if getattr(library, function)(*arguments):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    limits = {
        resource.RLIMIT_DATA: int(data),
        resource.RLIMIT_AS: int(addresses),
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            # A lower limit of ours stays.
            continue
    try:
        if namespace:
            entered = os.open(namespace, os.O_RDONLY)
            call("setns", entered, _MOUNTS)
            os.close(entered)
        if root:
            os.chroot(root)
        os.chdir("/")
        os.setgroups([int(group) for group in groups.split(",") if group])
        os.setresgid(int(user), int(user), int(user))
        os.setresuid(int(user), int(user), int(user))
        # The kernel forgets the signal at a change of user, so it comes last.
        call("prctl", _SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        call("prctl", _SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        # A parent that ended before that would have left us here.
        if os.getppid() != int(parent):
            sys.exit("its parent ended")
        os.execv(command[0], command)  # noqa: S606 - that is what it is for
    except OSError as error:
        sys.exit(f"{command[0]} in {root or namespace}: {error.strerror}")


if __name__ == "__main__":
    main()
