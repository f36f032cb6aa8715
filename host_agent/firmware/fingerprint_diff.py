"""Two fingerprints → what differs, in words. Pure."""

from collections.abc import Collection, Iterator, Mapping

from host_agent.difference import Area, Difference
from host_agent.firmware import acpi, device_tree, fw_cfg, smbios_diff
from host_agent.firmware.fingerprint import ANCHOR, E820, LOADER, RSDP, Fingerprint

ABSENT = "absent"
# Their sizes follow from what they hold, which is compared where it is known; RAM is an option.
_DERIVED = ("/rom@", "pc.ram", "mach-virt.ram", "ppc_spapr.ram", "probe.ram")
ROOT_TABLES = frozenset({"RSDT", "XSDT"})
CODE = frozenset({"DSDT", "SSDT"})
"""Signatures of tables that hold AML; others hold fixed fields."""


def differences(
    old: Fingerprint, new: Fingerprint, masked: Collection[tuple[int, str]] = ()
) -> tuple[Difference, ...]:
    """Return what differs; none: a guest sees the same. ``masked``: see ``smbios_diff``."""
    return (
        *_smbios(old, new, masked),
        *_acpi(old, new),
        *memory_map(_ranges(old), _ranges(new)),
        *files(_sizes(old), _sizes(new), old.files),
        *memory_blocks(old.memory_blocks, new.memory_blocks),
        *_firmware(old, new),
        *_device_tree(old, new),
    )


def _smbios(
    old: Fingerprint, new: Fingerprint, masked: Collection[tuple[int, str]]
) -> Iterator[Difference]:
    if old.smbios is None or new.smbios is None:
        if old.smbios != new.smbios:
            yield _presence(Area.SMBIOS, "", "tables", old.smbios, new.smbios)
        return
    yield from smbios_diff.entry_points(*(side.files.get(ANCHOR, b"") for side in (old, new)))
    yield from smbios_diff.differences(old.smbios, new.smbios, masked)


def _presence(area: Area, subject: str, field: str, old: object, new: object) -> Difference:
    return Difference(
        area=area,
        subject=subject,
        field=field,
        old=ABSENT if old is None else "there",
        new=ABSENT if new is None else "there",
    )


def _acpi(old: Fingerprint, new: Fingerprint) -> Iterator[Difference]:
    headers = tuple(acpi.root_pointer(side.files.get(RSDP, b"")) for side in (old, new))
    yield from _headers("RSDP", *headers)
    before, after = tables(old), tables(new)
    for name in dict.fromkeys([*before, *after]):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            yield _presence(Area.ACPI, name, "table", one, two)
            continue
        yield from _headers(name, one.header, two.header)
        # Checksums are left to the firmware or follow from the rest, and the root tables hold
        # nothing but the addresses of the others.
        if one.body != two.body and name not in ROOT_TABLES:
            yield Difference(
                area=Area.ACPI,
                subject=name,
                field="code" if name[:4] in CODE else "contents",
                old=f"{len(one.raw)} bytes",
                new=_length(one, two),
            )


def _headers(name: str, one: Mapping[str, str], two: Mapping[str, str]) -> Iterator[Difference]:
    for field in dict.fromkeys([*one, *two]):
        was, now = one.get(field, ABSENT), two.get(field, ABSENT)
        if was != now:
            yield Difference(area=Area.ACPI, subject=name, field=field, old=was, new=now)


def _length(one: acpi.Table, two: acpi.Table) -> str:
    return f"{len(two.raw)} {'other ' if len(one.raw) == len(two.raw) else ''}bytes"


def tables(fingerprint: Fingerprint) -> dict[str, acpi.Table]:
    """Return ACPI tables by signature, a second one of the same signature with its number.

    Where the firmware will fill in an address there are zeros.
    """
    found: dict[str, acpi.Table] = {}
    if fingerprint.acpi is None:
        return found
    script = acpi.loader(fingerprint.files.get(LOADER, b""))
    for table in acpi.without_pointers(fingerprint.acpi, script).tables:
        name, number = table.signature, 2
        while name in found:
            name, number = f"{table.signature} {number}", number + 1
        found[name] = table
    return found


def _ranges(side: Fingerprint) -> tuple[fw_cfg.Range, ...]:
    return fw_cfg.memory_map(side.files.get(E820, b""))


def _sizes(side: Fingerprint) -> Mapping[str, int]:
    return {file.name: file.size for file in side.directory}


def memory_map(
    before: tuple[fw_cfg.Range, ...], after: tuple[fw_cfg.Range, ...]
) -> Iterator[Difference]:
    """Yield what differs between the maps that two QEMUs hand their firmware."""
    if before != after:
        yield Difference(
            area=Area.MEMORY_MAP,
            subject="",
            field="ranges",
            old=", ".join(map(str, before)) or ABSENT,
            new=", ".join(map(str, after)) or ABSENT,
        )


def files(
    before: Mapping[str, int], after: Mapping[str, int], compared: Collection[str]
) -> Iterator[Difference]:
    """Yield what differs between two directories, name → size.

    ``compared``: files whose contents are compared, so that their sizes say nothing more.
    """
    for name in dict.fromkeys([*before, *after]):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            yield _presence(Area.FW_CFG, name, "file", one, two)
        elif one != two and name not in compared:
            yield Difference(
                area=Area.FW_CFG, subject=name, field="size", old=str(one), new=str(two)
            )


def memory_blocks(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[Difference]:
    """Yield what differs between the sizes of memory blocks that both have."""
    for name in sorted(old.keys() | new.keys()):
        if name.startswith(_DERIVED) or name not in old or name not in new:
            # A block that only one has may be there for that machine's own reasons; the migration
            # stream carries only what the source has.
            continue
        if old[name] != new[name]:
            yield Difference(
                area=Area.ROM,
                subject=name,
                field="size",
                old=_kib(old[name]),
                new=_kib(new[name]),
            )


def _kib(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} bytes"


def _firmware(old: Fingerprint, new: Fingerprint) -> Iterator[Difference]:
    if old.firmware is None or new.firmware is None:
        return
    if old.firmware.size != new.firmware.size:
        yield Difference(
            area=Area.FIRMWARE,
            subject="",
            field="size",
            old=_kib(old.firmware.size),
            new=_kib(new.firmware.size),
        )
    elif old.firmware.sha256 != new.firmware.sha256:
        yield Difference(
            area=Area.FIRMWARE, subject="", field="image", old="one build", new="another build"
        )


def _device_tree(old: Fingerprint, new: Fingerprint) -> Iterator[Difference]:
    if old.device_tree is None or new.device_tree is None:
        if old.device_tree != new.device_tree:
            yield _presence(Area.DEVICE_TREE, "", "tree", old.device_tree, new.device_tree)
        return
    before, after = device_tree.parse(old.device_tree), device_tree.parse(new.device_tree)
    for node in dict.fromkeys([*before, *after]):
        one, two = before.get(node), after.get(node)
        if one is None or two is None:
            # Where a node is missing, so is what is below it.
            if (node.rpartition("/")[0] or "/") in before.keys() & after.keys():
                yield _presence(Area.DEVICE_TREE, node, "node", one, two)
            continue
        for name in dict.fromkeys([*one, *two]):
            if one.get(name) != two.get(name) and name not in device_tree.RANDOM:
                old_value, new_value = _value(one.get(name)), _value(two.get(name))
                yield Difference(
                    area=Area.DEVICE_TREE,
                    subject=node,
                    field=name,
                    old=old_value,
                    new=f"other {new_value}" if new_value == old_value else new_value,
                )


def _value(value: bytes | None) -> str:
    return ABSENT if value is None else device_tree.shown(value)
