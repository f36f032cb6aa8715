"""Machine-type upgrades written down on disk, so that none is lost half done.

A folder a domain, by UUID: the definitions as they were before each upgrade, and one record of the
newest. Every file is written whole or not at all, and has reached the disk when the call returns.
The definitions may hold secrets (VIR_DOMAIN_XML_SECURE): folder and files are their owner's alone.

The backups of earlier upgrades stay, so that no crash between two files can lose one.
"""

import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from host_agent import whole_file
from host_agent.domain.definition import MAX_XML_BYTES
from host_agent.errors import UpgradeJournalError, UsageError
from host_agent.records import upgrade_record
from host_agent.records.upgrade_folder import default_folder
from host_agent.records.upgrade_record import MAX_BYTES, UNDER_WAY, Record, RecordError, Step
from host_agent.whole_file import UNFINISHED

_RECORD = "state.json"
_LOCK = "lock"
_RESERVE = "reserve"
_RESERVED = 64 * 1024
"""Bytes that are given back where the disk gets full in the middle."""
_BACKUP = "original-"
_KEPT = 5
_FULL = {errno.ENOSPC, errno.EDQUOT}


class UpgradeJournal:
    """All upgrades that were begun on this machine. Nothing is open between two calls."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    @contextmanager
    def locked(self, uuid: UUID) -> Iterator["DomainJournal"]:
        """Hold a domain's journal alone; raises ``UsageError`` where another program has it.

        Raises ``UpgradeJournalError`` where nothing can be written there.
        """
        place = self.folder / str(uuid)
        with _as_ours(place):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = _opened(place)
        try:
            with _as_ours(place):
                lock = os.open(
                    _LOCK,
                    os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
                    0o600,
                    dir_fd=folder,
                )
            # Closing it gives it back, also where we are killed.
            with os.fdopen(lock):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise UsageError(
                        f"another samemachine is working on the domain {uuid}; wait until it has "
                        "ended"
                    ) from error
                yield DomainJournal(place, folder, uuid)
        finally:
            os.close(folder)

    def read(self, uuid: UUID) -> Record | None:
        """Return a domain's newest record, None where there is none.

        Raises ``UpgradeJournalError`` where it is damaged.
        """
        place = self.folder / str(uuid)
        try:
            folder = _opened(place)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(place, error) from error
        try:
            return DomainJournal(place, folder, uuid).read()
        finally:
            os.close(folder)

    def is_busy(self, uuid: UUID) -> bool:
        """Tell whether a program that runs now is in the middle of this domain's upgrade."""
        try:
            record = self.read(uuid)
            if record is None or record.step not in UNDER_WAY | {Step.PLANNED}:
                return False
            with self.locked(uuid):
                return False
        except UsageError:
            return True
        except UpgradeJournalError:
            return False

    def all(self) -> tuple[list[Record], list[str]]:
        """Return all records, newest last, and what can't be read, in sentences."""
        records: list[Record] = []
        troubles: list[str] = []
        try:
            names = sorted(one.name for one in self.folder.iterdir())
        except FileNotFoundError:
            names = []
        except OSError as error:
            raise _unreadable(self.folder, error) from error
        for name in names:
            try:
                record = self.read(UUID(name))
            except ValueError:
                # Nothing of ours.
                continue
            except UpgradeJournalError as error:
                troubles.append(str(error))
                continue
            if record is not None:
                records.append(record)
        return sorted(records, key=lambda record: record.changed), troubles


class DomainJournal:
    """One domain's journal, held alone."""

    def __init__(self, place: Path, folder: int, uuid: UUID) -> None:
        self.place = place
        self._folder = folder
        self._uuid = uuid

    def read(self) -> Record | None:
        """Return the newest record; raises ``UpgradeJournalError`` where it is damaged."""
        try:
            raw = self._content(_RECORD, MAX_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.place / _RECORD, error) from error
        try:
            return upgrade_record.from_text(raw.decode(), self._uuid)
        except (RecordError, UnicodeDecodeError) as error:
            raise UpgradeJournalError(
                f"{self.place / _RECORD} can't be used: {error}; the definitions as they were are "
                f"beside it ({self._backups()}): see what is right, then move the file away"
            ) from error

    def begin(self, record: Record, original: str) -> Record:
        """Save the original definition and a first record of it; raises ``UpgradeJournalError``.

        Where that does not succeed, there is nothing that would have to be undone.
        """
        raw = original.encode("utf-8", "surrogatepass")
        # To the microsecond, and with a word of its own: a backup is never written over.
        at = f"{datetime.fromtimestamp(record.started, UTC):%Y%m%dT%H%M%S.%fZ}"
        begun = replace(
            record,
            backup=f"{_BACKUP}{at}.{secrets.token_hex(2)}.xml",
            sha256=hashlib.sha256(raw).hexdigest(),
        )
        with _as_ours(self.place):
            self._clear()
            self._write(_RESERVE, os.urandom(_RESERVED))
            self._write(begun.backup, raw)
            self._write(_RECORD, upgrade_record.to_text(begun).encode())
        return begun

    def write(self, record: Record) -> None:
        """Replace the record; raises ``UpgradeJournalError``."""
        raw = upgrade_record.to_text(record).encode()
        with _as_ours(self.place):
            try:
                self._write(_RECORD, raw)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                with suppress(FileNotFoundError):
                    os.unlink(_RESERVE, dir_fd=self._folder)
                self._write(_RECORD, raw)

    def original(self, record: Record) -> str:
        """Return the definition as it was; raises ``UpgradeJournalError`` where it is damaged."""
        place = self.place / record.backup
        try:
            raw = self._content(record.backup, MAX_XML_BYTES)
        except OSError as error:
            raise _unreadable(place, error) from error
        if hashlib.sha256(raw).hexdigest() != record.sha256:
            raise UpgradeJournalError(f"{place} is damaged: its SHA-256 is not the recorded one")
        return raw.decode("utf-8", "surrogatepass")

    def forget(self) -> None:
        """Remove all of it; raises ``UpgradeJournalError``."""
        with _as_ours(self.place):
            # The record first: without it the rest means nothing any more.
            for name in sorted(_names(self._folder), key=lambda name: name != _RECORD):
                if name != _LOCK:
                    os.unlink(name, dir_fd=self._folder)
            os.fsync(self._folder)

    def _backups(self) -> str:
        names = [name for name in _names(self._folder) if name.startswith(_BACKUP)]
        return ", ".join(names) or "none"

    def _content(self, name: str, most: int) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=self._folder), "rb") as file:
            raw = file.read(most + 1)
        if len(raw) > most:
            raise OSError(errno.EFBIG, f"it has more than {most} bytes")
        return raw

    def _clear(self) -> None:
        """Remove what a killed program left, and backups that are older than the newest few."""
        names = _names(self._folder)
        old = [name for name in names if name.startswith(_BACKUP) and name.endswith(".xml")]
        for name in (
            *(name for name in names if name.endswith(UNFINISHED)),
            *old[: max(0, len(old) - _KEPT)],
        ):
            os.unlink(name, dir_fd=self._folder)

    def _write(self, name: str, raw: bytes) -> None:
        """Write a file that is whole or not there, and on the disk."""
        whole_file.write(self._folder, name, raw)


def _names(folder: int) -> list[str]:
    return sorted(os.listdir(folder))


def _opened(place: Path) -> int:
    """Return the folder, whatever its path leads to later; raises ``OSError``."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.close(folder)
        raise PermissionError(errno.EPERM, "others may write there, or it is another user's")
    return folder


@contextmanager
def _as_ours(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UpgradeJournalError(
            f"the upgrade can't be written down in {place}: {error.strerror or error}"
        ) from error


def _unreadable(place: Path, error: OSError) -> UpgradeJournalError:
    return UpgradeJournalError(f"{place} can't be read: {error.strerror or error}")
