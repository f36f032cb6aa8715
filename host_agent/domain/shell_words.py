"""A command line as libvirt prints it → its words. Pure.

libvirt quotes a word by apostrophes, and an apostrophe by a backslash (``src/util/virbuffer.c:
virBufferEscapeShell``). That is read here; ``shlex``, which goes character by character and was a
fifth of an audit, is left what is written otherwise.
"""

import re
import shlex

_SPACE = " \t\r\n"
_PARTS = re.compile(r"[ \t\r\n]+|(?:[^ \t\r\n'\"\\]+|'[^']*'|\\[^\n])+")
_QUOTED = re.compile(r"'([^']*)'|\\(.)")


def split(line: str) -> tuple[str, ...]:
    """Return the words of a POSIX shell's command line; raises ``ValueError``."""
    words: list[str] = []
    at = 0
    for part in _PARTS.finditer(line):
        if part.start() != at:
            break
        at = part.end()
        word = part[0]
        if "'" in word or "\\" in word:
            words.append(_QUOTED.sub(lambda found: found[1] or found[2] or "", word))
        elif word[0] not in _SPACE:
            words.append(word)
    return tuple(words) if at == len(line) else tuple(shlex.split(line))
