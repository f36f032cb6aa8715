"""Calls to libvirt, bounded in time, with its errors as ours."""

import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import libvirt

from host_agent import asked, bounded
from host_agent.errors import EvidenceError, LibvirtError, LibvirtTimeoutError
from host_agent.missing import Reason

T = TypeVar("T")

CALL_SECONDS = 30.0
"""How long a call that only libvirtd answers may take."""

_REASONS = {
    libvirt.VIR_ERR_NO_SUPPORT: Reason.UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED: Reason.UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_DENIED: Reason.DENIED,
    libvirt.VIR_ERR_ACCESS_DENIED: Reason.DENIED,
    # "cannot acquire state change lock": a job holds the domain.
    libvirt.VIR_ERR_OPERATION_TIMEOUT: Reason.BUSY,
}


def call(function: Callable[[], T]) -> T:
    """Return what the function returns; raises ``LibvirtError``."""
    try:
        with asked.asking(_called(function)):
            return bounded.call(function, CALL_SECONDS)
    except bounded.CallTimeoutError as error:
        raise LibvirtTimeoutError(
            f"libvirt did not answer within {CALL_SECONDS:.0f} s; is libvirtd hung?"
        ) from error
    except libvirt.libvirtError as error:
        raise LibvirtError(sentence(error)) from error


def evidence_call(function: Callable[[], T], seconds: float) -> T:
    """Return what the function returns; raises ``EvidenceError``, or ``bounded.CallTimeoutError``.

    For calls whose failure costs one piece of evidence.
    """
    try:
        with asked.asking(_called(function)):
            return bounded.call(function, seconds)
    except libvirt.libvirtError as error:
        reason = _REASONS.get(error.get_error_code(), Reason.FAILED)
        raise EvidenceError(reason, sentence(error)) from error


def _called(function: Callable[[], T]) -> str:
    """Name a call: libvirt's own function, or the one of ours that is made of several of these."""
    return f"libvirt {getattr(function, '__qualname__', '').partition('.<locals>')[0]}"


def lacks_support(error: BaseException) -> bool:
    """Tell whether a call failed because the hypervisor's driver has no such call at all."""
    return bool(_code(error) == libvirt.VIR_ERR_NO_SUPPORT)


def is_no_domain(error: BaseException) -> bool:
    """Tell whether a call failed because there is no such domain."""
    return bool(_code(error) == libvirt.VIR_ERR_NO_DOMAIN)


def is_incompatible_cpu(error: BaseException) -> bool:
    """Tell whether a comparison ended with the CPU being incompatible."""
    return bool(_code(error) == libvirt.VIR_ERR_CPU_INCOMPATIBLE)


def _code(error: BaseException) -> int | None:
    cause = error.__cause__
    return cause.get_error_code() if isinstance(cause, libvirt.libvirtError) else None


def sentence(error: libvirt.libvirtError) -> str:
    """Return libvirt's own reason in one line."""
    return str(error.get_error_message() or error).strip().replace("\n", " ")


def version(number: int) -> str:
    """Turn libvirt's number into text: 9000000 is 9.0.0 (``virConnectGetLibVersion``)."""
    return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"


class MonitorCalls:
    """Calls under way that wait for a QEMU: at most one a domain."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until: dict[UUID, float] = {}

    def stuck(self, uuid: UUID) -> bool:
        """Tell whether a call of this domain has not returned in its time, and still does not."""
        with self._changed:
            return time.monotonic() > self._until.get(uuid, math.inf)

    def call(self, uuid: UUID, function: Callable[[], T], seconds: float) -> T:
        """Call like ``evidence_call``; the domain is free again when the call really returns."""
        with self._changed:
            if not self._changed.wait_for(lambda: uuid not in self._until, seconds):
                raise EvidenceError(Reason.HUNG, "an earlier call waits for the domain's QEMU")
            self._until[uuid] = time.monotonic() + seconds

        def told() -> T:
            try:
                return function()
            finally:
                with self._changed:
                    del self._until[uuid]
                    self._changed.notify_all()

        told.__qualname__ = getattr(function, "__qualname__", told.__qualname__)
        return evidence_call(told, seconds)
