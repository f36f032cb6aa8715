"""What QEMU's default processor has, where a machine type shows its guest nothing else."""

from host_agent.atlas import processor
from host_agent.atlas.processor import Processor
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import qom_tree
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.session import SECONDS, QemuSession, Stop

DEFAULTS = {"s390x": "qemu"}
"""Architecture → QEMU's model under software emulation (hw/s390x/s390-virtio-ccw.c)."""


def ask(
    binary: QemuBinary,
    options: ProbeOptions,
    seconds: float = SECONDS,
    stop: Stop | None = None,
) -> tuple[Processor, frozenset[str]]:
    """Return the processor of a machine type, and the kinds of objects that the machine has.

    Raises ``EvidenceError``.
    """
    model = {"name": DEFAULTS[options.architecture]}
    with QemuSession(binary, options.command(), seconds=seconds, stop=stop) as session:
        answer = session.qmp("query-cpu-model-expansion", type="full", model=model)
        tree = session.qmp("human-monitor-command", **{"command-line": "info qom-tree"})
    try:
        return processor.of_qmp(answer), qom_tree.models(str(tree))
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            Reason.FAILED, f"{binary.path} says of its processor what can't be read: {error}"
        ) from error
