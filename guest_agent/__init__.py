"""The guest agent: says what this guest's firmware and kernel see as the hardware.

It waits for the host to ask, gathers evidence from ``/sys``, ``/proc`` and dmidecode, and answers.
It is read-only, opens no file that a request names, and holds nothing of gRPC while nobody asks.
"""

__version__ = "0.1.0"
