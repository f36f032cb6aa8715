"""os-release → the distribution's name (systemd os-release(5)). Pure."""

import shlex


def name(os_release: str) -> str | None:
    """Return for example ``Debian 12``; None where the text says nothing.

    The pretty name's long forms ("Debian GNU/Linux 12 (bookworm)") would fill a host's line.
    """
    values: dict[str, str] = {}
    for line in os_release.splitlines():
        key, equals, value = line.partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            values[key.strip()] = "".join(shlex.split(value))
        except ValueError:
            continue
    identity = values.get("ID", "")
    shown = {"debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RHEL", "fedora": "Fedora"}
    if identity in shown:
        release = values.get("VERSION_ID") or values.get("VERSION_CODENAME", "")
        return f"{shown[identity]} {release}".strip()
    return values.get("PRETTY_NAME") or values.get("NAME") or None
