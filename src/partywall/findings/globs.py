"""Globs as SQL: just what `fnmatch.fnmatchcase` has them mean, over whole columns at once."""

from __future__ import annotations

from partywall.lake.source import literal


def glob_sql(column: str, glob: str) -> str:
    """A SQL condition: the column fits the glob, as `fnmatch.fnmatchcase` has it."""
    if not any(c in glob for c in "*?["):
        return f"{column} = {literal(glob)}"
    return f"regexp_full_match({column}, {literal(glob_regex(glob))}, 's')"


def glob_regex(glob: str) -> str:
    """A glob (`*`, `?`, `[abc]`, `[!abc]`) as a regular expression that RE2 reads."""
    parts: list[str] = []
    i = 0
    while i < len(glob):
        char = glob[i]
        i += 1
        if char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "[" and (end := _closing(glob, i)) >= 0:
            parts.append(_class(glob[i:end]))
            i = end + 1
        else:
            parts.append(_escaped(char))
    return "".join(parts)


def _closing(glob: str, start: int) -> int:
    """Where the bracket ends that opened before `start`; -1 where it does not, and stands for itself."""
    first = start + (glob[start : start + 1] == "!")
    # A bracket that closes at once is one of the characters.
    return glob.find("]", first + 1 if glob[first : first + 1] == "]" else first)


def _class(inside: str) -> str:
    """A class of characters; a range the wrong way round holds nothing."""
    negated = inside.startswith("!")
    chars = inside[negated:]
    ranges: list[tuple[str, str]] = []
    i = 0
    while i < len(chars):
        if i + 2 < len(chars) and chars[i + 1] == "-":
            ranges.append((chars[i], chars[i + 2]))
            i += 3
        else:
            ranges.append((chars[i], chars[i]))
            i += 1
    told = "".join(f"{_escaped(a)}-{_escaped(b)}" for a, b in ranges if a <= b)
    if not told:
        return "." if negated else r"[^\x00-\x{10FFFF}]"
    return f"[{'^' if negated else ''}{told}]"


def _escaped(char: str) -> str:
    return char if char.isalnum() or char == "_" else f"\\x{{{ord(char):x}}}"
