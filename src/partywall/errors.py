"""Errors that are shown to a person as one sentence."""

from collections.abc import Iterable


class UserError(Exception):
    """Wrong use or bad input: what is wrong, where, and how to mend it, in one sentence (exit code 2)."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", *, cutoff: float = 0.6) -> str:
    """The end of a sentence on an unknown word: "; did you mean a or b?", or `otherwise` if none is near."""
    import difflib

    near = difflib.get_close_matches(word, list(known), 3, cutoff)
    return f"; did you mean {' or '.join(near)}?" if near else otherwise
