"""Text of strangers made safe to print and to keep: escaped, and of bounded length. Pure."""

MOST = 2000
"""Characters of any text that is printed or kept; what people read is far shorter."""


def printable(text: str, most: int = MOST) -> str:
    """Escape everything that a terminal could take for a command, or that hides text.

    What is longer than ``most`` characters then is cut, with a mark.
    """
    text = text.strip(" ")
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[: most + 1]
    )
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    """Return at most ``most`` characters of the text, printable, with a mark where it was cut."""
    return printable(text[:most] + ("…" if len(text) > most else ""))
