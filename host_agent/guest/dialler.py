"""Gets a domain's report: decides whether its channel may be dialled, and which way.

The rules keep libvirtd from freezing: a channel whose guest end is closed is not dialled; a way
that can't block it goes first; of one that may, at most two openings without an answer are made for
one run of a domain.
"""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from host_agent import asked
from host_agent.domain.definition import CHANNEL_NAME, Declared
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.guard import said
from host_agent.guest import opened_channels
from host_agent.guest.ways import WAYS, Way
from host_agent.hypervisor import Domain
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.printable import argument

if TYPE_CHECKING:
    from host_agent.guest import link


_TAKING_SECONDS = 0.5
_FRESH = 120.0
_RUNNING, _CRASHED = "running", "crashed"
_UPTO_DATE = "systemctl status samemachine-guest, in the guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialler:
    """How the guests of one connection are reached."""

    uri: str
    opened: opened_channels.OpenedChannels

    def observe(
        self,
        domain: Domain,
        declared: Declared,
        running: Running | Missing,
        seconds: float,
    ) -> Observation | Missing:
        """Return the guest's validated report, or why there is none, within ``seconds``."""
        hindrance = undialled(declared, running)
        if hindrance is not None:
            return hindrance
        # gRPC takes long to load: only for who has a guest to ask.
        from host_agent.evidence.decode import DecodeError, decode  # noqa: PLC0415
        from host_agent.guest import link  # noqa: PLC0415

        deadline = time.monotonic() + seconds
        try:
            stream = self._open(domain, declared, deadline)
        except EvidenceError as error:
            return error.missing
        try:
            with asked.asking(f"guest agent by {type(stream).__name__}"):
                answer = link.ask(stream, deadline)
            if stream.may_block:
                self.opened.answered(self._key(domain, declared))
            return decode(answer.report, answer.nonce, answer.seconds, time.time())
        except link.SilentError as error:
            if error.acknowledged and stream.may_block:
                self.opened.answered(self._key(domain, declared))
            return _with_state(_silent(error, stream), domain)
        except link.ClosedError as error:
            return Missing(
                reason=Reason.SILENT,
                sentence=f"{error} before the guest agent answered (stopped, or moved away?)",
            )
        except (link.RefusedError, DecodeError) as error:
            return Missing(
                reason=Reason.REFUSED,
                sentence=f"the guest agent {error}",
                remedy=f"is it samemachine-guest that answers there? {_UPTO_DATE}",
            )
        except Exception as error:  # noqa: BLE001 - what a guest sends must not cost the rest
            return Missing(
                reason=Reason.FAILED, sentence=f"the guest's answer can't be read: {said(error)}"
            )
        finally:
            stream.close()

    def _key(self, domain: Domain, declared: Declared) -> str:
        return opened_channels.key(self.uri, domain.uuid, declared.domain_id)

    def _open(self, domain: Domain, declared: Declared, deadline: float) -> Way:
        channel = declared.definition.channel
        closed = EvidenceError(Reason.UNSUPPORTED, "no way leads to the domain's channel")
        for way in WAYS:
            if channel is None or not way.fits(self.uri, channel):
                continue
            try:
                if way.may_block:
                    # What is refused here is no opening that nobody answered.
                    domain.need_channels()
                    self.opened.begin(self._key(domain, declared))
                return way.open(domain, channel, deadline)
            except EvidenceError as error:
                if error.missing.reason not in {Reason.DENIED, Reason.ABSENT}:
                    raise
                closed = error
        raise closed


def _called(declared: Declared) -> str:
    return argument(declared.definition.name, declared.definition.uuid)


def undialled(declared: Declared, running: Running | Missing) -> Missing | None:
    """Say why a domain's channel must not be dialled; None: it may be."""
    if declared.active is None:
        return NOT_RUNNING
    channel = declared.active.channel
    if channel is None:
        return Missing(
            reason=Reason.NOT_ENROLLED,
            sentence=f"the domain has no channel {CHANNEL_NAME}",
            remedy=f"samemachine enroll {_called(declared)}, and samemachine-guest in its image",
        )
    if isinstance(running, Running) and running.stopped:
        return Missing(
            reason=Reason.HUNG,
            sentence=f"the QEMU process {running.pid} is stopped by a signal",
            remedy=f"find out who stopped it; kill -CONT {running.pid} lets it go on",
        )
    if declared.state != _RUNNING:
        state = _state(declared.state, declared.reason)
        crashed = state != declared.state or declared.state == _CRASHED
        paused = declared.state == "paused"
        name = _called(declared)
        return Missing(
            reason=Reason.PAUSED if paused and not crashed else Reason.NOT_RUNNING,
            sentence=f"the domain is {state}: its guest can't answer",
            remedy=f"virsh dump {name} FILE, if you want to know why; virsh destroy {name}"
            if crashed
            else f"virsh resume {name}"
            if paused
            else None,
        )
    if channel.guest_end_open is False:
        age = time.time() - running.started if isinstance(running, Running) else None
        booting = age is not None and age < _FRESH
        return Missing(
            reason=Reason.NO_AGENT,
            sentence="no program in the guest has the channel open"
            + (f"; QEMU started {age:.0f} s ago, so it may still be booting" if booting else ""),
            remedy=_UPTO_DATE,
        )
    return None


def _silent(error: "link.SilentError", stream: Way) -> Missing:
    if not error.acknowledged and not _taken(stream):
        return Missing(
            reason=Reason.BUSY,
            sentence="QEMU did not take the request: another program holds the channel, "
            "the guest agent has stopped reading, or QEMU's main loop hangs",
            remedy="ss -xp shows who is connected to the channel's socket",
        )
    return Missing(reason=Reason.SILENT, sentence=str(error), remedy=_UPTO_DATE)


def _with_state(silent: Missing, domain: Domain) -> Missing:
    """Say of a guest that does not answer what libvirt says of it by now.

    After a panic its end of the channel still counts as open.
    """
    try:
        state, reason = domain.state()
    except LibvirtError:
        return silent
    if state == _RUNNING and reason != _CRASHED:
        return silent
    return replace(silent, sentence=f"{silent.sentence}; the domain is {_state(state, reason)}")


def _state(state: str, reason: str) -> str:
    return f"{state} ({reason})" if reason in {_CRASHED, "panicked"} else state


def _taken(stream: Way) -> bool:
    """Tell whether QEMU takes what was sent; on a loaded host it may need a moment for the last."""
    until = time.monotonic() + _TAKING_SECONDS
    while stream.untaken():
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True
