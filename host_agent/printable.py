"""Text of strangers made safe to print and to keep: escaped, and of bounded length. Pure."""

import shlex
import unicodedata
from uuid import UUID

MOST = 2000
"""Characters of any text that is printed or kept; what people read is far shorter."""

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt (Unicode 15.1) as far as str.isprintable
# takes it for printable: letters and marks that nothing is drawn for. And U+2800, U+1D159: blank.
_UNSEEN = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065),
    (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0x1D159, 0x1D159),
    (0xE0000, 0xE0FFF),
)  # fmt: skip


def printable(text: str, most: int = MOST) -> str:
    """Escape everything that a terminal could take for a command, or that hides text.

    That is what Unicode calls no graphic character (UAX #44: controls, formats such as those that
    turn the direction of writing, separators other than the space), what is drawn as nothing, and
    what is drawn as another sequence of characters is (UAX #15): so two texts that are not the same
    do not look the same, letters of different scripts apart. Spaces are kept.
    What is longer than ``most`` characters then is cut, with a mark.
    """
    text = text[: most + 1]
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            character if _is_seen(character, before) else _escaped(character)
            for before, character in zip(" " + text, text, strict=False)
        )
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _is_seen(character: str, before: str) -> bool:
    if character.isascii() or not character.isprintable():
        return character.isprintable()
    if any(first <= ord(character) <= last for first, last in _UNSEEN):
        return False
    if not unicodedata.is_normalized("NFC", character):
        return False
    # Does it make one character with the one before?
    return unicodedata.is_normalized("NFC", before + character) or not unicodedata.is_normalized(
        "NFC", before
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def quoted(text: str) -> str:
    """Return a text as one word for a shell, printable; for commands that people are to paste.

    A domain is named by ``argument``.
    """
    return shlex.quote(printable(text))


def operand(text: str) -> str:
    """Return a text as one word that no program takes for an option, by ``--`` where need be."""
    return f"-- {quoted(text)}" if text.startswith("-") else quoted(text)


def argument(name: str, uuid: UUID | str) -> str:
    """Return what names a domain in a command to paste: its name as one word, else its UUID.

    A name is none that would be taken for an option, that must be escaped to be printed, or that
    is looked for as a number or a UUID before it is as a name (virsh: ``virshCommandOptDomainBy``).
    """
    shown = printable(name)
    if shown != name or not name.strip() or name.startswith("-") or _is_number_or_uuid(name):
        return str(uuid)
    return shlex.quote(name)


def _is_number_or_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return name.strip().lstrip("+").isdecimal()
    return True


def shortened(text: str, most: int) -> str:
    """Return at most ``most`` characters of the text, printable, with a mark where it was cut."""
    return printable(text[:most] + ("…" if len(text) > most else ""))
