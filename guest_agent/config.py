"""The guest agent's configuration: an ini file, all of it optional; an unknown key is an error."""

import configparser
import os
import re
import select
from dataclasses import dataclass, fields
from pathlib import Path

from guest_agent.errors import ConfigError
from guest_agent.evidence import NAMES, OPT_IN

DEFAULT_PATH = Path("/etc/samemachine/guest.conf")
DEFAULT_PORT = "org.samemachine.guest.0"
_SECTION = "guest"
_MAX_IDLE = 86400
_MOST = 1 << 20
_PATIENCE = 10.0


@dataclass(frozen=True)
class Config:
    """What an administrator of a guest can choose; keys in the file have ``-`` for ``_``."""

    port: str = DEFAULT_PORT
    """Name of the virtio-serial port to wait on."""
    refresh_fw_cfg: bool = False
    """Reload the module qemu_fw_cfg where its directory is stale after a live migration."""
    groups_off: "tuple[str, ...]" = ()
    """Evidence groups that are never given, by the contract's field names, comma-separated."""
    groups_on: "tuple[str, ...]" = ()
    """Those that are given only where they are named (``evidence.OPT_IN``), comma-separated."""
    idle_seconds: float = 10.0
    """The gRPC worker ends after so many seconds without a session."""

    @property
    def off(self) -> "tuple[str, ...]":
        """What is never given: what is switched off, and what nobody asked for."""
        unasked = (name for name in OPT_IN if name not in (*self.groups_on, *self.groups_off))
        return (*self.groups_off, *unasked)


KEYS = tuple(field.name.replace("_", "-") for field in fields(Config))


def parse(text: str, source: str = "configuration") -> Config:
    """Return the configuration in ``text``; raises ``ConfigError`` that names the key."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, source)
    except configparser.Error as error:
        raise ConfigError(f"{source}: {error}".replace("\n", " ")) from error
    unknown = [name for name in parser.sections() if name != _SECTION]
    if unknown:
        where = f"{source}{_line(text, f'[{unknown[0]}]')}"
        raise ConfigError(f"{where}: unknown section [{unknown[0]}]; there is only [{_SECTION}]")
    if not parser.has_section(_SECTION):
        return Config()
    section = parser[_SECTION]
    for key in section:
        if key not in KEYS:
            raise ConfigError(f"{source}{_line(text, key)}: unknown key {key!r}; {_near(key)}")
    off, on = (
        _groups(section, text, source, key, known)
        for key, known in (("groups-off", NAMES), ("groups-on", OPT_IN))
    )
    try:
        config = Config(
            port=section.get("port", DEFAULT_PORT),
            refresh_fw_cfg=section.getboolean("refresh-fw-cfg", fallback=False),
            groups_off=off,
            groups_on=on,
            idle_seconds=section.getfloat("idle-seconds", fallback=10.0),
        )
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    if not 1 <= config.idle_seconds <= _MAX_IDLE:
        raise ConfigError(
            f"{source}{_line(text, 'idle-seconds')}: idle-seconds is a number from 1 to {_MAX_IDLE}"
        )
    return config


def _groups(
    section: "configparser.SectionProxy",
    text: str,
    source: str,
    key: str,
    known: "tuple[str, ...]",
) -> "tuple[str, ...]":
    """Return the groups that a key names; raises ``ConfigError``."""
    found = tuple(name.strip() for name in section.get(key, "").split(",") if name.strip())
    for name in found:
        if name not in known:
            raise ConfigError(
                f"{source}{_line(text, key)}: {key}: there is no group {name!r}; "
                f"there are: {', '.join(known)}"
            )
    return found


def _near(key: str) -> str:
    # It is needed only here.
    import difflib

    near = difflib.get_close_matches(key, KEYS, n=2)
    return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(KEYS)}"


def _line(text: str, name: str) -> str:
    """Where a key or a section's header stands, for people; configparser does not tell."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.split("[=:]", line, maxsplit=1)[0].strip().lower() == name.lower():
            return f", line {number}"
    return ""


def load(path: "Path | None") -> Config:
    """Return the configuration of ``path``, or of the default place where that exists.

    Raises ``ConfigError`` where a named file can't be read or a key is wrong.
    """
    chosen = path or DEFAULT_PATH
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(chosen, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not select.select([descriptor], [], [], _PATIENCE)[0]:
                raise ConfigError(f"{chosen}: nothing came from it within {_PATIENCE:g} s")
            os.set_blocking(descriptor, True)
            raw = file.read(_MOST + 1)
        if len(raw) > _MOST:
            raise ConfigError(f"{chosen} is larger than {_MOST >> 20} MiB, which no such file is")
        return parse(raw.decode("utf-8"), str(chosen))
    except FileNotFoundError:
        if path is None:
            return Config()
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{chosen} can't be read: {error}") from error
