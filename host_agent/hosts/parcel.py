"""Facts as bytes, for another process of ours or a later run: packed, and unpacked with care.

Only facts come out: dataclasses and enumerations of this package, and a few plain types. Whatever
else bytes may name is not looked up, so nobody's bytes run anything (Python's documentation of
``pickle``, "Restricting Globals").
"""

import io
import pickle
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from typing import Any

_PACKAGE = f"{__name__.partition('.')[0]}."
_PLAIN = {
    ("builtins", "frozenset"), ("builtins", "set"), ("builtins", "bytearray"),
    ("builtins", "complex"), ("uuid", "UUID"), ("uuid", "SafeUUID"), ("datetime", "date"),
    ("datetime", "datetime"), ("datetime", "timedelta"), ("datetime", "timezone"),
    ("collections", "Counter"), ("collections", "OrderedDict"),
}  # fmt: skip


class ParcelError(Exception):
    """The bytes are no facts of ours."""


def packed(facts: object) -> bytes:
    """Return facts as bytes."""
    return pickle.dumps(facts, pickle.HIGHEST_PROTOCOL)


def unpacked(raw: bytes) -> Any:
    """Return the facts that were packed; raises ``ParcelError``."""
    try:
        return _Facts(io.BytesIO(raw)).load()
    except Exception as error:
        raise ParcelError(str(error)) from error


class _Facts(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _member
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if module.startswith(_PACKAGE) and "." not in name:
            found = getattr(import_module(module), name, None)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no fact")


def _member(kind: Any, name: str) -> Any:
    """Return a member of an enumeration: up to Python 3.11.3 one is packed as an attribute of it.

    ``Enum.__reduce_ex__`` of Lib/enum.py; later ones pack the value.
    """
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[name]
    raise pickle.UnpicklingError(f"{name} is no member of an enumeration")
