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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from partywall.evidence.rows import canonical
from partywall.tables.secret_patterns import ASSIGNED, is_secret, secret_kinds, secret_spans, user_data_kinds

if TYPE_CHECKING:
    from partywall.tables.types import Type

# Found in every text, in lower case, that holds a credential which the patterns know, or a setting name that
# tells of one. The branches share their beginnings, which halves the time.
_MARKS: Final = (
    r"a(?:kia|sia|iza|pi_?key|ccess_?key|uth_?data)|p(?:assw|wd|assphrase|rivate_?key)|g(?:h[opusr]_|ithub_pat_"
    r"|lpat-)|x(?:ox[abeoprs]-|-amz-s)|k_live_|eyj|secret|token|credential|-----begin"
    r"|://[^\s/:@'\"]{1,64}:[^\s/:@'\"]{3,}@"
)
_TEMPTING: Final = re.compile(_MARKS)
_TEMPTING_BYTES: Final = re.compile(_MARKS.encode())
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


def tempting_texts(texts: Sequence[str]) -> list[bool]:
    """Which texts may hold a credential: of many at once this is a tenth of the work of one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = cast(Any, pc).match_substring_regex(pa.array(texts, pa.string()), _MARKS, ignore_case=True)
    return found.to_pylist()


class Masker:
    """Masks the answers of one scan; `masked` counts the values that were replaced so far."""

    def __init__(self, salt: bytes = b"") -> None:
        self._salt = salt or os.urandom(32)
        self.masked = 0

    def body(self, service: str, operation: str, text: bytes, tempting: bool = True) -> bytes:
        """An answer, as canonical JSON, with its credentials masked; `tempting` as `tempting_texts` says."""
        known = plan(service, operation)
        full = tempting and known.tempts(text)
        if not full and not known.always:
            return text
        return canonical(self._walk(orjson.loads(text), known.node, known, full))

    def text(self, text: str) -> str:
        """A text with the credentials in it masked; the detector finds the same kinds in it as before."""
        if _KEY_ID.fullmatch(text):
            # AWS gives these ids out as names of keys: other calls and resources are known by them.
            return text
        low = text.lower()
        if not _TEMPTING.search(low):
            return text
        spans = secret_spans(text)
        if not spans and "-amz-s" not in low:
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

    def _walk(self, value: Any, node: _Node, known: Plan, full: bool) -> Any:
        """The value masked, in place. Not `full`: only what is marked, as nothing else in it is tempting."""
        if isinstance(value, str):
            return self._string(value, node)
        if isinstance(value, list) and node.kind == "list":
            items = cast("list[Any]", value)
            element = node.child("")
            # Of a long list few elements are tempting, and looking is cheaper than walking.
            looks = full and element.kind == "structure" and len(items) > 1
            for i, item in enumerate(items):
                deep = known.tempts(canonical(item)) if looks else full
                if deep or element.marked:
                    items[i] = self._walk(item, element, known, deep)
            return items
        if not isinstance(value, dict):
            return value
        entries = cast("dict[str, Any]", value)
        if node.kind == "map":
            inner = node.child("")
            for key, found in entries.items():
                if isinstance(found, str) and (inner.hidden or is_secret(key, found)):
                    entries[key] = self.setting(key, found)
                elif full or inner.marked:
                    entries[key] = self._walk(found, inner, known, full)
        elif node.kind == "structure":
            self._structure(entries, node, known, full)
        return entries

    def _structure(self, entries: dict[str, Any], node: _Node, known: Plan, full: bool) -> None:
        done = ""
        if node.pair is not None:
            name, held = node.pair
            key, found = entries.get(name), entries.get(held)
            if (
                isinstance(key, str)
                and isinstance(found, str)
                and (node.child(held).hidden or is_secret(key, found))
            ):
                entries[held] = self.setting(key, found)
                done = held
        for name in node.members if full else node.marks:
            found = entries.get(name)
            # Most members are numbers, times and flags.
            if found is not None and name != done and isinstance(found, (str, dict, list)):
                entries[name] = self._walk(found, node.child(name), known, full)

    def _string(self, value: str, node: _Node) -> str:
        if node.kind == "timestamp":
            return value
        if node.user_data:
            return self.user_data(value) if value else value
        if node.kind == "blob":
            return base64.b64encode(self.whole(value).encode()).decode() if node.hidden else value
        if not node.hidden or node.enum:
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


class _Node:
    """A place in an operation's answers, and what masking has to know of it; children come lazily."""

    __slots__ = (
        "_children",
        "_read",
        "_shape",
        "enum",
        "hidden",
        "kind",
        "marked",
        "marks",
        "members",
        "pair",
        "path",
        "sensitive",
        "user_data",
    )

    def __init__(self, shape: Any, path: tuple[str, ...], read: _Read, sensitive: bool) -> None:
        self.path = path
        self.kind: str = shape.type_name
        self.sensitive = sensitive or bool(shape.metadata.get("sensitive"))
        self.hidden = self.sensitive and path not in read
        self.user_data = _USER_DATA in path[-2:]
        self.enum = bool(getattr(shape, "enum", None))
        self.marked = self.sensitive or self.user_data or _marked(shape, frozenset())
        self.members: frozenset[str] = frozenset(shape.members if self.kind == "structure" else ())
        self.marks: tuple[str, ...] = tuple(
            n
            for n in sorted(self.members)
            if self.sensitive or n == _USER_DATA or self.user_data or _marked(shape.members[n], frozenset())
        )
        self.pair = next((p for p in _PAIRS if self.members.issuperset(p)), None)
        self._shape = shape
        self._read = read
        self._children: dict[str, _Node] = {}

    def child(self, name: str) -> _Node:
        """The place of a structure's member, or ("") of a list's elements or a map's values."""
        found = self._children.get(name)
        if found is None:
            shape = self._shape
            if self.kind == "structure":
                inner, path = shape.members[name], (*self.path, name)
            else:
                inner, path = (shape.member if self.kind == "list" else shape.value), self.path
            found = self._children[name] = _Node(inner, path, self._read, self.sensitive)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of an operation's answers before any is seen."""

    node: _Node
    names: tuple[bytes, ...]
    """Members whose own names are tempting, such as NextToken, as they stand in JSON."""

    @property
    def always(self) -> bool:
        """Its model marks strings as sensitive, or it gives user data, which hides its words in base64."""
        return self.node.marked

    def tempts(self, text: bytes) -> bool:
        """Whether an answer, or a part of one, as JSON may hold a credential that no model marks."""
        low = text.lower()
        for name in self.names:
            low = low.replace(name, b"")
        return _TEMPTING_BYTES.search(low) is not None


@cache
def plan(service: str, operation: str) -> Plan:
    """How the answers of an operation are masked."""
    from botocore.model import Shape

    from partywall.aws.codec import codec

    shape: Any = codec(service).operation(operation).model.output_shape
    if shape is None:
        return Plan(_Node(Shape("Nothing", {"type": "string"}), (), frozenset(), False), ())
    read = _kept().get(f"{service}:{operation}", frozenset())
    names = {n.lower().encode() for n in _member_names(shape, set())}
    tempting = sorted(b'"' + n + b'":' for n in names if _TEMPTING_BYTES.search(n))
    return Plan(_Node(shape, (), read, False), tuple(tempting))


def _member_names(shape: Any, seen: set[str]) -> set[str]:
    """The names of all structures' members in a shape."""
    if shape.name in seen:
        return set()
    seen.add(shape.name)
    if shape.type_name == "structure":
        return {*shape.members}.union(*(_member_names(m, seen) for m in shape.members.values()))
    if shape.type_name == "list":
        return _member_names(shape.member, seen)
    return _member_names(shape.value, seen) if shape.type_name == "map" else set()


def _marked(shape: Any, seen: frozenset[str]) -> bool:
    """Whether anything in a shape is marked sensitive, or is user data."""
    if shape.metadata.get("sensitive"):
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
