"""Bytes that were right before something happened to them, for property tests."""

from functools import reduce

from hypothesis import strategies as st

Edit = tuple[int, int, bytes]
"""Where, how many bytes are taken away there, and what is put in."""


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """Return bytes with some of them flipped, cut out or put in, and perhaps with the end gone."""
    edit = st.tuples(st.integers(0, len(whole)), st.integers(0, 8), st.binary(max_size=8))
    return st.builds(
        lambda edits, end: reduce(_edited, edits, whole)[:end],
        st.lists(edit, max_size=4),
        st.integers(0, len(whole)) | st.none(),
    )


def _edited(whole: bytes, edit: Edit) -> bytes:
    at, gone, new = edit
    return whole[:at] + new + whole[at + gone :]
