"""Every command line of the manual, the README and the help, and the files that they name."""

import lzma
from importlib import resources
from pathlib import Path, PurePath

from guest_agent.cli import EXAMPLES
from host_agent.atlas import files as atlas_files
from host_agent.cli import cli
from tests import man_pages
from tests.checkout import CHECKOUT
from tests.commands import COMMANDS

_ATLASES = {"node17": "debian:bookworm:x86_64", "node2": "debian:trixie:x86_64",
            "a": "debian:bookworm:x86_64", "b": "debian:trixie:x86_64"}  # fmt: skip
_AUDIT = (
    '{{"$schema": "urn:samemachine:schema:audit:1", "schema": 1, "exit_code": 0, '
    '"unreachable": [], "hosts": [{{"uri": "qemu+ssh://{0}/system", "name": "{0}", '
    '"distribution": null, "driver": "QEMU", '
    '"hypervisor": "7.2.22", "package": null, "libvirt": "9.0.0", "seconds": 1, "domains": [], '
    '"started": "2026-03-02T04:11:00+00:00", "counts": {{}}}}]}}'
)
_TEXTS = {
    "node1-audit.json": _AUDIT.format("node1"),
    "node2-audit.json": _AUDIT.format("node2"),
    "pool.txt": "qemu+ssh://node2/system\n",
    "web.txt": "web1\n",
    "waivers.toml": '[[waive]]\ncheck = "alias"\nreason = "known"\nuntil = 2999-12-31\n',
    "there.xml": "<domain/>\n",
    "hosts.json": '{"kvm": {"hosts": ["n1"]}, "_meta": {"hostvars": {"n1": '
    '{"samemachine_uri": "test:///default"}}}}',
    "hosts.toml": "[hosts.n1]\nuri = 'test:///default'\ngroups = ['rack1', 'kvm']\n",
    "host.toml": "connect = []\n",
    "guest.conf": "[guest]\ngroups-off = network\n",
}
# Folders of a host, of which each test has its own.
_PLACES = "/etc/samemachine/", "/srv/", "/var/lib/prometheus/"
_FOLDERS = "srv/noble", "srv/el9", "srv/trixie", "srv/forky", "var/lib/prometheus/node-exporter"
_PARSED_ONLY = {
    "serve", "watch",  # never end
    "migrate", "upgrade", "rollback",  # move or stop domains
    "fleet",       # answers from a database
    "probe",       # needs a QEMU, as does what says "live"; what arrived a real libvirt knows
}  # fmt: skip
_PAGES = (*CHECKOUT.glob("*.md"), *CHECKOUT.glob("packaging/**/*.md"))
_HELP = (*(one.epilog or "" for one in (cli, *COMMANDS.values())), *EXAMPLES.values())
_LINES = sorted(
    {line for page in _PAGES for line in man_pages.command_lines(page)}
    | {line for text in _HELP for line in man_pages.help_lines(text)}
)
GUESTS = [line for line in _LINES if line[0] == "samemachine-guest"]
HOSTS = [line for line in _LINES if line[0] == "samemachine"]


def command_of(line: tuple[str, ...]) -> str | None:
    """Return the sub-command of a line."""
    return next((word for word in line[1:] if word in COMMANDS), None)


def runs_anywhere(line: tuple[str, ...]) -> bool:
    """Whether a line needs neither a QEMU nor another host, and changes nothing.

    tests/lab/test_manual.py runs the others.
    """
    command = command_of(line)
    if command is None or "--version" in line or "--help" in line:
        return True
    if command in _PARSED_ONLY or {"live", "--arrived-since"} & set(line):
        return False
    if any("://" in word and not word.startswith("test://") for word in line):
        return False
    if command == "types":
        return bool({"--release", "--atlas"} & set(line))
    # Without a terminal these want to be told to go on, and the test driver plugs no channels.
    return command not in {"enroll", "forget"} or "--dry-run" in line


def prepare(place: Path) -> None:
    """Make all files that the lines name."""
    for name, text in _TEXTS.items():
        (place / name).write_text(text, encoding="utf-8")
    for name in _FOLDERS:
        (place / name).mkdir(parents=True)
    shipped = resources.files("host_agent").joinpath(*atlas_files.SHIPPED.split("/"))
    for name, source in _ATLASES.items():
        packed = shipped.joinpath(atlas_files.shipped()[source]).read_bytes()
        (place / f"{name}.json.xz").write_bytes(packed)
        (place / f"{name}.json").write_bytes(lzma.decompress(packed))


def here(line: tuple[str, ...], folder: PurePath) -> list[str]:
    """Return the arguments, with the places of a host moved into the folder."""
    words = list(line[1:])
    for number, word in enumerate(words):
        for place in _PLACES:
            if word.startswith(place):
                inside = word.removeprefix("/etc/samemachine/").lstrip("/")
                words[number] = str(folder / inside)
    return words


def joined(line: tuple[str, ...]) -> str:
    """Return a line as it stands in the manual."""
    return " ".join(line)


def codes(line: tuple[str, ...]) -> frozenset[int]:
    """Return how a line may end: as its page says, but neither of wrong usage nor of no libvirt."""
    name = command_of(line)
    if name is None:
        return frozenset({0})
    return man_pages.exit_codes(man_pages.MAN / f"samemachine-{name}.1.md") - {2, 4}
