"""A byte stream behind a descriptor, as a type: what the pump carries bytes from and to."""

from typing import Optional, Protocol


class Stream(Protocol):
    """A byte stream behind a non-blocking descriptor."""

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        ...

    def read(self) -> Optional[bytes]:
        """Return bytes, ``b""`` where the other end is gone, None where none are there yet."""
        ...

    def write(self, data: bytes) -> Optional[int]:
        """Return how many bytes were taken, None where the other end is gone."""
        ...

    def close(self) -> None:
        """Give the descriptor back."""
        ...
