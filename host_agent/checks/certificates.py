"""``certificates``: has the guest's store what loaders are signed with today?"""

from datetime import date
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.uefi import PCR_7, keyed, listed, template_folder
from host_agent.finding import Finding, Outcome, unknown
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a UEFI.
    from host_agent.evidence.known_certificates import Successor
    from host_agent.evidence.nvram import Certificate, Nvram

ID = "certificates"

_REMEDY = (
    "add those of 2023 from within the guest (fwupdmgr update; Windows Update), or to the store "
    "of the stopped domain, of which you keep a copy (virt-fw-vars --add-kek, --add-db); "
    f"{PCR_7}"
)


def check(case: Case) -> Finding:
    """Look for Microsoft's certificates of 2011 that lack their successor of 2023.

    An end of validity is no revocation: firmware does not look at it (edk2
    ``CryptPkcs7VerifyCommon.c``: X509_V_FLAG_NO_CHECK_TIME), and what was signed before still
    starts. But what is signed with those of 2023 alone does not start where they lack, and an
    update of dbx that is signed with the key exchange key of 2023 is refused.
    """
    found = keyed(ID, case)
    if isinstance(found, Finding):
        return found
    if isinstance(case.surroundings, Missing):
        return unknown(ID, case.surroundings)
    today = case.surroundings.today
    lacking = _lacking(found)
    ended = [one for _, one in lacking if one.not_after is not None and one.not_after < today]
    if ended:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="certificates of Microsoft's in the guest's store ended, and what takes their "
            f"place is not there: {listed([_named(one) for one in ended])}. What they signed "
            "still starts; a loader that is signed with those of 2023 does not",
            expected=listed([pair.new_name for pair, _ in lacking]),
            observed=listed([str(one.subject) for _, one in lacking]),
            remedy=f"{_REMEDY}{_shipped([pair.new for pair, _ in lacking], case)}",
        )
    return Finding(check=ID, outcome=Outcome.PASS, sentence=_passes(found, lacking, today))


def _shipped(fingerprints: list[str], case: Case) -> str:
    """Say whose templates have certificates: a store that is made anew there has them."""
    from host_agent.firmware import packages  # noqa: PLC0415 - as above

    folder = template_folder(case)
    known = packages.with_certificates(fingerprints, folder) if folder else ()
    return f". In the templates of {listed([str(one) for one in known])}" if known else ""


def _lacking(found: "Nvram") -> "list[tuple[Successor, Certificate]]":
    """Return the certificates of 2011 that are there without what takes their place."""
    from host_agent.evidence.known_certificates import SUCCESSORS  # noqa: PLC0415

    lacking = []
    for pair in SUCCESSORS:
        there = {one.sha256: one for one in found.certificates(pair.database)}
        if pair.old in there and pair.new not in there:
            lacking.append((pair, there[pair.old]))
    return lacking


def _passes(found: "Nvram", lacking: "list[tuple[Successor, Certificate]]", today: date) -> str:
    revoked = found.databases["dbx"].hashes if "dbx" in found.databases else 0
    dbx = f"dbx revokes {revoked} image{'' if revoked == 1 else 's'}"
    if lacking:
        return (
            "certificates of Microsoft's in the guest's store have not ended yet, and what takes "
            "their place is not there: "
            f"{listed([_named(one, 'ends') for _, one in lacking])}; {dbx}"
        )
    from host_agent.evidence.known_certificates import SUCCESSORS  # noqa: PLC0415

    known = {pair.new for pair in SUCCESSORS}
    there = found.certificates("KEK", "db")
    ended = [one for one in there if one.not_after is not None and one.not_after < today]
    said = (
        "the guest's store has Microsoft's certificates of 2023"
        if known & {one.sha256 for one in there}
        else "the guest's store has no certificate of Microsoft's"
    )
    also = f"; beside them ended ones: {listed([_named(one) for one in ended])}" if ended else ""
    return f"{said}{also}; {dbx}"


def _named(one: "Certificate", word: str = "ended") -> str:
    name = one.subject or f"a certificate without a name ({one.sha256[:16]})"
    return name if one.not_after is None else f"{name} ({word} {one.not_after})"
