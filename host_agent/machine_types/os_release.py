"""os-release → the distribution's name (systemd os-release(5)). Pure."""

import shlex


def name(os_release: str) -> str | None:
    """Return for example ``Debian 12``; None where the text says nothing.

    The pretty name's long forms ("Debian GNU/Linux 12 (bookworm)") would fill a host's line.
    """
    values = _values(os_release)
    identity = values.get("ID", "")
    shown = {"debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RHEL", "fedora": "Fedora"}
    if identity in shown:
        release = values.get("VERSION_ID") or values.get("VERSION_CODENAME", "")
        return f"{shown[identity]} {release}".strip()
    return values.get("PRETTY_NAME") or values.get("NAME") or None


def release(os_release: str) -> str | None:
    """Return for example ``debian:bookworm`` or ``ubuntu:24.04``; None where the text says nothing.

    Debian's testing has a codename and no number.
    """
    values = _values(os_release)
    named = values.get("VERSION_CODENAME") or values.get("VERSION_ID")
    return f"{values['ID']}:{named}" if values.get("ID") and named else None


def _values(os_release: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in os_release.splitlines():
        key, equals, value = line.partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            values[key.strip()] = "".join(shlex.split(value))
        except ValueError:
            continue
    return values
