"""`partywall query`: SQL over one scan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake


ON_DEMAND: Final = ("compliance", "programme_scope_violation")
"""Tables made when a query names them: they rest on attestations and on the configuration too."""
THREATS: Final = ("detection", "incident")
"""What was found in logs; there without a scan, too."""


def run(
    sql: str,
    data: Path,
    scan: str,
    form: str,
    output: Path | None,
    checks_dirs: tuple[Path, ...],
    config: Path | None,
) -> None:
    """Runs a query and prints or writes its rows. Raises UserError for what DuckDB refuses."""
    if sql == "-":
        sql = sys.stdin.read()
    if form == "parquet" and output is None:
        raise UserError("Parquet goes to a file: name it with --output FILE")
    rows = answer(sql, data, scan, checks_dirs, config)
    if output is None:
        _print(rows, form)
    else:
        _write(rows, form, output)


def answer(
    sql: str, data: Path, scan: str, checks_dirs: tuple[Path, ...] = (), config: Path | None = None
) -> pa.Table:
    """The rows of a query over a scan's tables, `findings`, `compliance`, `api_call` and `collection`."""
    import duckdb

    from partywall.analysis.policy import FACTS
    from partywall.lake.derived import derived_tables
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory
    from partywall.tables.registry import all_tables

    names = table_names(sql)
    if names and names <= set(THREATS):
        return _threats(sql, data, config)
    directory = DataDirectory(data).resolve(scan)
    from partywall.evidence.on_demand import ON_DEMAND as EVIDENCE

    made = {"findings", *ON_DEMAND, *EVIDENCE, *THREATS}
    known = {*all_tables(), *derived_tables(), "api_call", "collection"}
    with explained(directory):
        lake = Lake(directory, FACTS)
        lake.whole(names)
        lake.views(names & known)
    if "findings" in names:
        _findings(lake, directory, checks_dirs, config)
    if names & set(ON_DEMAND):
        from partywall.frameworks.on_demand import register

        register(lake, data, names & set(ON_DEMAND), checks_dirs, config)
    if names & set(EVIDENCE):
        from partywall.evidence.on_demand import register as register_evidence

        register_evidence(lake, data, names & set(EVIDENCE))
    if names & set(THREATS):
        from partywall.detections.run.tables import register as register_threats

        register_threats(lake.connection, data, config)
    try:
        return lake.arrow(sql)
    except duckdb.Error as error:
        missing = sorted(n for n in names if n not in known and n not in made)
        hint = ""
        if missing:
            hint = did_you_mean(missing[0], [*known, *made], " (partywall tables lists them)")
        raise UserError(f"the query does not run: {str(error).strip()}{hint}") from error


def _threats(sql: str, data: Path, config: Path | None) -> pa.Table:
    """The rows of a query over nothing but what was found in logs."""
    import duckdb

    from partywall.detections.run.tables import register
    from partywall.lake.engine import connect

    connection = connect()
    register(connection, data, config)
    try:
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise UserError(f"the query does not run: {str(error).strip()}") from error


def table_names(sql: str) -> set[str]:
    """The names of tables that a query reads (its own CTEs included). Raises UserError where it is no SQL."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except SqlglotError:
        # Our parser may know less than DuckDB, whose own message is better.
        import re

        return set(re.findall(r"[a-z_][a-z0-9_]*", sql.lower()))
    return {t.name.lower() for s in statements if s is not None for t in s.find_all(exp.Table)}


def _findings(lake: Lake, directory: Path, checks_dirs: tuple[Path, ...], config_file: Path | None) -> None:
    from partywall.cli.results import STATUSES
    from partywall.config import load
    from partywall.findings.assemble import Wanted
    from partywall.opened import open_report
    from partywall.scan import Selection, load_checks

    config = load(config_file, directory.parent.parent)
    checks = load_checks(Selection(), config, checks_dirs)
    report = open_report(directory, checks.chosen, config, Wanted(statuses=STATUSES))
    lake.connection.register("findings", report.findings)


def _print(rows: pa.Table, form: str) -> None:
    if form == "json":
        from partywall.cli.console import print_json

        print_json(_plain(rows))
    elif form == "csv":
        _csv(rows, sys.stdout)
    else:
        from partywall.cli.console import console, grid
        from partywall.outputs.text import visible

        table = grid(*rows.column_names)
        for row in zip(*(c.to_pylist() for c in rows.columns), strict=True):
            table.add_row(*(visible("NULL" if v is None else str(v)) for v in row))
        console().print(table)


def _plain(rows: pa.Table) -> list[dict[str, Any]]:
    return [{k: _value(v) for k, v in row.items()} for row in rows.to_pylist(maps_as_pydicts="lossy")]


def _value(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _csv(rows: pa.Table, stream: Any) -> None:
    from partywall.outputs.table import write_csv

    write_csv(rows.column_names, zip(*(c.to_pylist() for c in rows.columns), strict=True), stream)


def _write(rows: pa.Table, form: str, output: Path) -> None:
    try:
        if form == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(rows, output)
        elif form == "csv":
            with output.open("w", newline="", encoding="utf-8") as stream:
                _csv(rows, stream)
        else:
            import orjson

            output.write_bytes(orjson.dumps(_plain(rows), default=str, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror or error}") from error
