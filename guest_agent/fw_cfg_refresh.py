"""The agent's one privileged act: make the kernel read fw_cfg's directory again. Opt-in.

The module ``qemu_fw_cfg`` reads the directory when it is loaded and never again; binding its driver
anew fails with EBUSY on Linux 6.1, so the module is removed and loaded. Nothing else uses it.
"""

import subprocess

from guest_agent.errors import AbsenceReason, EvidenceError

_MODULE = "qemu_fw_cfg"
_TIMEOUT = 10.0
_PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def refresh() -> None:
    """Remove the module and load it again; raises ``EvidenceError`` (unreadable) with the why."""
    for command in (["modprobe", "--remove", _MODULE], ["modprobe", _MODULE]):
        try:
            subprocess.run(
                command,
                capture_output=True,
                timeout=_TIMEOUT,
                check=True,
                env=_PATH,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise _failed(command, "modprobe is not installed") from None
        except subprocess.CalledProcessError as error:
            raise _failed(command, str(error.stderr).strip()) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise _failed(command, str(error)) from error


def _failed(command: "list[str]", why: str) -> EvidenceError:
    return EvidenceError(
        AbsenceReason.UNREADABLE, f"stale directory, and `{' '.join(command)}` failed: {why}"
    )
