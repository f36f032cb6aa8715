"""``product``: are manufacturer, product and an overridden version what is declared?"""

import re

from host_agent.missing import Missing
from host_agent.model import (
    Case,
    Expectation,
    Finding,
    Named,
    Observation,
    Outcome,
)

ID = "product"


def check(case: Case) -> Finding:
    """Compare the type 1 strings (DSP0134 7.2) with what QEMU writes or ``<sysinfo>`` sets.

    From QEMU 8.1 the product is the machine type's description, so a vendor's name and the
    standard one are both right (QEMU ``hw/i386/pc_piix.c`` before and after 8.1).
    """
    if case.declared.active is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is not running")
    expected, booted = case.expected, case.booted
    if isinstance(expected, Missing):
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=expected.sentence)
    if not expected.visible:
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=expected.why)
    if isinstance(booted, Missing):
        return Finding(
            check=ID, outcome=Outcome.UNKNOWN, sentence=booted.sentence, remedy=booted.remedy
        )
    views = [("booted tables", booted)]
    if isinstance(case.observation, Observation):
        views += [
            (word, view)
            for word, view in (("DMI", case.observation.dmi), ("live tables", case.live))
            if isinstance(view, Named)
        ]
    for word, view in views:
        for name, observed, wanted, right in _rows(view, expected):
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
    rows = _rows(booted, expected)
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


def _rows(view: Named, expected: Expectation) -> list[tuple[str, str | None, str, bool | None]]:
    """Name, observed, wanted and whether it is right (None: nothing is wanted) of each string."""
    product_right = _in(view.product, expected.products)
    if product_right is False and expected.product_form is not None:
        product_right = re.fullmatch(expected.product_form, view.product or "") is not None
    version = None if expected.version is None else frozenset({expected.version})
    return [
        (
            "manufacturer",
            view.manufacturer,
            _words(expected.manufacturers),
            _in(view.manufacturer, expected.manufacturers),
        ),
        ("product", view.product, _words(expected.products), product_right),
        ("version", view.version, _words(version), _in(view.version, version)),
    ]


def _in(observed: str | None, wanted: frozenset[str] | None) -> bool | None:
    return None if wanted is None else (observed or "") in wanted


def _words(wanted: frozenset[str] | None) -> str:
    return " or ".join(_shown(text) for text in sorted(wanted or ()))


def _shown(text: str | None) -> str:
    return f'"{text}"' if text else "(not specified)"
