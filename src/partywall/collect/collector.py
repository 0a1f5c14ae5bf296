"""Runs a plan: lists, describes, fills rows and hands them to the store, all side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, cast

from partywall.aws.answers import Outcome
from partywall.aws.caller import Caller, Result, Scope
from partywall.collect.bulk import Index, dependency, elements, failure, join
from partywall.collect.garbage import seldom_searched
from partywall.collect.planner import PREPARATIONS, Group, Preparation
from partywall.tables.mapping import CompiledTable, Row, bind
from partywall.tables.paths import MISSING, compile_path
from partywall.tables.spec import Batch, Call, Lookup, Single

_CHUNK: Final = 100
"""Rows whose per-row calls run side by side; bounds the tasks (and so the memory) of one listing."""
_CHUNKS_AHEAD: Final = 3
_PREPARATION_TRIES: Final = 12
# IAM API Reference, GetServiceLastAccessedDetails: member, what it says while the job goes on, and when done.
_JOBS: Final = {"iam:GetServiceLastAccessedDetails": ("JobStatus", "IN_PROGRESS", "COMPLETED")}
_BAD_PARAMETER: Final = "InvalidParameterException"


@dataclass(frozen=True, slots=True)
class Unit:
    """One list-call tree in one account and Region: what is stored and resumed as a whole."""

    scope: Scope
    group: Group
    region: str
    """The Region of the rows' partition: the scope's, or "global"."""

    @property
    def key(self) -> str:
        return f"{self.scope.account_id}/{self.region}/{self.group.name}"


@dataclass(slots=True)
class Collected:
    """How the listing of one table went in one account and Region (a row of the table `collection`)."""

    table: str
    outcome: str
    operation: str = ""
    call_region: str = ""
    error_code: str = ""
    error_message: str = ""
    denied_by: str = ""
    parent_arn: str = ""
    rows: int = 0


class UnitStore(Protocol):
    """Where one unit's rows go; nothing is visible before `commit`."""

    def write(self, compiled: CompiledTable, rows: list[Row]) -> None: ...
    def commit(self, collected: list[Collected]) -> None: ...
    def abandon(self) -> None: ...


class Store(Protocol):
    """Where units go; `has` tells which an interrupted scan has stored already."""

    def has(self, unit: Unit) -> bool: ...
    def open(self, unit: Unit) -> UnitStore: ...


@dataclass(slots=True)
class _Run:
    """The state of one unit while it is collected."""

    unit: Unit
    store: UnitStore
    rows: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[Collected] = field(default_factory=list[Collected])
    lookups: dict[str, asyncio.Task[Index]] = field(default_factory=dict[str, "asyncio.Task[Index]"])
    answers: dict[str, asyncio.Task[Result]] = field(default_factory=dict[str, "asyncio.Task[Result]"])


class Collector:
    """Collects units through a caller into a store; `on_unit` hears of each that is done."""

    def __init__(
        self,
        caller: Caller,
        store: Store,
        *,
        units_at_once: int = 64,
        on_unit: Callable[[Unit, int], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._caller = caller
        self._store = store
        self._gate = asyncio.Semaphore(units_at_once)
        self._on_unit = on_unit
        self._sleep = sleep
        self._preparing: dict[tuple[str, str, str], asyncio.Task[Result]] = {}
        self._shared: dict[str, asyncio.Task[Index]] = {}

    async def run(self, units: Iterable[Unit]) -> None:
        """Collects every unit that the store lacks.

        Raises CredentialsExpired (what was stored by then stays); other failures become rows.
        """
        try:
            with seldom_searched():
                async with asyncio.TaskGroup() as tasks:
                    for unit in units:
                        if not self._store.has(unit):
                            tasks.create_task(self._unit(unit))
        finally:
            for task in self._shared.values():
                task.cancel()

    async def _unit(self, unit: Unit) -> None:
        async with self._gate:
            run = _Run(unit, self._store.open(unit))
            context = {
                "@account_id": unit.scope.account_id,
                "@partition": unit.scope.partition,
                "@region": unit.scope.region,
            }
            try:
                await self._group(run, unit.group, unit.scope, context, "")
            except BaseException:
                for task in (*run.lookups.values(), *run.answers.values()):
                    task.cancel()
                run.store.abandon()
                raise
            collected = list(run.failures)
            failed = {c.table for c in run.failures if not c.parent_arn}
            for compiled in unit.group.walk():
                name, count = compiled.table.name, run.rows.get(compiled.table.name, 0)
                if name not in failed:
                    outcome = Outcome.OK if count else Outcome.EMPTY
                    collected.append(Collected(name, outcome, rows=count))
                elif count:
                    next(c for c in collected if c.table == name).rows = count
            run.store.commit(collected)
            if self._on_unit is not None:
                self._on_unit(unit, sum(run.rows.values()))

    async def _group(
        self, run: _Run, group: Group, scope: Scope, context: Mapping[str, Any], parent_arn: str
    ) -> None:
        """Lists a group's rows page by page, some pages in work at once."""
        if isinstance(group.rows, Call) and group.rows.region:
            scope = replace(scope, region=str(bind(group.rows.region, context)))
        working: set[asyncio.Task[None]] = set()
        try:
            async for compiled, elements in self._pages(run, group, scope, context, parent_arn):
                while elements:
                    chunk = elements[:_CHUNK]
                    # Let go of bit by bit, since an element takes many times the memory of its text.
                    del elements[:_CHUNK]
                    work = self._rows(run, group, compiled, scope, context, chunk)
                    if not compiled.calls and not group.children.get(compiled.table.name):
                        await work
                        continue
                    working.add(asyncio.create_task(work))
                    while len(working) >= _CHUNKS_AHEAD:
                        done, working = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
                        for task in done:
                            task.result()
            for task in working:
                await task
        finally:
            for task in working:
                task.cancel()

    async def _pages(
        self, run: _Run, group: Group, scope: Scope, context: Mapping[str, Any], parent_arn: str
    ) -> AsyncIterator[tuple[CompiledTable, list[Any]]]:
        """The elements of each page for each table of the group that has some on it."""
        rows = group.rows
        if isinstance(rows, Single):
            yield group.tables[0], [{}]
            return
        prepared = await self._prepared(scope, rows.operation, group.name)
        if prepared is not None and not prepared.ok:
            self._list_failed(run, group, prepared, parent_arn)
            return
        params = {name: bind(value, context) for name, value in rows.params.items()}
        tables = [(t, elements(t.table.rows.at)) for t in group.tables if isinstance(t.table.rows, Call)]
        async for result in self._caller.pages(
            scope, rows.service, rows.action, params, table=group.name, absent=rows.absent
        ):
            if not result.ok:
                self._list_failed(run, group, result, parent_arn)
                return
            # Lists of their own, so that nothing but their readers keeps the elements of a page alive.
            data, result.data = result.data, None
            listed = [(compiled, elements(data)) for compiled, elements in tables]
            listed = [(compiled, None if found is None else list(found)) for compiled, found in listed]
            del data
            listed.reverse()
            while listed:
                compiled, found = listed.pop()
                if found is None:
                    malformed = replace(result, outcome=Outcome.ERROR, error_code="MalformedAnswer")
                    self._list_failed(run, group, malformed, parent_arn)
                    return
                if found:
                    yield compiled, found

    async def _prepared(self, scope: Scope, operation: str, table: str) -> Result | None:
        """Does once per account and Region what an operation needs first; None where it needs nothing."""
        preparation = PREPARATIONS.get(operation)
        if preparation is None:
            return None
        memo = (scope.account_id, scope.region, preparation.operation)
        if memo not in self._preparing:
            self._preparing[memo] = asyncio.create_task(self._prepare(scope, preparation, table))
        return await self._preparing[memo]

    async def _prepare(self, scope: Scope, preparation: Preparation, table: str) -> Result:
        service, _, action = preparation.operation.partition(":")
        result = await self._caller.call(scope, service, action, {}, table=table)
        for _ in range(_PREPARATION_TRIES):
            if not result.ok or (result.data or {}).get(preparation.member) == preparation.ready:
                return result
            await self._sleep(1.0)
            result = await self._caller.call(scope, service, action, {}, table=table)
        return replace(result, outcome=Outcome.ERROR, error_code="NotReady")

    def _list_failed(self, run: _Run, group: Group, result: Result, parent_arn: str) -> None:
        """A listing that failed leaves unknown what it and all listings below it would have shown."""
        for compiled in group.walk():
            run.failures.append(
                Collected(
                    compiled.table.name,
                    result.outcome,
                    result.operation,
                    result.region,
                    result.error_code,
                    result.error_message,
                    result.denied_by,
                    parent_arn,
                )
            )

    async def _rows(
        self,
        run: _Run,
        group: Group,
        compiled: CompiledTable,
        scope: Scope,
        context: Mapping[str, Any],
        elements: list[Any],
    ) -> None:
        keep = compiled.table.keep
        rows = [compiled.start(context, e) for e in elements if keep is None or keep(e)]
        for stage in compiled.calls:
            await asyncio.gather(*(self._fill(run, compiled, name, scope, rows) for name in stage))
        children = group.children.get(compiled.table.name, ())
        for child in children:
            when = child.tables[0].table.parent_when
            parents = [row for row in rows if when is None or when(row)]
            await asyncio.gather(*(self._children(run, child, scope, context, row) for row in parents))
        run.store.write(compiled, [compiled.finish(row) for row in rows])
        run.rows[compiled.table.name] = run.rows.get(compiled.table.name, 0) + len(rows)

    async def _children(
        self, run: _Run, group: Group, scope: Scope, context: Mapping[str, Any], parent: Row
    ) -> None:
        inner = {**context, **{f"@parent.{k}": v for k, v in parent.items() if not k.startswith(("@", "_"))}}
        await self._group(run, group, scope, inner, str(parent.get("arn") or parent.get("name") or ""))

    async def _fill(
        self, run: _Run, compiled: CompiledTable, name: str, scope: Scope, rows: list[Row]
    ) -> None:
        call = compiled.table.calls[name]
        if isinstance(call, Batch):
            chunks = _chunks([r for r in rows if r.get(call.by) is not None], call.size)
            unkeyed = [r for r in rows if r.get(call.by) is None]
            for row in unkeyed:
                compiled.failed(row, name, dependency(call.operation, row))
            await asyncio.gather(*(self._batch(compiled, name, call, scope, chunk) for chunk in chunks))
        elif isinstance(call, Lookup):
            await self._lookup(run, compiled, name, call, scope, rows)
        else:
            await asyncio.gather(*(self._row_call(run, compiled, name, call, scope, row) for row in rows))

    async def _row_call(
        self, run: _Run, compiled: CompiledTable, name: str, call: Call, scope: Scope, row: Row
    ) -> None:
        try:
            wanted = call.when is None or call.when(row)
        except (TypeError, AttributeError, KeyError):
            compiled.failed(row, name, dependency(call.operation, row))
            return
        if not wanted:
            compiled.answered(row, name, MISSING)
            return
        params = {key: bind(value, row) for key, value in call.params.items()}
        region = row.get(call.region) if call.region else scope.region
        if None in params.values() or region is None:
            compiled.failed(row, name, dependency(call.operation, row))
            return
        there = replace(scope, region=str(region))
        if call.once:
            memo = f"{call.operation} {region} {params!r}"
            if memo not in run.answers:
                merged = self._merged(there, call, params, compiled.table.name)
                run.answers[memo] = asyncio.create_task(merged)
            result = await run.answers[memo]
        else:
            result = await self._merged(there, call, params, compiled.table.name)
        if result.ok:
            data = result.data if result.data else MISSING
            compiled.answered(row, name, compile_path(call.at)(data) if data is not MISSING else MISSING)
        else:
            compiled.failed(row, name, failure(result))

    async def _merged(
        self, scope: Scope, call: Call | Batch | Lookup, params: Mapping[str, Any], table: str
    ) -> Result:
        """All pages of a call as one answer: lists at the top level joined; a failed page fails the whole."""
        merged = await self._prepared(scope, call.operation, table)
        if merged is not None and not merged.ok:
            return merged
        member, going, done = _JOBS.get(call.operation, ("", "", ""))
        for _ in range(_PREPARATION_TRIES):
            merged = await self._joined(scope, call, params, table)
            state = (merged.data or {}).get(member)
            if not merged.ok or state != going:
                break
            await self._sleep(1.0)
        assert merged is not None
        if member and merged.ok and (merged.data or {}).get(member) != done:
            return replace(merged, outcome=Outcome.ERROR, error_code="NotReady")
        return merged

    async def _joined(
        self, scope: Scope, call: Call | Batch | Lookup, params: Mapping[str, Any], table: str
    ) -> Result:
        merged: Result | None = None
        async for page in self._caller.pages(
            scope, call.service, call.action, params, table=table, absent=call.absent
        ):
            if merged is None or not page.ok:
                merged = page
            else:
                join(cast("dict[str, Any]", merged.data), page.data or {})
            if not page.ok:
                break
        assert merged is not None
        return merged

    async def _batch(
        self, compiled: CompiledTable, name: str, call: Batch, scope: Scope, rows: list[Row]
    ) -> None:
        fixed = {key: bind(value, rows[0]) for key, value in call.params.items()}
        params = {**fixed, call.param: [row[call.by] for row in rows]}
        result = await self._merged(scope, call, params, compiled.table.name)
        if not result.ok:
            for row in rows:
                compiled.failed(row, name, failure(result))
            return
        key = compile_path(call.key)
        by_key = {key(e): e for e in elements(call.at)(result.data) or []}
        for row in rows:
            element = by_key.get(row[call.by], MISSING)
            if element is MISSING and not call.missing_is_absent:
                left_out = replace(result, outcome=Outcome.ERROR, error_code="LeftOutOfAnswer")
                compiled.failed(row, name, failure(left_out))
            else:
                compiled.answered(row, name, element)

    async def _lookup(
        self, run: _Run, compiled: CompiledTable, name: str, call: Lookup, scope: Scope, rows: list[Row]
    ) -> None:
        by_region: dict[str, list[Row]] = {}
        for row in rows:
            region = row.get(call.region) if call.region else scope.region
            if region is None or row.get(call.by) is None:
                compiled.failed(row, name, dependency(call.operation, row))
            else:
                by_region.setdefault(str(region), []).append(row)
        await asyncio.gather(
            *(
                self._lookup_in(run, compiled, name, call, replace(scope, region=region), some)
                for region, some in by_region.items()
            )
        )

    async def _lookup_in(
        self, run: _Run, compiled: CompiledTable, name: str, call: Lookup, scope: Scope, rows: list[Row]
    ) -> None:
        index = await self._index(run, compiled, name, call, scope, rows[0])
        for row in rows:
            if index.failure is not None:
                compiled.failed(row, name, index.failure)
            else:
                compiled.answered(row, name, index.get(row[call.by]))

    async def _index(
        self, run: _Run, compiled: CompiledTable, name: str, call: Lookup, scope: Scope, row: Row
    ) -> Index:
        """What a lookup answers, asked once: for all tables of the scan where it is shared."""
        own = {key: bind(value, row) for key, value in call.params.items()}
        together = compiled.shared.get(name)
        if together is not None:
            params = {key: bind(value, row) for key, value in together.items()}
            index = await self._asked(self._shared, compiled, call, scope, params)
            # A type that a Region does not know fails the call for all: then each table asks for its own.
            if index.failure is None or index.failure["code"] != _BAD_PARAMETER or params == own:
                return index
        return await self._asked(run.lookups, compiled, call, scope, own)

    async def _asked(
        self,
        memory: dict[str, asyncio.Task[Index]],
        compiled: CompiledTable,
        call: Lookup,
        scope: Scope,
        params: dict[str, Any],
    ) -> Index:
        shape = f"{call.at} {call.key} {call.many} {call.absent}"
        memo = f"{scope.account_id} {scope.region} {call.operation} {params!r} {shape}"
        if memo not in memory:
            memory[memo] = asyncio.create_task(self._indexed(compiled, call, scope, params))
        return await memory[memo]

    async def _indexed(
        self, compiled: CompiledTable, call: Lookup, scope: Scope, params: dict[str, Any]
    ) -> Index:
        index = Index(call)
        prepared = await self._prepared(scope, call.operation, compiled.table.name)
        if prepared is not None and not prepared.ok:
            index.add(prepared)
            return index
        async for page in self._caller.pages(
            scope, call.service, call.action, params, table=compiled.table.name, absent=call.absent
        ):
            index.add(page)
        return index


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
