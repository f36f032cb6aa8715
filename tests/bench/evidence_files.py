"""Prints, as JSON, the files that a report of this machine is made of."""

import json
import sys

from guest_agent.report import gather, readers


def main() -> None:
    """Gather one, and see what is opened (sys.addaudithook)."""
    reading = readers()
    opened: dict[str, None] = {}

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            opened[arguments[0]] = None

    sys.addaudithook(hook)
    gather(b"n" * 32, reading, (), ())
    # Not what is a device with a place in it.
    json.dump([name for name in opened if name.startswith(("/proc/", "/sys/"))], sys.stdout)


if __name__ == "__main__":
    main()
