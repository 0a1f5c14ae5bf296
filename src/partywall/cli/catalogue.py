"""`partywall tables` and `partywall checks`: what is collected, what is judged, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from partywall.cli.console import console, grid, print_json

if TYPE_CHECKING:
    from partywall.checks.model import Check
    from partywall.lake.derived import DerivedTable
    from partywall.tables.spec import Table


def show_tables(name: str | None, service: str | None, form: str) -> None:
    """Lists the tables, or shows one."""
    from partywall.lake.derived import derived_tables
    from partywall.tables.registry import all_tables
    from partywall.tables.registry import table as find

    derived = derived_tables()
    if name is not None:
        described = describe_derived(derived[name]) if name in derived else describe_table(find(name))
        if form == "json":
            print_json(described)
        else:
            _print_table(described)
        return
    chosen = [t for t in all_tables().values() if service in (None, t.service)]
    if form == "json":
        listed = [] if service else [describe_derived(t) for t in derived.values()]
        print_json([*(describe_table(t) for t in chosen), *listed])
        return
    listing = grid("table", "service", "scope", "columns", "about", right=(3,))
    for table in chosen:
        listing.add_row(table.name, table.service, table.scope, str(len(table.columns) + 5), table.doc)
    if service is None:
        for made in derived.values():
            listing.add_row(made.name, "", "derived", str(len(made.columns)), made.doc)
    listing.add_row("findings", "", "", "", "Every verdict of the scan with its message and lifecycle.")
    listing.add_row("api_call", "", "", "", "Every API call of the scan and how it was answered.")
    listing.add_row("collection", "", "", "", "How the listing of each table went, per account and Region.")
    console().print(listing)


def describe_table(table: Table) -> dict[str, Any]:
    """A table as plain data: columns with types, docs and the call that fills each."""
    from partywall.checks.schema import readable
    from partywall.tables.mapping import path_call
    from partywall.tables.schema import COMMON, column
    from partywall.tables.spec import Analysis

    operations = {name: call.operation for name, call in table.calls.items()}
    made_of = sorted(table.rows.inputs) if isinstance(table.rows, Analysis) else []
    listing = "analysis" if made_of else getattr(table.rows, "operation", "")
    relations = {r.name: r for r in table.relations}
    columns: list[dict[str, str]] = []
    for name, type_ in readable(table).items():
        declared = column(table, name)
        if name in relations:
            relation = relations[name]
            doc, filled = relation.doc or f"Rows of {relation.table} that belong to this one.", relation.table
        elif declared is not None:
            filled = operations.get(path_call(table, declared.path), listing)
            doc = declared.doc
        elif name in COMMON:
            doc, filled = (
                "",
                operations.get(path_call(table, table.tags), listing) if name == "tags" else listing,
            )
        else:
            doc, filled = "What the policy grants and denies.", "analysis"
        columns.append({"name": name, "type": type_.sql, "filled_by": filled, "doc": doc})
    return {
        "name": table.name,
        "service": table.service,
        "scope": table.scope,
        "resource_type": table.resource_type,
        "doc": table.doc,
        "parent": table.parent,
        "listed_by": "" if made_of else listing,
        "made_of": made_of,
        "columns": columns,
    }


def describe_derived(table: DerivedTable) -> dict[str, Any]:
    """A derived table in the form of `describe_table`."""
    return {
        "name": table.name,
        "service": "",
        "scope": "derived",
        "resource_type": "",
        "doc": table.doc,
        "parent": "",
        "listed_by": "",
        "made_of": [],
        "columns": [
            {"name": c.name, "type": c.type, "filled_by": "analysis", "doc": c.doc} for c in table.columns
        ],
    }


def _print_table(described: dict[str, Any]) -> None:
    screen = console()
    screen.print(described["name"], style="bold")
    screen.print(described["doc"])
    if made_of := described["made_of"]:
        where = f"made by analysis of {', '.join(made_of)}"
    elif described["scope"] == "derived":
        where = "made by analysis"
    else:
        one = "one row for each account" + (" and Region" if described["scope"] == "regional" else "")
        where = f"listed by {described['listed_by'] or one}"
    screen.print(f"{described['scope']}; {where}\n", style="dim")
    listing = grid("column", "type", "filled by", "about")
    for column in described["columns"]:
        kind = column["type"]
        listing.add_row(
            column["name"], kind if len(kind) < 34 else kind[:32] + "…", column["filled_by"], column["doc"]
        )
    screen.print(listing)


def show_checks(
    ids: list[str],
    refs: tuple[str, ...],
    services: tuple[str, ...],
    severities: tuple[str, ...],
    checks_dirs: tuple[Path, ...],
    form: str,
) -> None:
    """Lists the checks that fit, or shows one whole where one exact id is named."""
    from partywall.checks.loader import catalogue, load_directory
    from partywall.checks.select import choose, service_of

    loaded = [*catalogue().values(), *(c for d in checks_dirs for c in load_directory(d))]
    chosen = [c.check for c in choose(loaded, ids=ids, refs=refs, services=services, severities=severities)]
    if form == "json":
        import msgspec

        print_json([msgspec.to_builtins(c) for c in chosen])
    elif len(ids) == 1 and len(chosen) == 1:
        _print_check(chosen[0])
    else:
        listing = grid("check", "severity", "service", "title")
        for check in chosen:
            listing.add_row(check.id, check.severity, service_of(check), check.title)
        console().print(listing)
        console(stderr=True).print(f"{len(chosen)} checks", style="dim")


def _print_check(check: Check) -> None:
    import yaml

    screen = console()
    screen.print(f"{check.id}", style="bold")
    screen.print(check.title)
    screen.print(f"{check.severity} · {check.domain} · over the table {check.table}\n", style="dim")
    screen.print(check.why.strip() + "\n")
    if check.where:
        screen.print("Applies where", style="bold")
        screen.print(f"  {check.where.strip()}\n")
    screen.print("Passes when", style="bold")
    screen.print(f"  {check.predicate.strip()}\n")
    for name, param in check.params.items():
        screen.print(f"  :{name} is {param.default} unless you set it. {param.doc}\n")
    screen.print("How to mend it", style="bold")
    for label, text in (
        ("console", check.fix.console),
        ("CLI", check.fix.cli),
        ("CloudFormation", check.fix.cloudformation),
        ("Terraform", check.fix.terraform),
    ):
        if text:
            screen.print(f"  {label}", style="underline")
            for line in text.strip().splitlines():
                screen.print(f"    {line}")
    if check.refs:
        screen.print("\nKnown elsewhere as", style="bold")
        for source in check.refs:
            screen.print(f"  {source}: {', '.join(check.ref_ids(source))}")
    screen.print("\nExamples", style="bold")
    examples = check.examples
    for label, rows in (("pass", examples.passing), ("fail", examples.fail), ("unknown", examples.unknown)):
        for row in rows:
            shown = yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=1000).strip()
            screen.print(f"  {label}: {shown}")


def lint_directory(directory: Path) -> int:
    """Reads every check of a directory and proves it; prints each fault and returns 1 where there are any."""
    from partywall.checks.commands import lint_commands
    from partywall.checks.lint import lint_literals, lint_refs, prove_monotone
    from partywall.checks.loader import CheckError, compile_check, load_directory

    faults: list[str] = []
    loaded = load_directory(directory)
    for check in loaded:
        try:
            compiled = compile_check(check)
        except CheckError as error:
            faults.append(str(error))
            continue
        faults += [f"{check.place('refs')}: {fault}" for fault in lint_refs(check.check)]
        faults += [f"{check.place('pass')}: {fault}" for fault in lint_literals(compiled)]
        faults += [f"{check.place('fix')}: {fault}" for fault in lint_commands(check.check.fix.cli)]
        faults += [f"{check.place('pass')}: {fault}" for fault in prove_monotone(compiled)]
    return _told(faults, f"{len(loaded)} checks in {directory} are well formed")


def test_directory(directory: Path) -> int:
    """Judges the examples of every check of a directory; prints each that fails and returns 1 for any."""
    from partywall.checks.examples import run_examples
    from partywall.checks.loader import compile_check, load_directory

    compiled = [compile_check(check) for check in load_directory(directory)]
    faults = list(run_examples(compiled))
    count = sum(
        len(rows)
        for c in compiled
        for rows in (
            c.check.examples.passing,
            c.check.examples.fail,
            c.check.examples.unknown,
            c.check.examples.not_applicable,
        )
    )
    return _told(faults, f"{count} examples of {len(compiled)} checks are judged as they say")


def _told(faults: list[str], well: str) -> int:
    for fault in faults:
        print(fault)
    if not faults:
        print(well)
    return int(bool(faults))
