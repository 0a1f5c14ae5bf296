"""Errors that are shown to a person as one sentence."""


class UserError(Exception):
    """Wrong use or bad input: what is wrong, where, and how to mend it, in one sentence (exit code 2)."""
