"""Takes credentials out of API answers before they are kept, so that every check still judges them the same.

Masked are the strings that botocore's models mark sensitive (unless a table keeps them in a column of its
own as they are, or they only name something), and what `tables.secret_patterns` finds anywhere else. A mask
has the form of what it stands for, so that a detector of credentials tells the same kinds of it, and carries
a keyed hash whose key is never stored: equal secrets of a scan have equal masks, and no mask leads back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from partywall.tables.secret_patterns import ASSIGNED, is_secret, secret_kinds, secret_spans, user_data_kinds

if TYPE_CHECKING:
    from botocore.model import Shape

    from partywall.tables.types import Type

# One of these is in every text, in lower case, that holds a credential which the patterns know.
_MARKS: Final = tuple(
    b"akia asia -----begin ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox k_live_ aiza eyj x-amz-s passw pwd"
    b" passphrase secret token apikey api_key access_key accesskey private_key privatekey auth_data authdata"
    b" credential".split()
)
_PAIRS: Final = (
    ("name", "value"),
    ("Name", "Value"),
    ("key", "value"),
    ("Key", "Value"),
    ("ParameterKey", "ParameterValue"),
    ("OptionName", "Value"),
)
_KEY_ID: Final = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{16}")
_IDENTIFIER: Final = re.compile(
    r"arn:aws[a-z-]*:[^\s]+|alias/[\w/-]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_SIGNED: Final = re.compile(r"(?i)(x-amz-(?:security-token|signature)=)([^&\s\"']+)")
# What AWS itself shows in the place of a credential.
_STARS: Final = re.compile(r"\**")
_USER_DATA: Final = "UserData"


class Masker:
    """Masks the answers of one scan; `masked` counts the values that were replaced so far."""

    def __init__(self, salt: bytes = b"") -> None:
        self._salt = salt or os.urandom(32)
        self.masked = 0

    def needs(self, service: str, operation: str, text: bytes) -> bool:
        """Whether an answer, as JSON, may hold something to mask."""
        if plan(service, operation).always:
            return True
        low = text.lower()
        return any(mark in low for mark in _MARKS) or (b"://" in low and b"@" in low)

    def answer(self, service: str, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with its credentials masked; the given one is left as it is."""
        known = plan(service, operation)
        if known.shape is None:
            return dict(data)
        return cast("dict[str, Any]", self._walk(data, known.shape, (), known.read, sensitive=False))

    def text(self, text: str) -> str:
        """A text with the credentials in it masked; the detector finds the same kinds in it as before."""
        if _KEY_ID.fullmatch(text):
            # AWS gives these ids out as names of keys: other calls and resources are known by them.
            return text
        spans = secret_spans(text)
        if not spans and "-amz-s" not in text.lower():
            return text
        parts: list[str] = []
        done = 0
        for start, end, kind in spans:
            if start < done:
                continue
            parts += [text[done:start], self._form(kind, text[start:end])]
            done = end
        masked = "".join([*parts, text[done:]])
        masked = _SIGNED.sub(lambda m: m.group(1) + self._hash(m.group(2)), masked)
        if secret_kinds(masked) != secret_kinds(text):
            return self.whole(text)
        self.masked += masked != text
        return masked

    def whole(self, text: str) -> str:
        """What stands for a whole text: its hash, and a token of each kind of credential that it held."""
        self.masked += 1
        tokens = [_TOKENS[kind](self._hash(kind + text)) for kind in secret_kinds(text)]
        return " ".join([f"masked-{self._hash(text)}", *tokens])

    def setting(self, name: str, value: str) -> str:
        """What stands for the value of a setting: a credential is told from its name and value as before."""
        if _STARS.fullmatch(value):
            return value
        if is_secret(name, value):
            return self.whole(value)
        self.masked += 1
        # A path holds no credential, whatever the setting is called.
        return f"/masked-{self._hash(value)}"

    def user_data(self, text: str) -> str:
        """EC2's user data (base64, perhaps of a gzip file) with nothing left but the kinds of credentials."""
        try:
            kinds = user_data_kinds(text)
        except ValueError:
            return self.whole(text)
        self.masked += 1
        tokens = [_TOKENS[kind](self._hash(kind + text)) for kind in kinds]
        return base64.b64encode(" ".join([f"masked-{self._hash(text)}", *tokens]).encode()).decode()

    def _walk(self, value: Any, shape: Shape, path: tuple[str, ...], read: _Read, *, sensitive: bool) -> Any:
        sensitive = sensitive or _is_marked(shape)
        if isinstance(value, str):
            return self._string(value, shape, path, read, sensitive)
        if isinstance(value, bytes):
            return self.whole(value.decode(errors="replace")).encode() if sensitive else value
        if isinstance(value, Mapping):
            entries = cast("Mapping[str, Any]", value)
            if shape.type_name == "map":
                return self._map(entries, shape, path, read, sensitive)
            if shape.type_name == "structure":
                members = cast("Mapping[str, Shape]", cast(Any, shape).members)
                named = self._pair(entries, members, path, read, sensitive)
                if named is not None:
                    return named
                return {
                    key: self._walk(inner, members[key], (*path, key), read, sensitive=sensitive)
                    if key in members
                    else inner
                    for key, inner in entries.items()
                }
        if isinstance(value, list) and shape.type_name == "list":
            element = cast("Shape", cast(Any, shape).member)
            return [self._walk(v, element, path, read, sensitive=sensitive) for v in cast("list[Any]", value)]
        return value

    def _map(
        self, value: Mapping[str, Any], shape: Shape, path: tuple[str, ...], read: _Read, sensitive: bool
    ) -> dict[str, Any]:
        inner = cast("Shape", cast(Any, shape).value)
        sensitive = sensitive or _is_marked(inner)
        hidden = sensitive and path not in read
        return {
            key: self.setting(key, found)
            if isinstance(found, str) and (hidden or is_secret(key, found))
            else self._walk(found, inner, path, read, sensitive=sensitive)
            for key, found in value.items()
        }

    def _pair(
        self,
        value: Mapping[str, Any],
        members: Mapping[str, Shape],
        path: tuple[str, ...],
        read: _Read,
        sensitive: bool,
    ) -> dict[str, Any] | None:
        """A setting given as a name and a value, masked; None where this is none or holds nothing to mask."""
        for name, held in _PAIRS:
            if name in members and held in members:
                key, found = value.get(name), value.get(held)
                if not isinstance(key, str) or not isinstance(found, str):
                    return None
                marked = sensitive or _is_marked(members[held])
                if is_secret(key, found) or (marked and (*path, held) not in read):
                    return {**value, held: self.setting(key, found)}
                return None
        return None

    def _string(self, value: str, shape: Shape, path: tuple[str, ...], read: _Read, sensitive: bool) -> str:
        if path and _USER_DATA in path[-2:]:
            return self.user_data(value) if value else value
        if not sensitive or path in read or cast(Any, shape).enum:
            return self.text(value)
        if _STARS.fullmatch(value) or _IDENTIFIER.fullmatch(value):
            return value
        return self.whole(value)

    def _form(self, kind: str, secret: str) -> str:
        """A mask of one credential in place: only the secret part where the kind has a name before it."""
        token = self._hash(secret)
        if kind == ASSIGNED or kind == "password in a URL":
            return f"masked-{token}"
        if kind == "AWS secret access key":
            return _filled(token, 40)
        if kind == "private key":
            return f"masked-{token}" if secret else ""
        return _TOKENS[kind](token)

    def _hash(self, text: str) -> str:
        return hmac.new(self._salt, text.encode(errors="replace"), hashlib.sha256).hexdigest()[:16]


def _filled(token: str, length: int) -> str:
    return (token * (length // len(token) + 1))[:length]


def _base32(token: str) -> str:
    return base64.b32encode(token.encode()).decode()[:16]


_TOKENS: Final[Mapping[str, Callable[[str], str]]] = {
    "AWS access key id": lambda t: f"AKIA{_base32(t)}",
    "AWS secret access key": lambda t: f"aws_secret_access_key={_filled(t, 40)}",
    "private key": lambda t: f"-----BEGIN PRIVATE KEY-----masked-{t}-----END PRIVATE KEY-----",
    "GitHub token": lambda t: f"ghp_{_filled(t, 36)}",
    "GitLab token": lambda t: f"glpat-{_filled(t, 20)}",
    "Slack token": lambda t: f"xoxb-{t}",
    "Stripe key": lambda t: f"sk_live_{_filled(t, 20)}",
    "Google API key": lambda t: f"AIza{_filled(t, 35)}",
    "signed token": lambda t: f"eyJ{t}.eyJ{t}.{t}",
    "password in a URL": lambda t: f"masked://masked:{t}@masked",
    ASSIGNED: lambda t: f"password=masked-{t}",
}

_Read = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of an operation's answers before any is seen."""

    shape: Shape | None
    always: bool
    """Its model marks strings as sensitive, or it gives user data, which hides its words in base64."""
    read: _Read
    """Members that a table keeps as they are, in a column of their own."""


@cache
def plan(service: str, operation: str) -> Plan:
    """How the answers of an operation are masked."""
    from partywall.aws.codec import codec

    shape: Any = codec(service).operation(operation).model.output_shape
    if shape is None:
        return Plan(None, False, frozenset())
    return Plan(shape, _marked(shape, frozenset()), _kept().get(f"{service}:{operation}", frozenset()))


def _is_marked(shape: Any) -> bool:
    return bool(shape.metadata.get("sensitive"))


def _marked(shape: Any, seen: frozenset[str]) -> bool:
    if _is_marked(shape):
        return True
    if shape.name in seen:
        return False
    seen |= {shape.name}
    if shape.type_name == "structure":
        return any(k == _USER_DATA or _marked(v, seen) for k, v in shape.members.items())
    if shape.type_name == "list":
        return _marked(shape.member, seen)
    return shape.type_name == "map" and _marked(shape.value, seen)


@cache
def _kept() -> Mapping[str, _Read]:
    """Operation -> the members that columns, names and tags of tables take over unchanged."""
    from partywall.tables.mapping import path_call
    from partywall.tables.paths import segments
    from partywall.tables.registry import all_tables
    from partywall.tables.spec import Call

    found: dict[str, set[tuple[str, ...]]] = {}
    for table in all_tables().values():
        paths: list[tuple[str, Type | None]] = [(c.path, c.type) for c in table.columns if c.fn is None]
        paths += [(p, None) for p in (table.arn, table.title, table.tags) if p and "{" not in p]
        for path, type_ in paths:
            name = path_call(table, path)
            parts = segments(path)
            if name:
                call, parts = table.calls[name], parts[1:]
            elif isinstance(table.rows, Call) and not path.startswith("@"):
                call = table.rows
            else:
                continue
            plain = tuple(p.removesuffix("[]") for p in [*segments(call.at), *parts])
            members = found.setdefault(call.operation, set())
            members |= {tuple(p for p in (*plain, *rest) if p) for rest in _leaves(type_)}
    return {operation: frozenset(members) for operation, members in found.items()}


def _leaves(type_: Type | None) -> list[tuple[str, ...]]:
    """The member paths that a column's type reads below the column's own."""
    from partywall.tables.paths import segments
    from partywall.tables.types import ListType, StructType

    while isinstance(type_, ListType):
        type_ = type_.element
    if not isinstance(type_, StructType):
        return [()]
    return [
        (*(p.removesuffix("[]") for p in segments(field.path)), *rest)
        for field in type_.fields
        if field.fn is None
        for rest in _leaves(field.type)
    ]
