"""Certificates for Secure Boot that nearly every store has, by fingerprint. Pure.

Fingerprints and ends are those of the certificates in Debian's template (``ovmf-generic``
2026.08+ds-2, ``OVMF_VARS_4M.ms.fd``), which Microsoft publishes ("Windows Secure Boot certificate
expiration and CA updates", KB5062710): those of 2011 end in June and October 2026.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A certificate of Microsoft's of 2011, and what takes its place."""

    database: str
    """``KEK`` or ``db``."""
    old: str
    """SHA-256 of its DER form, in hexadecimal digits."""
    new: str
    new_name: str


SUCCESSORS = (
    Successor(
        database="KEK",
        old="a1117f516a32cefcba3f2d1ace10a87972fd6bbe8fe0d0b996e09e65d802a503",
        new="3cd3f0309edae228767a976dd40d9f4affc4fbd5218f2e8cc3c9dd97e8ac6f9d",
        new_name="Microsoft Corporation KEK 2K CA 2023",
    ),
    Successor(
        database="db",
        old="e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961",
        new="076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330",
        new_name="Windows UEFI CA 2023",
    ),
    Successor(
        database="db",
        old="48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507",
        new="f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901",
        new_name="Microsoft UEFI CA 2023",
    ),
)
