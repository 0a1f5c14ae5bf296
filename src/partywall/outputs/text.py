"""Text that came out of an account, made safe to show: it may hold anything AWS lets a customer write."""

from __future__ import annotations

import re
from typing import Final

# C0 and C1 controls, bidirectional controls, zero-width and other invisible characters that change how the
# text around them is read; U+2028/2029 end lines in some readers.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    short = _SHORT.get(character)
    if short:
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""The text on one line, control and invisible characters as their escapes (`\x1b`, `\u202e`)."""
    return _HIDDEN.sub(_escape, text)


def clip(text: str, limit: int, note: str = "…") -> str:
    """At most `limit` characters, ending in `note` where something was left out."""
    return text if len(text) <= limit else text[: max(0, limit - len(note))] + note


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 account", "12,000 findings"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
