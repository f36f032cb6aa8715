"""What differs in the ACPI code of a machine type under two QEMUs."""

from collections.abc import Iterator

from host_agent.atlas.atlas import Atlas
from host_agent.firmware import acpi_code, fingerprint_diff
from host_agent.printable import printable


def differing_code(old: Atlas, new: Atlas, name: str) -> Iterator[str]:
    """Yield what differs in a machine type's code, line by line; an empty line before a table."""
    before, after = (
        fingerprint_diff.tables(machine.fingerprint)
        for atlas_ in (old, new)
        for machine in atlas_.machines
        if machine.name == name and machine.fingerprint is not None
    )
    for table in before:
        if table[:4] in fingerprint_diff.CODE and table in after:
            one, two = before[table].raw, after[table].raw
            if one != two:
                yield ""
                for line in acpi_code.changes(one, two, table):
                    code = line.lstrip()
                    yield line[: len(line) - len(code)] + printable(code)
