"""Answers into Python values: botocore's parsing rules compiled to one function per shape.

Equal to botocore's parsers for well-formed answers (the tests hold them to it), but strict where botocore is
silent: a body that is not the protocol's format, or whose structure is not the model's, is malformed and
never an empty answer. Times are always aware and in UTC.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.utils import parse_timestamp as _botocore_timestamp  # pyright: ignore[reportUnknownVariableType]
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

Convert = Callable[[Any], Any]


class Malformed(ValueError):
    """The body is not what the protocol and the model promise."""


def timestamp(value: Any) -> datetime:
    """An epoch number, an ISO 8601 or an RFC 822 string as an aware time in UTC."""
    if isinstance(value, (int, float)):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            pass
    elif isinstance(value, str) and value[4:5] == "-":
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if found.tzinfo is UTC:
                return found
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    try:
        other = _botocore_timestamp(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(f"not a time: {value!r}") from error
    return other.replace(tzinfo=UTC) if other.tzinfo is None else other.astimezone(UTC)


def load_json(body: bytes) -> Any:
    """JSON by orjson; what only the standard library reads (NaN, huge integers) by that."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"not JSON: {error}") from None


def load_xml(body: bytes) -> Any:
    """The root element. No entities, no DTD, no network; long texts are allowed, as policies are long."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"not XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise Malformed("XML with a document type")
    return root


_LOCAL_NAMES: dict[str, str] = {}


def local_name(tag: str) -> str:
    """An XML tag without its namespace."""
    name = _LOCAL_NAMES.get(tag)
    if name is None:
        name = _LOCAL_NAMES[tag] = tag.rpartition("}")[2]
    return name


def _serialization(shape: Shape) -> dict[str, Any]:
    return cast("dict[str, Any]", shape.serialization)


def _blob(value: Any) -> bytes:
    try:
        return base64.b64decode(value)
    except (ValueError, TypeError) as error:
        raise Malformed(f"not base64: {error}") from None


def _union_guard(shape: StructureShape, names: set[str], value: Mapping[str, Any]) -> dict[str, Any] | None:
    """What botocore answers for a tagged union whose member this model does not know, else None."""
    present = [key for key, inner in value.items() if key != "__type" and inner is not None]
    if len(present) != 1:
        raise Malformed(f"{shape.name} must have one and only one member set")
    return None if present[0] in names else {"SDK_UNKNOWN_MEMBER": {"name": present[0]}}


class _Compiler:
    """Compiles shapes to functions, once per shape; recursive shapes refer to themselves late."""

    def __init__(self) -> None:
        self._done: dict[Any, Convert | None] = {}
        self._open: set[Any] = set()

    def compile(self, shape: Shape) -> Convert | None:
        """The conversion of a shape; None means that the value is taken as it is."""
        key = self._key(shape)
        if key in self._done:
            return self._done[key]
        if key in self._open:
            return lambda value: cast(Convert, self._done[key])(value)
        self._open.add(key)
        try:
            made = self._make(shape)
        finally:
            self._open.discard(key)
        self._done[key] = made
        return made

    def _key(self, shape: Shape) -> Any:
        return shape.name

    def _make(self, shape: Shape) -> Convert | None:
        if isinstance(shape, StructureShape):
            return self.structure(shape)
        if isinstance(shape, ListShape):
            return self.list_of(shape)
        if isinstance(shape, MapShape):
            return self.map_of(shape)
        return self.scalar(str(shape.type_name))

    def structure(self, shape: StructureShape) -> Convert:
        raise NotImplementedError

    def list_of(self, shape: ListShape) -> Convert:
        raise NotImplementedError

    def map_of(self, shape: MapShape) -> Convert:
        raise NotImplementedError

    def scalar(self, kind: str) -> Convert | None:
        raise NotImplementedError


def members_of(shape: StructureShape) -> dict[str, Shape]:
    return cast("dict[str, Shape]", shape.members)


_IN_HEADERS = ("header", "headers", "statusCode")


class JsonCompiler(_Compiler):
    """Conversions of the protocols json and rest-json (and of decoded CBOR: `typed`)."""

    def __init__(self, *, rest: bool, typed: bool = False) -> None:
        super().__init__()
        self._rest = rest
        self._typed = typed

    def structure(self, shape: StructureShape) -> Convert:
        if shape.is_document_type:
            return lambda value: value
        table: dict[str, tuple[str, Convert | None]] = {}
        for name, member in members_of(shape).items():
            traits = _serialization(member)
            table[name if self._typed else traits.get("name", name)] = (name, self.compile(member))
        union = bool(shape.is_tagged_union)
        names = set(table)

        def convert(value: Any) -> Any:
            if value.__class__ is not dict:
                if value is None:
                    return None
                raise Malformed(f"{shape.name} is not an object")
            if union and (unknown := _union_guard(shape, names, value)) is not None:
                return unknown
            made: dict[str, Any] = {}
            for key, inner in value.items():
                if inner is not None and (known := table.get(key)) is not None:
                    name, to = known
                    made[name] = inner if to is None else to(inner)
            return made

        return convert

    def list_of(self, shape: ListShape) -> Convert:
        to = self.compile(cast(Shape, shape.member))

        def convert(value: Any) -> Any:
            if value.__class__ is not list:
                raise Malformed(f"{shape.name} is not a list")
            if to is None:
                return value
            return [None if item is None else to(item) for item in value]

        return convert

    def map_of(self, shape: MapShape) -> Convert:
        to = self.compile(cast(Shape, shape.value))

        def convert(value: Any) -> Any:
            if value.__class__ is not dict:
                raise Malformed(f"{shape.name} is not an object")
            if to is None:
                return value
            return {key: to(inner) for key, inner in value.items()}

        return convert

    def scalar(self, kind: str) -> Convert | None:
        if self._typed:
            return timestamp if kind == "timestamp" else None
        if kind == "timestamp":
            return timestamp
        if kind == "blob":
            return _blob
        if self._rest:
            if kind == "boolean":
                return _rest_boolean
            if kind in ("integer", "long"):
                return _rest_integer
            if kind in ("float", "double"):
                return _rest_float
        return None


def _rest_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() == "true"
    raise Malformed(f"not a boolean: {value!r}")


def _rest_integer(value: Any) -> int:
    if value.__class__ is int:
        return value
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Malformed(f"not an integer: {value!r}") from None


def _rest_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Malformed(f"not a number: {value!r}") from None


class XmlCompiler(_Compiler):
    """Conversions of the protocols query, ec2 and rest-xml; values are lxml elements, or lists of them."""

    def _key(self, shape: Shape) -> Any:
        traits = _serialization(shape)
        return (shape.name, bool(traits.get("flattened")))

    def structure(self, shape: StructureShape) -> Convert:
        table: dict[str, tuple[str, Convert]] = {}
        attributes: list[tuple[str, str]] = []
        twins: list[tuple[str, str, Convert]] = []
        for name, member in members_of(shape).items():
            traits = _serialization(member)
            if traits.get("location") in _IN_HEADERS or traits.get("eventheader"):
                continue
            if traits.get("xmlAttribute"):
                attributes.append((name, str(traits["name"])))
            element, to = _element_name(member, name), cast(Convert, self.compile(member))
            if element in table:
                twins.append((element, name, to))
            else:
                table[element] = (name, to)
        union = bool(shape.is_tagged_union)
        names = set(table)

        def whole(node: Any) -> Any:
            found: dict[str, Any] = {}
            for item in node:
                tag = item.tag
                key = _LOCAL_NAMES.get(tag) or local_name(tag)
                if key in found:
                    if found[key].__class__ is list:
                        found[key].append(item)
                    else:
                        found[key] = [found[key], item]
                else:
                    found[key] = item
            if union and (unknown := _union_guard(shape, names, found)) is not None:
                return unknown
            made: dict[str, Any] = {}
            for key, inner in found.items():
                known = table.get(key)
                if known is not None:
                    made[known[0]] = known[1](inner)
            for key, name, to in twins:
                if key in found:
                    made[name] = to(found[key])
            for name, qualified in attributes:
                if name not in made:
                    prefix = qualified.split(":")[0]
                    for key, value in node.attrib.items():
                        plain = f"{prefix}:{local_name(key)}" if key.startswith("{") else key
                        if plain == qualified:
                            made[name] = value
            return made

        def convert(node: Any) -> Any:
            return whole(node[0] if node.__class__ is list else node)

        repeated = any(_serialization(m).get("flattened") for m in members_of(shape).values())
        return convert if union or twins or attributes or repeated else _once_each(table, whole)

    def list_of(self, shape: ListShape) -> Convert:
        to = cast(Convert, self.compile(cast(Shape, shape.member)))
        flattened = bool(_serialization(shape).get("flattened"))

        def convert(node: Any) -> Any:
            if flattened and node.__class__ is not list:
                return [to(node)]
            return [to(item) for item in node]

        return convert

    def map_of(self, shape: MapShape) -> Convert:
        key_shape, value_shape = cast(Shape, shape.key), cast(Shape, shape.value)
        key_name = _serialization(key_shape).get("name") or "key"
        value_name = _serialization(value_shape).get("name") or "value"
        to_key = cast(Convert, self.compile(key_shape))
        to_value = cast(Convert, self.compile(value_shape))
        flattened = bool(_serialization(shape).get("flattened"))

        def convert(node: Any) -> Any:
            if flattened and node.__class__ is not list:
                node = [node]
            made: dict[Any, Any] = {}
            for entry in node:
                pair = {local_name(item.tag): item for item in entry}
                if key_name not in pair or value_name not in pair:
                    raise Malformed(f"{shape.name} has an entry without {key_name} and {value_name}")
                made[to_key(pair[key_name])] = to_value(pair[value_name])
            return made

        return convert

    def scalar(self, kind: str) -> Convert | None:
        return _XML_SCALARS.get(kind, _text)


def _once_each(table: Mapping[str, tuple[str, Convert]], whole: Convert) -> Convert:
    """The conversion of a structure whose elements come once each, in one pass; else it is `whole`'s."""
    by_tag: dict[Any, tuple[str, Convert | None] | None] = {}

    def resolve(tag: Any) -> tuple[str, Convert | None] | None:
        known = table.get(local_name(tag))
        # Text is by far the most frequent: None saves a call for each.
        by_tag[tag] = found = known and (known[0], None if known[1] is _text else known[1])
        return found

    def convert(node: Any) -> Any:
        if node.__class__ is list:
            node = node[0]
        made: dict[str, Any] = {}
        for item in node:
            tag = item.tag
            entry = by_tag[tag] if tag in by_tag else resolve(tag)
            if entry is None:
                continue
            name, to = entry
            if name in made:
                return whole(node)
            made[name] = (item.text or "") if to is None else to(item)
        return made

    return convert


def _text(node: Any) -> str:
    if node.__class__ is list:
        raise Malformed(f"{local_name(node[0].tag)} is given more than once")
    return node.text or ""


def _xml_number(make: Callable[[str], Any]) -> Convert:
    def convert(node: Any) -> Any:
        text = _text(node)
        try:
            return make(text)
        except ValueError:
            raise Malformed(f"{local_name(node.tag)} is not a number: {text!r}") from None

    return convert


_XML_SCALARS: dict[str, Convert] = {
    "boolean": lambda node: _text(node) == "true",
    "integer": _xml_number(int),
    "long": _xml_number(int),
    "float": _xml_number(float),
    "double": _xml_number(float),
    "timestamp": lambda node: timestamp(_text(node)),
    "blob": lambda node: _blob(_text(node)),
}


def _element_name(member: Shape, name: str) -> str:
    """The element of a member: a flattened list takes its item's name."""
    if isinstance(member, ListShape) and _serialization(member).get("flattened"):
        item = _serialization(cast(Shape, member.member)).get("name")
        if item is not None:
            return str(item)
    return str(_serialization(member).get("name") or name)
