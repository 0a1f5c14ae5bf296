"""YAML with places, as the values that `positions` gives of JSON: templates of CloudFormation and SAM.

AWS CloudFormation User Guide: CloudFormation template format; Intrinsic function reference (short forms).
"""

from __future__ import annotations

import re
from typing import Any, Final

from partywall.analysis.iam.lint.positions import MAX_DEPTH, JsonError, Node, Source

_MOST_NODES: Final = 60_000
_BREAKS: Final = re.compile(r"\r\n|\n|\r")
_PLAIN: Final = ("Ref", "Condition")


class YamlSource(Source):
    """A text of YAML; a policy in a block of text maps to its lines, one in quotes to where they open."""

    def inner(self, node: Node) -> Source:
        """The text of a string value as a source of its own."""
        text = node.text
        if self.text[node.start : node.start + 1] not in ("|", ">"):
            return Source(text, self, [node.start] * (len(text) + 1))
        number = self.place(node.start)[0]
        starts = [0, *(m.end() for m in _BREAKS.finditer(self.text))]
        offsets: list[int] = []
        for line in text.split("\n"):
            begin = starts[min(number, len(starts) - 1)]
            end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
            column = max(0, self.text[begin:end].find(line)) if line else 0
            offsets += [begin + column + n for n in range(len(line) + 1)]
            number += 1
        return Source(text, self, offsets)


def parse(text: str) -> Node:
    """Reads YAML text. Raises JsonError where it is none, or is nested or repeated beyond bounds."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    starts = [0, *(m.end() for m in _BREAKS.finditer(text))]
    try:
        root: Any = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _offset(starts, mark, len(text)) if mark else 0
        raise JsonError(str(error.problem or error.context or "not YAML"), at) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise JsonError(f"not YAML: {str(error).splitlines()[0] if str(error) else error!r}", 0) from error
    if root is None:
        raise JsonError("the text is empty", 0)
    return _Reader(starts, len(text)).node(root, 0)


def _offset(starts: list[int], mark: Any, length: int) -> int:
    return min(starts[min(mark.line, len(starts) - 1)] + mark.column, length)


class _Reader:
    def __init__(self, starts: list[int], length: int) -> None:
        self.starts = starts
        self.length = length
        self.count = 0

    def node(self, raw: Any, depth: int) -> Node:
        """A composed node as ours; a short form as the object that it stands for."""
        start = _offset(self.starts, raw.start_mark, self.length)
        end = _offset(self.starts, raw.end_mark, self.length)
        self.count += 1
        if depth > MAX_DEPTH or self.count > _MOST_NODES:
            raise JsonError("nested or repeated beyond bounds", start)
        made = self._value(raw, start, end, depth)
        tag: str = raw.tag
        if not tag.startswith("!") or tag == "!":
            return made
        name = tag[1:] if tag[1:] in _PLAIN else f"Fn::{tag[1:]}"
        return Node("object", start, end, members=[(Node("string", start, start, name), made)])

    def _value(self, raw: Any, start: int, end: int, depth: int) -> Node:
        if raw.id == "mapping":
            members = [(self._key(key, depth), self.node(value, depth + 1)) for key, value in raw.value]
            return Node("object", start, end, members=members)
        if raw.id == "sequence":
            return Node("array", start, end, items=[self.node(item, depth + 1) for item in raw.value])
        text: str = raw.value
        kind = str(raw.tag).rpartition(":")[2]
        if kind == "bool":
            return Node("boolean", start, end, text.lower() in ("true", "yes", "on"))
        if kind == "null":
            return Node("null", start, end)
        # Dates and account ids are text to CloudFormation, whatever YAML makes of them.
        if kind in ("int", "float") and not re.fullmatch(r"\d{12}", text):
            try:
                return Node("number", start, end, float(text))
            except ValueError:
                pass
        return Node("string", start, end, text)

    def _key(self, raw: Any, depth: int) -> Node:
        made = self.node(raw, depth + 1)
        if made.kind == "string":
            return made
        return Node("string", made.start, made.end, str(raw.value) if raw.id == "scalar" else "")
