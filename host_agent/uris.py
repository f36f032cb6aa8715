"""Connections of libvirt in front of people and programs. Pure."""

from urllib.parse import urlsplit


def place(uri: str) -> str:
    """Return what of a URI is no secret: neither who connects nor with what."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        # libvirt refuses it as well, with its own words.
        return "no URI"
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
