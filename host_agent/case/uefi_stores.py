"""What a domain's UEFI keeps, and what its like would begin with on this host today."""

from pathlib import Path

from host_agent.domain.definition import Declared, Definition
from host_agent.evidence.nvram import Nvram
from host_agent.evidence.running import Running
from host_agent.missing import Missing, Reason
from host_agent.qemu import nvram_place, variable_store
from host_agent.qemu.nvram_decoder import NvramDecoder
from host_agent.qemu.nvram_place import Place

_NO_UEFI = Missing(reason=Reason.UNSUPPORTED, sentence="the domain has no UEFI")
_NO_TEMPLATE = Missing(
    reason=Reason.ABSENT,
    sentence="libvirt does not say of which template its store would be made",
)
_HERE = Path("/")


class UefiStores:
    """The variable stores of one host's domains."""

    def __init__(self) -> None:
        self._decoder = NvramDecoder()

    def kept(self, declared: Declared, running: Running | Missing) -> Nvram | Missing:
        """Return what is in the file of the domain's QEMU, else in that of its XML."""
        uefi = declared.definition.uefi
        if uefi is None:
            return _NO_UEFI
        if isinstance(running, Running):
            place, root = nvram_place.of_command_line(running.arguments), running.root
        else:
            place, root = nvram_place.declared(uefi), _HERE
        return place if isinstance(place, Missing) else self._decoder.at(place, root)

    def template(self, definition: Definition) -> Nvram | Missing:
        """Return what libvirt would make the domain's store of, were there none."""
        if definition.uefi is None:
            return _NO_UEFI
        store = definition.uefi.store
        path = None if store is None else store.template
        if path is None and definition.loader is not None:
            path = variable_store.template(definition.loader, _HERE)
        if path is None or path == definition.loader:
            return _NO_TEMPLATE
        form = nvram_place.RAW if store is None else store.template_form
        return self._decoder.at(Place(path=path, form=form), _HERE)
