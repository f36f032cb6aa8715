"""One attribute of a domain's XML changes, and not a byte else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain import definition_edit
from host_agent.domain.definition_edit import EditError

OLD, NEW = "pc-i440fx-2.8", "pc-i440fx-7.2"
XML = """<domain type='kvm' id='3'>
  <name>vm&amp;1</name>
  <!-- <os><type machine='pc'>hvm</type></os> -->
  <title>a &gt; b, é</title>
  <metadata>
    <app:type xmlns:app='u' machine='pc'>x</app:type>
    <y:about xmlns:y='urn:y'><type machine='other'/></y:about>
  </metadata>
  <os>
    <type arch='x86_64' machine='pc-i440fx-2.8'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
    <nvram>/var/lib/libvirt/qemu/nvram/vm1_VARS.fd</nvram>
  </os>
  <devices><disk type='file'><source file='/x'/></disk></devices>
</domain>
"""


def test_one_line_changes() -> None:
    after = definition_edit.with_machine(XML, NEW)
    assert after == XML.replace(OLD, NEW)
    assert definition_edit.changed_lines(XML, after) == (
        (
            f"<type arch='x86_64' machine='{OLD}'>hvm</type>",
            f"<type arch='x86_64' machine='{NEW}'>hvm</type>",
        ),
    )
    assert definition_edit.machine_of(after) == NEW
    assert definition_edit.with_machine(after, OLD) == XML


def test_lines_are_paired_to_the_end() -> None:
    """A text that lost a line is no changed one."""
    assert definition_edit.changed_lines("a\n b\nc", "a\n d\nc") == (("b", "d"),)
    for before, after in (("a", "a\nb"), ("a\nb", "a")):
        with pytest.raises(ValueError, match="zip"):
            definition_edit.changed_lines(before, after)


@pytest.mark.parametrize(
    "tag",
    [
        """<type arch="x86_64" machine="pc-i440fx-2.8">hvm</type>""",
        """<type machine = 'pc-i440fx-2.8' arch='x86_64'>hvm</type>""",
        """<type\n  machine='pc-i440fx-2.8'\n  arch='x86_64'\n>hvm</type>""",
        """<!-- before --><type arch='x' machine='pc-i440fx-2.8'/>""",
    ],
)
def test_however_it_is_written(tag: str) -> None:
    before, _, rest = XML.partition(f"<type arch='x86_64' machine='{OLD}'>hvm</type>")
    xml = before + tag + rest
    assert definition_edit.with_machine(xml, NEW) == before + tag.replace(OLD, NEW) + rest


@pytest.mark.parametrize(
    ("xml", "machine", "words"),
    [
        ("<domain><os><type>hvm</type></os></domain>", NEW, "has no <os><type machine"),
        ("<domain/>", NEW, "has no <os><type machine"),
        ("<network><os><type machine='a'/></os></network>", NEW, "has no <os><type machine"),
        ("<domain", NEW, "can't be parsed"),
        (XML, "a' b='", "no machine type's name"),
        (XML, "", "no machine type's name"),
    ],
)
def test_what_can_not_be_changed(xml: str, machine: str, words: str) -> None:
    with pytest.raises(EditError, match=words):
        definition_edit.with_machine(xml, machine)


@given(st.text(max_size=60))
def test_any_text_is_changed_or_refused(text: str) -> None:
    for xml in (text, f"<domain><os><type machine='a'>{text}</type></os></domain>"):
        try:
            after = definition_edit.with_machine(xml, NEW)
        except EditError:
            continue
        assert definition_edit.machine_of(after) == NEW


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (XML, True),
        (XML.replace(OLD, NEW), True),
        (XML.replace("<metadata>", "<metadata><z xmlns='urn:z'/>"), True),
        (XML.replace("\n  <devices>", "\n\n     <devices>"), True),
        (XML.replace("file='/x'", "file='/z'"), False),
        (XML.replace("vm1_VARS", "vm2_VARS"), False),
        (XML.replace("a &gt; b", "a &gt; c"), False),
    ],
)
def test_the_same_but_for_the_machine(other: str, *, same: bool) -> None:
    assert definition_edit.same_but_for_machine(XML, other) is same
