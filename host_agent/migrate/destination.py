"""A host to which domains are to move: what it has, asked once for all of them.

Nothing that hangs is waited for twice: after a call that did not return, nothing more is asked.
"""

import difflib
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar, cast
from uuid import UUID

from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.errors import EvidenceError, LibvirtTimeoutError
from host_agent.hypervisor import Domain, Facts, Hypervisor
from host_agent.hypervisor.guest_uuids import guest_uuids, knows_hwuuid
from host_agent.machine_types import domain_capabilities, offers
from host_agent.machine_types.offers import Offer
from host_agent.migrate.facts import End, There
from host_agent.missing import Missing, Reason

T = TypeVar("T")


def end_of(facts: Facts) -> End:
    """Return what findings say of a host."""
    return End(
        name=facts.name,
        uuid=offers.host_uuid(facts.capabilities),
        qemu=facts.hypervisor,
        libvirt=facts.libvirt,
    )


class Destination:
    """One host, over a connection to its libvirt. May be asked from several threads."""

    def __init__(self, hypervisor: Hypervisor, facts: Facts, domains: Sequence[Domain]) -> None:
        self._hypervisor = hypervisor
        self.domains = domains
        self._lock = threading.Lock()
        self._guests: Mapping[UUID, UUID] | None = None
        self._answers: dict[Hashable, object] = {}
        self._hung: Missing | None = None
        self.facts = facts
        self.end = end_of(facts)

    @classmethod
    def of(cls, hypervisor: Hypervisor) -> "Destination":
        """Return it for a connection; raises ``LibvirtError``."""
        return cls(hypervisor, hypervisor.facts(), hypervisor.domains())

    def offered(self, definition: Definition) -> Mapping[str, Offer] | None:
        """Return the machine types of the domain's emulator; None: libvirt does not list it."""
        return offers.offers(
            self.facts.capabilities, definition.architecture, definition.emulator or ""
        )

    def offer(self, definition: Definition) -> Offer | Missing:
        """Ask for the machine type, of the emulator that the domain names."""
        name, offered = definition.machine or "", self.offered(definition)
        if offered is not None and name not in offered:
            return absent(name)
        if offered is not None and offered[name].twins:
            return by_chance(name, offered[name])
        answer = self._capabilities(definition)
        if isinstance(answer, Missing):
            # What libvirt looked at and refused, as against what it can't look at.
            looked = answer.reason is Reason.FAILED
            return Missing(
                reason=Reason.ABSENT if looked else answer.reason,
                sentence=answer.sentence,
                remedy=answer.remedy,
            )
        # An emulator that libvirt does not list has no aliases that it could know.
        return (offered or {}).get(name) or Offer(canonical=name, deprecated=False)

    def _capabilities(self, definition: Definition) -> str | Missing:
        ask = definition.emulator, definition.architecture, definition.machine, definition.type
        return self._once(("offer", *ask), lambda: self._hypervisor.domain_capabilities(*ask))

    def loaders(self, definition: Definition) -> frozenset[str]:
        """Return the firmware images that libvirt lists for the domain's machine type."""
        answer = self._capabilities(definition)
        return frozenset() if isinstance(answer, Missing) else domain_capabilities.loaders(answer)

    def arguments(self, xml: str) -> tuple[str, ...] | Missing:
        """Return the command line with which its libvirt would start a domain of this XML."""
        if self._hung is not None:
            return self._hung
        try:
            return self._hypervisor.native_arguments(xml)
        except EvidenceError as error:
            if error.missing.reason is Reason.HUNG:
                self._hung = error.missing
            return error.missing

    def near(self, definition: Definition) -> tuple[str, ...]:
        """Return machine types of names near the domain's."""
        return near(definition.machine or "", list(self.offered(definition) or ()))

    def cpu(
        self, definition: Definition, devices: Devices, offer: Offer | Missing
    ) -> str | Missing | None:
        """Say why the host can't give the guest its CPU; None: it can."""
        if devices.cpu is None or devices.host_bound_cpu:
            return None
        ask = (
            devices.cpu, definition.emulator, definition.architecture,
            None if isinstance(offer, Missing) else definition.machine, definition.type,
        )  # fmt: skip
        return self._once(("cpu", *ask), lambda: self._hypervisor.incompatible_cpu(*ask))

    def same(self, definition: Definition) -> tuple[There, ...]:
        """Return the host's domains that stand in the way of this one; raises ``LibvirtError``.

        Those of its name or UUID, and those that show their guests the UUID that its guest sees.
        """
        try:
            guests = self._guest_uuids()
            alike = [
                domain
                for domain in self.domains
                if domain.name == definition.name
                or domain.uuid == definition.uuid
                or guests.get(domain.uuid, domain.uuid) == definition.guest_uuid
            ]
            if alike and self._hung is not None:
                raise LibvirtTimeoutError(self._hung.sentence)
            return tuple(
                There(
                    name=domain.name,
                    uuid=domain.uuid,
                    active=domain.is_active(),
                    guest_uuid=guests.get(domain.uuid, domain.uuid),
                )
                for domain in alike
            )
        except LibvirtTimeoutError as error:
            self._hung = Missing(reason=Reason.HUNG, sentence=str(error))
            raise

    def _guest_uuids(self) -> Mapping[UUID, UUID]:
        """Return what the guests see that run there; nothing where that is their domains' own."""
        if not knows_hwuuid(self.facts.libvirt):
            return {}
        with self._lock:
            if self._guests is None:
                if self._hung is not None:
                    raise LibvirtTimeoutError(self._hung.sentence)
                self._guests = guest_uuids(self.domains, self.facts.libvirt)
            return self._guests

    def _once(self, key: Hashable, ask: Callable[[], T]) -> T | Missing:
        with self._lock:
            if key in self._answers:
                return cast("T | Missing", self._answers[key])
            if self._hung is not None:
                return self._hung
            answer: T | Missing
            try:
                answer = ask()
            except EvidenceError as error:
                answer = error.missing
                if answer.reason is Reason.HUNG:
                    self._hung = answer
            self._answers[key] = answer
            return answer


def absent(name: str) -> Missing:
    """Return that there is no machine type of this name."""
    return Missing(reason=Reason.ABSENT, sentence=f"there is no machine type {name}")


def by_chance(name: str, offer: Offer) -> Missing:
    """Return that it is an alias which several types carry."""
    carriers = " and of ".join(sorted({offer.canonical, *offer.twins}))
    return Missing(
        reason=Reason.UNSUPPORTED,
        sentence=f'"{name}" is the alias of {carriers} there',
        remedy="name the type itself: virsh edit NAME",
    )


def near(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that begin with this one, else those that look like it."""
    longer = [other for other in names if other.startswith(name) and other != name]
    return tuple(longer or difflib.get_close_matches(name, names))
