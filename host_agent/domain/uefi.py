"""What a domain XML says of its UEFI firmware: secure boot, and where its variables are. Pure.

libvirt docs/formatdomain.rst, "BIOS bootloader": ``<loader secure=…>``, ``<firmware>``,
``<nvram>``, and ``<varstore>`` of libvirt 12: a file in JSON for QEMU's device uefi-vars.
"""

from dataclasses import dataclass

from lxml import etree

DATABASES = "PK", "KEK", "db", "dbx"
"""Secure boot's, by the names of their variables (UEFI 32.4)."""
_JSON = "json"
_ENABLED = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The file that a firmware keeps its variables in."""

    path: str | None
    """On the host; None: it is no file there, or libvirt has not given it a name yet."""
    form: str
    """``raw``, ``qcow2``; ``json``: of ``<varstore>``."""
    template: str | None
    """What libvirt makes the file of, where there is none; None: not said."""
    template_form: str
    """As ``form``."""
    elsewhere: str | None = None
    """Of which type it is where it is no file: ``network``, ``volume`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uefi:
    """A domain's UEFI, as one XML declares it."""

    secure: bool | None
    """``<loader secure=…>``: whether a firmware with secure boot is wanted; None: not said."""
    secure_boot: bool | None
    """``<feature name='secure-boot'>``: whether it can do secure boot; None: not said."""
    enrolled_keys: bool | None
    """``<feature name='enrolled-keys'>``: whether its store is made with keys; None: not said."""
    store: Store | None
    """None: it keeps no variables (``stateless``), or none is named."""


def of(root: etree._Element) -> Uefi:
    """Return what a ``<domain>`` that boots by UEFI says of it."""
    loader = root.find("os/loader")
    features = {
        feature.get("name"): _ENABLED.get(feature.get("enabled", ""))
        for feature in root.iterfind("os/firmware/feature")
    }
    return Uefi(
        secure=None if loader is None else _ENABLED.get(loader.get("secure", "")),
        secure_boot=features.get("secure-boot"),
        enrolled_keys=features.get("enrolled-keys"),
        store=_store(root),
    )


def _store(root: etree._Element) -> Store | None:
    varstore, nvram = root.find("os/varstore"), root.find("os/nvram")
    if varstore is not None:
        path, template = varstore.get("path"), varstore.get("template")
        return Store(path=path or None, form=_JSON, template=template or None, template_form=_JSON)
    if nvram is None:
        return None
    form, template = nvram.get("format") or "raw", nvram.get("template") or None
    made_of = nvram.get("templateFormat") or form
    kind, source = nvram.get("type"), nvram.find("source")
    if kind is None or source is None:
        path = (nvram.text or "").strip() or None
        return Store(path=path, form=form, template=template, template_form=made_of)
    path = {"file": source.get("file"), "block": source.get("dev")}.get(kind)
    return Store(
        path=path,
        form=form,
        template=template,
        template_form=made_of,
        elsewhere=None if path else kind,
    )
