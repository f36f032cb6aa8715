"""``product``: are manufacturer, product and an overridden version what is declared?"""

import re

from host_agent.case.case import Case
from host_agent.case.expectation import Expectation
from host_agent.checks.shared import platform
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.firmware.smbios import Named
from host_agent.missing import Missing

ID = "product"


def check(case: Case) -> Finding:
    """Compare the type 1 strings (DSP0134 7.2) with what QEMU writes or ``<sysinfo>`` sets.

    From QEMU 8.1 the product is the machine type's description, so a vendor's name and the
    standard one are both right (QEMU ``hw/i386/pc_piix.c`` before and after 8.1). A machine
    without SMBIOS says no more than its family, in its device tree or in /proc/sysinfo.
    """
    if case.declared.active is None:
        return not_running(ID)
    expected, booted = case.expected, case.own
    if isinstance(expected, Missing):
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=expected.sentence)
    if not expected.visible:
        return _by_platform(case, expected)
    if isinstance(booted, Missing):
        return unknown(ID, booted)
    seen = case.observation if isinstance(case.observation, Observation) else None
    dmi = seen.dmi if seen and isinstance(seen.dmi, Named) else None
    live = case.live if seen else None
    word = "DMI" if booted is dmi else "live tables" if booted is live else "booted tables"
    views = [(word, booted)]
    views += [
        (word, view)
        for word, view in (("DMI", dmi), ("live tables", live))
        if isinstance(view, Named) and view is not booted
    ]
    for word, view in views:
        for name, observed, wanted, right in _rows(view, expected, decoded=view is dmi):
            if right is False:
                return Finding(
                    check=ID,
                    outcome=Outcome.FAIL,
                    sentence=f"the guest's {word} give the {name} {_shown(observed)}, "
                    f"expected is {wanted}",
                    expected=wanted,
                    observed=observed or "",
                    remedy="compare <sysinfo> in virsh dumpxml with what the guest shows",
                )
    rows = _rows(booted, expected, decoded=booted is dmi)
    if all(right is None for _, _, _, right in rows):
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence=f"nothing is expected of manufacturer and product: {expected.why}",
            observed=booted.product,
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest is {_shown(booted.manufacturer)}, {_shown(booted.product)}, "
        f"as expected by {expected.source}",
        expected="; ".join(wanted for _, _, wanted, right in rows if right),
        observed=booted.product,
    )


def _by_platform(case: Case, expected: Expectation) -> Finding:
    family = expected.family
    if family is None:
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=expected.why)
    said = platform.shown(case)
    if isinstance(said, Missing):
        return unknown(ID, said)
    found = said.values(family.entry)
    if not found:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=f"{said.source} of the guest has no entry {family.entry}",
        )
    right = family.value in found
    return Finding(
        check=ID,
        outcome=Outcome.PASS if right else Outcome.FAIL,
        sentence=f"the guest's {family.entry} in {said.source} is {_shown(', '.join(found))}, "
        + ("as of all machines of its family" if right else f"expected is {_shown(family.value)}"),
        expected=family.value,
        observed=", ".join(found),
        remedy=None if right else "compare virsh dumpxml with what the guest's console says",
    )


def _rows(
    view: Named, expected: Expectation, *, decoded: bool
) -> list[tuple[str, str | None, str, bool | None]]:
    """Name, observed, wanted and whether it is right (None: nothing is wanted) of each string.

    ``decoded``: the view is what a tool in the guest made of the strings.
    """
    as_printed = expected.decoded if decoded else {}
    product_right = _in(view.product, expected.products, as_printed.get("product"))
    if product_right is False and expected.product_form is not None:
        product_right = re.fullmatch(expected.product_form, view.product or "") is not None
    version = None if expected.version is None else frozenset({expected.version})
    return [
        (
            "manufacturer",
            view.manufacturer,
            _words(expected.manufacturers),
            _in(view.manufacturer, expected.manufacturers, as_printed.get("manufacturer")),
        ),
        ("product", view.product, _words(expected.products), product_right),
        (
            "version",
            view.version,
            _words(version),
            _in(view.version, version, as_printed.get("version")),
        ),
    ]


def _in(
    observed: str | None, wanted: frozenset[str] | None, as_printed: frozenset[str] | None
) -> bool | None:
    return None if wanted is None else (observed or "") in wanted | (as_printed or frozenset())


def _words(wanted: frozenset[str] | None) -> str:
    return " or ".join(_shown(text) for text in sorted(wanted or ()))


def _shown(text: str | None) -> str:
    return f'"{text}"' if text else "(not specified)"
