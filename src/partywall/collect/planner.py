"""From demanded columns to the API calls that fill them: nothing else is asked of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from partywall.tables.mapping import CompiledTable, parent_columns
from partywall.tables.spec import Analysis, Call, Lookup, Single, Table


@dataclass(frozen=True, slots=True)
class Preparation:
    """An operation that must report a state before another can be read."""

    operation: str
    member: str
    ready: str


PREPARATIONS: Final[Mapping[str, Preparation]] = {
    "iam:GetCredentialReport": Preparation("iam:GenerateCredentialReport", "State", "COMPLETE"),
}


@dataclass(slots=True)
class Group:
    """Tables fed by one list call, and the groups listed once per row of one of them."""

    rows: Call | Single
    tables: list[CompiledTable]
    children: dict[str, list[Group]] = field(default_factory=dict[str, "list[Group]"])
    """Parent table's name -> the groups listed over its rows."""

    @property
    def name(self) -> str:
        """Stable within a plan: the first table's name."""
        return self.tables[0].table.name

    @property
    def scope(self) -> str:
        return self.tables[0].table.scope

    def walk(self) -> Iterator[CompiledTable]:
        """This group's tables and all below it."""
        yield from self.tables
        for groups in self.children.values():
            for group in groups:
                yield from group.walk()

    def services(self) -> set[str]:
        """The botocore services whose list calls this tree makes."""
        return {t.table.rows.service for t in self.walk() if isinstance(t.table.rows, Call)}


@dataclass(slots=True)
class Plan:
    """What a scan collects."""

    groups: list[Group]
    tables: dict[str, CompiledTable]

    def operations(self) -> dict[str, set[str]]:
        """Each operation that the scan can make ("service:Operation") with the tables that want it."""
        found: dict[str, set[str]] = {}
        for compiled in self.tables.values():
            table = compiled.table
            made = [table.calls[name].operation for stage in compiled.calls for name in stage]
            if isinstance(table.rows, Call):
                made.append(table.rows.operation)
            for operation in made:
                found.setdefault(operation, set()).add(table.name)
                if operation in PREPARATIONS:
                    found.setdefault(PREPARATIONS[operation].operation, set()).add(table.name)
        return dict(sorted(found.items()))


Demand = dict[str, set[str]]


def close(demand: Mapping[str, Iterable[str]], tables: Mapping[str, Table]) -> Demand:
    """The demand with parents added: a child's listing needs its parent's rows and the columns it reads."""
    closed: Demand = {}
    todo = [(name, set(columns)) for name, columns in demand.items()]
    while todo:
        name, columns = todo.pop()
        table = tables[name]
        if isinstance(table.rows, Analysis):
            # Nothing of it is collected; whoever demands it demands its inputs.
            continue
        known = closed.get(name)
        if known is not None and columns <= known:
            continue
        closed.setdefault(name, set()).update(columns)
        if table.parent:
            todo.append((table.parent, parent_columns(table)))
    return closed


def plan(demand: Mapping[str, Iterable[str]], tables: Mapping[str, Table]) -> Plan:
    """Groups the demanded tables by their list calls; each call appears once."""
    closed = close(demand, tables)
    compiled = {name: CompiledTable(tables[name], closed[name]) for name in sorted(closed)}
    by_key: dict[Any, Group] = {}
    roots: list[Group] = []
    for name, each in compiled.items():
        table = each.table
        if isinstance(table.rows, Analysis):
            continue
        key = _key(table)
        group = by_key.get(key)
        if group is not None:
            group.tables.append(each)
            continue
        by_key[key] = Group(table.rows, [each])
        if not table.parent:
            roots.append(by_key[key])
        compiled[name] = each
    for name in compiled:
        table = tables[name]
        group = by_key[_key(table)]
        if table.parent and group.tables[0].table is table:
            parent = by_key[_key(tables[table.parent])]
            parent.children.setdefault(table.parent, []).append(group)
    _share(compiled.values())
    return Plan(roots, compiled)


def _share(tables: Iterable[CompiledTable]) -> None:
    """Finds the lookups that one call can serve: the same one of several tables, and tags of all kinds."""
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    sharers: dict[tuple[str, str], list[tuple[CompiledTable, str, Lookup]]] = {}
    for compiled in tables:
        for name in (name for stage in compiled.calls for name in stage):
            call = compiled.table.calls[name]
            if isinstance(call, Lookup):
                fixed = {k: v for k, v in call.params.items() if k != call.shared}
                key = (call.operation, repr(sorted(fixed.items())))
                sharers.setdefault(key, []).append((compiled, name, call))
                if call.shared:
                    values = wanted.setdefault(key, {})
                    values.update((repr(value), value) for value in call.params[call.shared])
    for key, found in sharers.items():
        values = wanted.get(key, {})
        for compiled, name, call in found:
            if call.shared:
                compiled.shared[name] = {**call.params, call.shared: [values[k] for k in sorted(values)]}
            elif len(found) > 1:
                compiled.shared[name] = call.params


def _key(table: Table) -> Any:
    if not isinstance(table.rows, Call):
        return ("single", table.name)
    return (
        table.parent,
        table.scope,
        table.rows.operation,
        repr(sorted(table.rows.params.items())),
        table.rows.region,
    )
