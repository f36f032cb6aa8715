"""Text of strangers made safe to print. Pure."""


def printable(text: str) -> str:
    """Escape everything that a terminal could take for a command, or that hides text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    ).strip()


def shortened(text: str, most: int) -> str:
    """Return at most ``most`` characters of the text, printable, with a mark where it was cut."""
    return printable(text[:most] + ("…" if len(text) > most else ""))
