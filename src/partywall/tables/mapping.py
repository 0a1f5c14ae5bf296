"""A table compiled for collection: which calls its demanded columns need, and how answers become rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

from partywall.tables import schema
from partywall.tables.convert import MalformedValue, converter, default, string_map
from partywall.tables.paths import MISSING, compile_path, segments
from partywall.tables.spec import Batch, Call, Column, Const, Each, Lookup, Table
from partywall.tables.types import Str, StrMap

Row = dict[str, Any]
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_CONTEXT: Final = ("partition", "account_id", "region")


def path_call(table: Table, path: str) -> str:
    """The name of the per-row call that a column path reads, "" where it reads the listed element."""
    parts = segments(path)
    head = parts[0].removesuffix("[]") if parts else ""
    return head if head in table.calls else ""


def template_columns(template: str) -> list[str]:
    """The columns that an ARN or title template reads (context names left out)."""
    return [
        name
        for name in _PLACEHOLDER.findall(template)
        if name not in _CONTEXT and not name.startswith("parent.")
    ]


def param_columns(value: Any) -> list[str]:
    """The columns that a parameter of a call reads."""
    if isinstance(value, str):
        return [] if value.startswith("@") else [value]
    if isinstance(value, Each):
        return [] if value.column.startswith("@") else [value.column]
    if isinstance(value, Mapping):
        return [c for inner in cast("Mapping[str, Any]", value).values() for c in param_columns(inner)]
    if isinstance(value, list):
        return [c for inner in cast("list[Any]", value) for c in param_columns(inner)]
    return []


def call_columns(call: Call | Batch | Lookup) -> set[str]:
    """The columns of its own row that a call needs before it can be made."""
    needed = {c for value in call.params.values() for c in param_columns(value)}
    if isinstance(call, Batch | Lookup):
        needed.add(call.by)
    else:
        needed.update(call.after)
    if not isinstance(call, Batch) and call.region and not call.region.startswith("@"):
        needed.add(call.region)
    return needed


def bind(value: Any, row: Mapping[str, Any]) -> Any:
    """A parameter's value for a row; None where the column it reads is not known."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, str):
        return row.get(value)
    if isinstance(value, Each):
        inner = row.get(value.column)
        return None if inner is None else [inner]
    if isinstance(value, Mapping):
        return {k: bind(v, row) for k, v in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [bind(v, row) for v in cast("list[Any]", value)]
    return value


def parent_columns(table: Table) -> set[str]:
    """The columns of the parent's rows that this table's listing and columns read."""
    prefix = "@parent."
    texts = [table.arn, table.title, table.tags, *(c.path for c in table.columns)]
    texts += [prefix + column for column in table.parent_after]
    if isinstance(table.rows, Call):
        texts += [*list(_strings(table.rows.params)), table.rows.region]
    for call in table.calls.values():
        texts += list(_strings(call.params))
        if isinstance(call, Call):
            texts.append(call.region)
    found = {t.removeprefix(prefix) for t in texts if t.startswith(prefix)}
    for template in (table.arn, table.title):
        found |= {
            n.removeprefix("parent.") for n in _PLACEHOLDER.findall(template) if n.startswith("parent.")
        }
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Each):
        return [value.column]
    if isinstance(value, Mapping):
        return [s for inner in cast("Mapping[str, Any]", value).values() for s in _strings(inner)]
    if isinstance(value, list):
        return [s for inner in cast("list[Any]", value) for s in _strings(inner)]
    return []


class _Filler:
    """Sets one column of a row from the source (element or answer) that its path reads."""

    __slots__ = ("absent", "fn", "get", "listed", "name", "to")

    def __init__(self, column: Column, path: str) -> None:
        self.name = column.name
        self.get = compile_path(path)
        self.listed = compile_path(column.listed) if column.listed else None
        self.to = converter(column.type)
        self.absent = default(column.type, column.absent)
        self.fn = column.fn

    def fill(self, row: Row, source: Any, problems: list[str]) -> None:
        if source is MISSING and self.listed is not None:
            raw = self.listed(row.get("_element"))
        else:
            raw = self.get(source)
        try:
            if raw is not MISSING and self.fn is not None:
                raw = self.fn(raw)
                if raw is None:
                    raw = MISSING
            row[self.name] = self.absent if raw is MISSING else self.to(raw)
        except (MalformedValue, TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            row[self.name] = None
            problems.append(f"{self.name}: {error}")


class CompiledTable:
    """A table with the demanded columns only: `start` maps a listed element, `answered` a call's answer."""

    def __init__(self, table: Table, demanded: Collection[str] | None = None) -> None:
        self.table = table
        names = {c.name for c in table.columns} if demanded is None else set(demanded)
        self.demanded = self._close(names)
        self.schema = schema.arrow_schema(table)
        self._listed: list[_Filler] = []
        self._by_call: dict[str, list[_Filler]] = {}
        self._context: list[tuple[Column, str]] = []
        self._title_call = "" if "{" in table.title else path_call(table, table.title)
        # A call that is made anyway fills all of its columns: what is known is not stored as unknown.
        made = {path_call(table, c.path) for c in table.columns if c.name in self.demanded}
        made.add(self._title_call)
        for column in table.columns:
            call = path_call(table, column.path)
            if column.path.startswith("@"):
                self._context.append((column, column.path))
            elif not call:
                self._listed.append(_Filler(column, column.path))
            elif call in made:
                self._by_call.setdefault(call, []).append(_Filler(column, _below(column.path)))
        self.tags_call = path_call(table, table.tags)
        if self.tags_call:
            filler = _Filler(Column("tags", StrMap, table.tags), _below(table.tags))
            self._by_call.setdefault(self.tags_call, []).append(filler)
        self._tags = None if self.tags_call or not table.tags else compile_path(table.tags)
        if self._title_call:
            filler = _Filler(Column("name", Str, table.title, ""), _below(table.title))
            self._by_call.setdefault(self._title_call, []).append(filler)
        self._arn = self._text(table.arn)
        self._title = self._text(table.title) if table.title and not self._title_call else None
        self.calls = self._ordered_calls()
        self.shared: dict[str, Mapping[str, Any]] = {}
        """Lookup's name -> the parameters of the call that it shares with other tables of the plan."""

    def _close(self, names: set[str]) -> set[str]:
        """The demanded columns with all that the calls filling them need in turn."""
        wanted: set[str] = set()
        todo = [*names, *template_columns(self.table.arn), *template_columns(self.table.title)]
        while todo:
            name = todo.pop()
            if name in wanted:
                continue
            wanted.add(name)
            column = schema.column(self.table, name)
            call = path_call(self.table, column.path) if column else ""
            if name == "tags":
                call = path_call(self.table, self.table.tags)
            if call:
                todo.extend(call_columns(self.table.calls[call]))
        return wanted

    def _ordered_calls(self) -> list[list[str]]:
        """The demanded calls in stages; a stage needs only columns that earlier stages filled."""
        needed = set(self._by_call)
        # A call that fills tags alone is made only where tags are asked for.
        for name in list(needed):
            if name == self.tags_call and "tags" not in self.demanded and len(self._by_call[name]) == 1:
                needed.discard(name)
        filled_by = {c.name: path_call(self.table, c.path) for c in self.table.columns}
        if self.tags_call:
            filled_by["tags"] = self.tags_call
        stages: list[list[str]] = []
        done: set[str] = set()
        while needed - done:
            ready = sorted(
                name
                for name in needed - done
                if all(
                    filled_by.get(column, "") in ("", *done)
                    for column in call_columns(self.table.calls[name])
                )
            )
            if not ready:
                raise ValueError(
                    f"{self.table.name}: calls need each other's columns: {sorted(needed - done)}"
                )
            stages.append(ready)
            done.update(ready)
        return stages

    def _text(self, spec: str) -> Callable[[Row, Any], str | None]:
        """A function from a row and its element to an ARN or a title."""
        if "{" not in spec:
            get = compile_path(spec)
            if spec.startswith("@"):
                return lambda row, _: _optional_text(row.get(spec))
            return lambda _, element: _optional_text(get(element))
        parts = _PLACEHOLDER.split(spec)
        keys = [_template_key(p) if i % 2 else p for i, p in enumerate(parts)]

        def render(row: Row, _: Any) -> str | None:
            values = [row.get(k) if i % 2 else k for i, k in enumerate(keys)]
            return None if None in values else "".join(str(v) for v in values)

        return render

    def start(self, context: Mapping[str, Any], element: Any) -> Row:
        """A new row from a listed element; `context` has "@account_id", "@region", "@partition", "@parent.*".

        Columns that calls fill are NULL until `answered` is called for them.
        """
        row: Row = {**context, "_failed": []}
        problems: list[str] = []
        row["account_id"] = context["@account_id"]
        row["region"] = "global" if self.table.scope == "global" else context["@region"]
        row["tags"] = None if self.tags_call else {}
        for column, path in self._context:
            row[column.name] = context.get(path)
        for filler in self._listed:
            filler.fill(row, element, problems)
        if self._tags is not None:
            found = self._tags(element)
            row["tags"] = {} if found is MISSING else string_map(found)
        self._finish(row, element)
        row["_element"] = element
        self._note(row, "rows", problems)
        return row

    def _finish(self, row: Row, element: Any) -> None:
        if self._title is not None:
            row["name"] = self._title(row, element)
        row["arn"] = self._arn(row, element)
        if not self.table.title and not row.get("name"):
            row["name"] = re.split(r"[/:]", row["arn"] or "")[-1]

    def answered(self, row: Row, call: str, data: Any) -> None:
        """Fills the columns that read `call`; MISSING or {} as data means known to be absent."""
        problems: list[str] = []
        for filler in self._by_call[call]:
            filler.fill(row, data, problems)
        self._note(row, call, problems)

    def failed(self, row: Row, call: str, failure: Mapping[str, str]) -> None:
        """Leaves the columns of `call` NULL and records why: operation, region, outcome, code, denied_by."""
        for filler in self._by_call[call]:
            row[filler.name] = None
        row["_failed"].append({"call": call, **failure})

    def _note(self, row: Row, call: str, problems: list[str]) -> None:
        if not problems:
            return
        spec = self.table.calls.get(call, self.table.rows)
        row["_failed"].append(
            {
                "call": call,
                "operation": getattr(spec, "operation", ""),
                "region": str(row["region"]),
                "outcome": "error",
                "code": "MalformedValue",
                "denied_by": "",
                "message": "; ".join(problems)[:300],
            }
        )

    def finish(self, row: Row) -> Row:
        """The row as it is stored: the ARN and title once more (calls may have filled what they read)."""
        element = row.pop("_element", None)
        if row.get("arn") is None or row.get("name") is None:
            self._finish(row, element)
        return row


def _below(path: str) -> str:
    """A path without its first segment; a flattened head stays as a flattening of the answer itself."""
    head, _, rest = path.partition(".")
    return f"[].{rest}" if head.endswith("[]") and rest else "[]" if head.endswith("[]") else rest


def _template_key(name: str) -> str:
    return f"@{name}" if name in _CONTEXT or name.startswith("parent.") else name


def _optional_text(value: Any) -> str | None:
    return None if value is None or value is MISSING else str(value)
