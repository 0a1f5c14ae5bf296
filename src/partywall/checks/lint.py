"""What a check must hold besides its examples: refs and compared values exist, doubt never becomes a pass."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from partywall.checks.loader import CompiledCheck
from partywall.checks.model import Check
from partywall.checks.schema import readable

if TYPE_CHECKING:
    from partywall.sql.nodes import Node
    from partywall.tables.spec import Table


@cache
def known_refs() -> dict[str, frozenset[str]]:
    """The ids of each catalogue that `refs` may name."""
    data = orjson.loads((Path(__file__).parent / "refs.json").read_bytes())
    return {source: frozenset(ids) for source, ids in data.items()}


def lint_refs(check: Check) -> list[str]:
    """A sentence for each ref that its catalogue does not have, with the nearest ids."""
    faults: list[str] = []
    for source in check.refs:
        for ref in check.ref_ids(source):
            if ref not in known_refs()[source]:
                near = difflib.get_close_matches(ref, known_refs()[source], n=3)
                hint = f"; nearest: {', '.join(near)}" if near else ""
                faults.append(f"{check.id}: {source} has no {ref!r}{hint}")
    return faults


def prove_monotone(check: CompiledCheck) -> list[str]:
    """Sets each leaf that the check reads to NULL over generated rows: a verdict may only become unknown."""
    from partywall.sql.monotone import prove

    if check.check.nonmonotone:
        return []
    schema = readable(check.table)
    return [f"{check.check.id}: {fault}" for fault in prove(check.where, check.passes, schema)]


def lint_literals(check: CompiledCheck) -> list[str]:
    """A sentence for each text that a column is compared with and never holds, by botocore's models.

    AWS adds members, so that the engine lets such a text pass; in a catalogue it is nearly always a slip.
    """
    expressions = [e for e in (check.where, check.passes) if e is not None]
    expressions += check.message.expressions if check.message else []
    faults: dict[str, None] = {}
    for expression in expressions:
        faults |= dict.fromkeys(expression.warnings)
        params = {name: param.default for name, param in check.check.params.items()}
        faults |= dict.fromkeys(_foreign_texts(expression.node, check.table, params))
    return [f"{check.check.id}: {fault}" for fault in faults]


def _foreign_texts(root: Node, table: Table, params: Mapping[str, object]) -> Iterator[str]:
    from partywall.sql.nodes import Call, Col, Get, Lit, Over, Param, Var, walk
    from partywall.tables.types import EnumType

    sources: dict[str, tuple[str, ...] | None] = {}

    def path(node: Node) -> tuple[str, ...] | None:
        match node:
            case Col():
                return (node.name,)
            case Var():
                return sources.get(node.name)
            case Get():
                base = path(node.base)
                return None if base is None else (*base, node.name)
            case Over(kind="filter"):
                return path(node.items)
            case _:
                return None

    def texts(node: Node) -> list[str]:
        value = params.get(node.name) if isinstance(node, Param) else getattr(node, "value", None)
        items = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        return [item for item in items if isinstance(item, str)]  # pyright: ignore[reportUnknownVariableType]

    for node in walk(root):  # parents come first, so that variables are known within their lambdas
        if isinstance(node, Over):
            items = path(node.items)
            sources[node.var.name] = None if items is None else (*items, "[]")
        if not isinstance(node, Call) or len(node.args) < 2:
            continue
        first, *rest = node.args
        if node.op in ("=", "<>") and isinstance(first, Lit):
            first, rest = rest[0], [first]
        at = path(first)
        declared = isinstance(first.type, EnumType) and node.op in ("=", "<>", "in")
        if at is None or declared:  # a declared enum is complete, and typing has warned
            continue
        members = _members(table, (*at, "[]") if node.op == "contains" else at)
        for text in [t for other in rest for t in texts(other)] if members else ():
            match node.op:
                case "<>" if not text:  # "there is one"
                    known = True
                case "=" | "<>" | "in" | "contains":
                    known = text in members
                case "starts_with":
                    known = any(member.startswith(text) for member in members)
                case "ends_with":
                    known = any(member.endswith(text) for member in members)
                case "includes":
                    known = any(text in member for member in members)
                case _:
                    known = True
            if not known:
                yield f"{'.'.join(at)} is never {text!r}; AWS knows {', '.join(sorted(members))}"


def _members(table: Table, at: tuple[str, ...]) -> frozenset[str]:
    """The values that a leaf may have, followed through relations; empty where AWS names none."""
    from partywall.tables.lint import enum_members
    from partywall.tables.registry import all_tables

    relation = next((r for r in table.relations if r.name == at[0]), None)
    if relation is None:
        return enum_members(table).get(at, frozenset())
    return _members(all_tables()[relation.table], at[2:]) if len(at) > 2 else frozenset()
