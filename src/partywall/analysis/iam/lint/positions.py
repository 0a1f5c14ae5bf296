"""JSON with places: each value of a text and where it stands, duplicate keys kept apart.

RFC 8259. Offsets count characters from 0; lines and columns count from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

MAX_DEPTH: Final = 64
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CHUNK: Final = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final = {"true": True, "false": False, "null": None}

Kind = Literal["object", "array", "string", "number", "boolean", "null", "unknown"]


class JsonError(ValueError):
    """The text is not JSON: `offset` is where."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset


@dataclass(slots=True)
class Node:
    """A value and its place. `members` of an object in their order, repeated keys included.

    Kind "unknown" stands for text that only a deployment knows (intrinsic functions of templates).
    """

    kind: Kind
    start: int
    end: int
    value: str | float | bool | None = None
    members: list[tuple[Node, Node]] = field(default_factory=list["tuple[Node, Node]"])
    items: list[Node] = field(default_factory=list["Node"])
    template: str = ""
    """Of kind "unknown": its text with a policy variable for each part that only a deployment knows."""

    @property
    def text(self) -> str:
        """The string's value, "" of any other kind."""
        return self.value if isinstance(self.value, str) else ""

    def get(self, key: str) -> Node | None:
        """The last member of that name, as JSON readers take it."""
        found = None
        for name, value in self.members:
            if name.value == key:
                found = value
        return found

    def each(self) -> list[Node]:
        """An array's items, or the value alone."""
        return self.items if self.kind == "array" else [self]

    def walk(self) -> Iterator[Node]:
        """This value and all within it."""
        yield self
        for _, value in self.members:
            yield from value.walk()
        for item in self.items:
            yield from item.walk()

    def plain(self) -> object:
        """The value without places; unknown text becomes None."""
        if self.kind == "object":
            return {name.text: value.plain() for name, value in self.members}
        if self.kind == "array":
            return [item.plain() for item in self.items]
        return self.value


class Source:
    """A text in which places are told; `inner` texts (a policy inside a string) map to their outer ones."""

    def __init__(self, text: str, outer: Source | None = None, offsets: list[int] | None = None) -> None:
        self.text = text
        self._outer = outer
        self._offsets = offsets or []

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer(r"\r\n|\n|\r", self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset in the outermost text."""
        if self._outer is not None:
            at = self._offsets[min(offset, len(self._offsets) - 1)]
            return self._outer.place(at)
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def inner(self, node: Node) -> Source:
        """The text of a string value as a source of its own."""
        _, offsets = _string(self.text, node.start)
        return Source(node.text, self, offsets)


def parse(text: str) -> Node:
    """Reads JSON text. Raises JsonError, also where it nests deeper than `MAX_DEPTH`."""
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    node, at = _value(text, at, 0)
    at = _skip(text, at)
    if at != len(text):
        raise JsonError("text follows the end of the document", at)
    return node


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> tuple[Node, int]:
    if depth > MAX_DEPTH:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels", at)
    if at >= len(text):
        raise JsonError("the text ends where a value is wanted", at)
    char = text[at]
    if char == "{":
        return _object(text, at, depth)
    if char == "[":
        return _array(text, at, depth)
    if char == '"':
        value, offsets = _string(text, at)
        end = offsets[-1] + 1
        return Node("string", at, end, value), end
    found = _NUMBER.match(text, at)
    if found:
        whole = found.group()
        try:
            number = float(whole) if found.group(1) or found.group(2) else int(whole)
        except ValueError as error:
            raise JsonError("the number is too long", at) from error
        return Node("number", at, found.end(), number), found.end()
    for word, constant in _WORDS.items():
        if text.startswith(word, at):
            kind: Kind = "null" if constant is None else "boolean"
            return Node(kind, at, at + len(word), constant), at + len(word)
    raise JsonError(f"{char!r} begins no value", at)


def _object(text: str, start: int, depth: int) -> tuple[Node, int]:
    node = Node("object", start, start)
    at = _skip(text, start + 1)
    if text[at : at + 1] == "}":
        node.end = at + 1
        return node, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise JsonError("a key in double quotes is wanted", at)
        value, offsets = _string(text, at)
        end = offsets[-1] + 1
        key = Node("string", at, end, value)
        at = _skip(text, end)
        if text[at : at + 1] != ":":
            raise JsonError("a colon is wanted after the key", at)
        member, at = _value(text, _skip(text, at + 1), depth + 1)
        node.members.append((key, member))
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "}":
            node.end = at + 1
            return node, at + 1
        if mark != ",":
            raise JsonError("a comma or the end of the object is wanted", at)
        at = _skip(text, at + 1)


def _array(text: str, start: int, depth: int) -> tuple[Node, int]:
    node = Node("array", start, start)
    at = _skip(text, start + 1)
    if text[at : at + 1] == "]":
        node.end = at + 1
        return node, at + 1
    while True:
        item, at = _value(text, at, depth + 1)
        node.items.append(item)
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            node.end = at + 1
            return node, at + 1
        if mark != ",":
            raise JsonError("a comma or the end of the list is wanted", at)
        at = _skip(text, at + 1)


def _string(text: str, start: int) -> tuple[str, list[int]]:
    """A string's value and the offset of each of its characters, the closing quote's last."""
    parts: list[str] = []
    offsets: list[int] = []
    at = start + 1
    while True:
        found = _CHUNK.match(text, at)
        end = found.end() if found else at
        parts.append(text[at:end])
        offsets.extend(range(at, end))
        if end >= len(text):
            raise JsonError("a string is not closed", start)
        char = text[end]
        if char == '"':
            offsets.append(end)
            return "".join(parts), offsets
        if char != "\\":
            raise JsonError("a control character stands in a string", end)
        made, at = _escape(text, end)
        parts.append(made)
        offsets.extend([end] * len(made))


def _escape(text: str, at: int) -> tuple[str, int]:
    char = text[at + 1 : at + 2]
    if char in _ESCAPES and char:
        return _ESCAPES[char], at + 2
    code = re.compile(r"\\u([0-9a-fA-F]{4})").match(text, at)
    if code is None:
        raise JsonError("an escape that JSON does not know", at)
    number = int(code.group(1), 16)
    if 0xD800 <= number < 0xDC00:
        low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(text, code.end())
        if low:
            return chr(0x10000 + ((number - 0xD800) << 10) + int(low.group(1), 16) - 0xDC00), low.end()
    # A lone surrogate is no character; the replacement keeps printing safe.
    return ("\ufffd" if 0xD800 <= number < 0xE000 else chr(number)), code.end()
