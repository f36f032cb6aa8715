"""Ansible's own program, asked what it makes of an inventory.

Ansible reads INI, YAML, folders, programs and plug-ins, resolves variables and opens vaults; what
it prints of them is what its playbooks go by (``ansible-inventory(1)``).
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from host_agent.errors import UsageError
from host_agent.printable import printable

_SECONDS = 300.0
"""How long it may look for hosts, in a cloud for instance."""
_MOST_BYTES = 64 << 20
_MOST_WORDS = 2000
_PROGRAM = "ansible-inventory"


def listed(name: str) -> bytes:
    """Return what it prints of the inventory of a path; raises ``UsageError``."""
    command = [_PROGRAM, "--inventory", str(Path(name).absolute()), "--list"]
    # What it can't make anything of is an error for us, an empty inventory for Ansible.
    environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise UsageError(
                f"{name} is an inventory for Ansible, and there is no {_PROGRAM} here: apt install "
                f"ansible-core, or pip install ansible-core; or let it print elsewhere what it "
                f"makes of it, and give that: {_PROGRAM} -i {name} --list >hosts.json"
            ) from None
        except OSError as error:
            raise UsageError(f"{_PROGRAM} can't be run: {error.strerror}") from error
        try:
            code = process.wait(_SECONDS)
        except BaseException as error:
            # At Ctrl-C, too, with all that it started. Once it was waited for, the number of its
            # group may be somebody else's.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                took = f"{_PROGRAM} -i {name} took more than {_SECONDS:g} s"
                raise UsageError(took) from None
            raise
        if code:
            errors.seek(0)
            said = errors.read(_MOST_BYTES).decode(errors="replace").strip()[-_MOST_WORDS:]
            raise UsageError(f"{name}: {_PROGRAM} says: {printable(said)}")
        output.seek(0)
        found = output.read(_MOST_BYTES + 1)
    if len(found) > _MOST_BYTES:
        raise UsageError(f"{name}: {_PROGRAM} printed more than {_MOST_BYTES >> 20} MiB")
    return found
