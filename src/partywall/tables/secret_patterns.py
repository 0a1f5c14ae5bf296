"""Tells credentials in configuration by their form; answers name kinds and variables, never a value."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

_MAX_UNPACKED: Final = 1 << 20
"""Bytes; user data is at most 16 KB as sent, so that more than this is no script."""

_KINDS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("AWS access key id", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
        (
            "AWS secret access key",
            r"(?i)\b(?:aws_?)?secret_?(?:access_?)?key['\"]?\s*[:=]\s*['\"]?"
            r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
        ),
        (
            "private key",
            r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?P<secret>(?:[^-]|-(?!----))*)",
        ),
        ("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
        ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("Stripe key", r"\b[sr]k_live_[A-Za-z0-9]{20,}\b"),
        ("Google API key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
        ("signed token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        (
            "password in a URL",
            r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{1,64}:(?P<secret>[^\s/:@'\"${}<>]{3,})@[^\s/]",
        ),
    )
)
# A password given as a plain value: no reference ($X, ${X}, {{x}}, $(x), <x>), which holds no secret itself.
_ASSIGNED: Final = re.compile(
    r"(?i)(?:^|[\s_\-.\"'{,;&?])(?:db_?|root_?|admin_?|master_?|client_?)?"
    r"(?:password|passwd|pwd|passphrase|secret|secret_?key|api_?key|auth_?token|access_?token)"
    r"['\"]?\s*(?:=|:\s)\s*['\"]?(?![$<{(\s'\"])(?P<secret>[^\s'\"$<>{}(),;]{6,})"
)
ASSIGNED: Final = "password or token"
_SECRET_NAME: Final = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|(?:^|_)pwd(?:_|$)|secret|token|api_?key|access_?key|private_?key"
    r"|auth_?data|credential)"
)
# Names that only tell where a secret is, how long it lives or how it is made.
_HARMLESS_NAME: Final = re.compile(
    r"(?i)(?:_|^)(?:arn|name|id|url|uri|path|file|ttl|expiry|expiration|issuer|endpoint|host|region|length"
    r"|type|header|audience|prefix|policy|enabled|limit|count|version|max|min|parameter|ref)s?$"
)
_HARMLESS_VALUE: Final = re.compile(
    r"(?i)^(?:|true|false|yes|no|on|off|none|null|\d{1,5}|arn:.*|/.*|https?://[^@]*|\$.*|\{\{.*|<.*>|s3://.*)$",
    re.DOTALL,
)


def secret_kinds(text: str) -> list[str]:
    """The kinds of credentials that a text seems to hold, such as ["private key"]; sorted."""
    found = {kind for kind, pattern in _KINDS if pattern.search(text)}
    if _ASSIGNED.search(text):
        found.add(ASSIGNED)
    return sorted(found)


def secret_spans(text: str) -> list[tuple[int, int, str]]:
    """Where in a text the credentials are: (start, end, kind), by start; a password without its name."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern in (*_KINDS, (ASSIGNED, _ASSIGNED)):
        part: str | int = "secret" if "secret" in pattern.groupindex else 0
        found += [(*match.span(part), kind) for match in pattern.finditer(text)]
    return sorted(found)


def is_secret(name: str, value: str) -> bool:
    """Whether a setting holds a credential in the clear: by its value's form, or by its name."""
    if any(pattern.search(value) for _, pattern in _KINDS):
        return True
    if not _SECRET_NAME.search(name) or _HARMLESS_NAME.search(name):
        return False
    return not _HARMLESS_VALUE.match(value)


def secret_variables(variables: Mapping[str, Any]) -> list[str]:
    """The names of the variables whose values look like credentials; sorted."""
    return sorted(name for name, value in variables.items() if is_secret(name, str(value or "")))


def secret_pairs(pairs: Iterable[Mapping[str, Any]], name: str = "name", value: str = "value") -> list[str]:
    """`secret_variables` for a list of name and value pairs."""
    return secret_variables({str(p.get(name, "")): p.get(value) for p in pairs})


def user_data_kinds(encoded: str) -> list[str]:
    """`secret_kinds` of EC2 user data: base64, perhaps of a gzip file. Raises ValueError if it is neither."""
    try:
        raw = base64.b64decode(encoded)
    except binascii.Error as error:
        raise ValueError("user data is no base64") from error
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = zlib.decompressobj(wbits=31).decompress(raw, _MAX_UNPACKED)
        except zlib.error as error:
            raise ValueError("user data is a broken gzip file") from error
    return secret_kinds(raw.decode(errors="replace"))
