"""The job ``enroll``: domains of one host get our channel, or lose it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from host_agent.domain import owner, virtio_serial
from host_agent.domain.definition import parse as parse_domain
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.guard import guarded
from host_agent.guest import enroll_plan
from host_agent.guest.enroll_plan import Enrolled, Enrollee, Enrollment, Plan, Planned, Wish
from host_agent.hypervisor import Domain, connected
from host_agent.hypervisor.selection import chosen

_JOB_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which domains, and what is to become of them."""

    names: Sequence[str] = ()
    """Names, display names or UUIDs; none: all domains of the host."""
    wish: Wish
    dry_run: bool = False


Agree = Callable[[str, Sequence[Planned]], bool]
"""Shows somebody a host's plans and tells whether they may be carried out."""


def enroll(uri: str, options: Options, agree: Agree) -> Enrollment:
    """Look at domains of one host, ask, and change them one by one.

    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has no domain
    of a name that was asked for.
    """
    with connected(uri) as hypervisor:
        domains = chosen(hypervisor.domains(), options.names, uri)
        host, wish = hypervisor.host_name, options.wish
        planned = [_planned(domain, wish) for domain in domains]
        wanted = any(one.plan.changes for one in planned) and not options.dry_run
        agreed = not wanted or agree(host, planned)
        results: list[Enrolled] = []
        interrupted = False
        try:
            for domain, one in zip(domains, planned, strict=True):
                do = wanted and agreed and one.plan.changes
                results.append(_carried_out(domain, one, wish) if do else Enrolled(planned=one))
        except KeyboardInterrupt:
            # libvirt makes each change whole or not at all; those that were made are told.
            interrupted = True
        return Enrollment(
            host=host,
            wish=wish,
            dry_run=options.dry_run,
            agreed=agreed,
            results=tuple(results),
            interrupted=interrupted,
        )


def _planned(domain: Domain, wish: Wish) -> Planned:
    name, uuid = domain.name, str(domain.uuid)

    def planned() -> Planned:
        enrollee = look(domain)
        plan = enroll_plan.decide(enrollee, wish)
        return Planned(
            name=name,
            uuid=uuid,
            definition=enrollee.definition,
            plan=plan,
            foretold=enroll_plan.foretold(enrollee, wish) if plan.persistent else (),
        )

    return guarded(
        planned,
        lambda why: Planned(name=name, uuid=uuid, definition=None, plan=Plan(refused=why)),
    )


def look(domain: Domain) -> Enrollee:
    """Return what matters of a domain; raises ``LibvirtError``, ``DomainXmlError``."""
    active = domain.xml(inactive=False) if domain.is_active() else None
    persistent = domain.xml(inactive=True) if domain.is_persistent() else None
    text = persistent or active
    if text is None:
        raise LibvirtError("the domain stopped while it was looked at")
    definition = parse_domain(text)
    channel = None if active is None else parse_domain(active).channel
    denied, saved = None, False
    try:
        saved = domain.lifecycle().has_managed_save()
    except EvidenceError as error:
        denied = error.missing
    return Enrollee(
        definition=definition,
        owner=owner.of(definition),
        persistent=None if persistent is None else virtio_serial.parse(persistent),
        active=None if active is None else virtio_serial.parse(active),
        guest_end_open=None if channel is None else channel.guest_end_open,
        saved=saved,
        job=None if active is None or denied else domain.job(_JOB_SECONDS),
        denied=denied,
    )


def _carried_out(domain: Domain, planned: Planned, wish: Wish) -> Enrolled:
    """Do what was agreed to, if it is still what there is to do."""
    before = ""

    def change() -> Enrolled:
        nonlocal before
        enrollee = look(domain)
        if enroll_plan.decide(enrollee, wish) != planned.plan:
            return Enrolled(planned=planned, error="it changed meanwhile; look at it again")
        before = _definition(domain, planned)
        devices = domain.devices()
        do = devices.unplug if wish.remove else devices.plug
        # The definition first: a guest must not lose at its next start what it has now.
        for live in (False, True):
            if planned.plan.live if live else planned.plan.persistent:
                do(enroll_plan.element(enrollee, wish, live=live), live=live)
        return Enrolled(planned=planned, done=True, changed=_changed(before, domain, planned))

    return guarded(
        change,
        lambda why: Enrolled(
            planned=planned,
            changed=_changed(before, domain, planned),
            error=f"libvirt refused it: {why}",
        ),
    )


def _definition(domain: Domain, planned: Planned) -> str:
    return domain.xml(inactive=True) if planned.plan.persistent else ""


def _changed(before: str, domain: Domain, planned: Planned) -> tuple[str, ...]:
    return guarded(
        lambda: enroll_plan.changed(before, _definition(domain, planned)) if before else (),
        lambda _: (),
    )
