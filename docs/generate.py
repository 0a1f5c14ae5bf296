"""Writes the reference pages under docs/reference from the code itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent / "reference"


def main() -> None:
    """Generates every page afresh."""
    shutil.rmtree(ROOT, ignore_errors=True)
    pages = {**cli(), **checks(), **tables(), **dialect(), **facts(), **outputs(), **coverage()}
    for name, text in pages.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.rstrip() + "\n", encoding="utf-8")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(headers: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(headers) + " |", "| " + " | ".join("---" for _ in headers) + " |"]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def cli() -> dict[str, str]:
    """Every command with its options, as the command line itself tells them."""
    import typer.main

    from partywall.cli.app import app

    group: Any = typer.main.get_command(app)
    parts = ["# Command line\n", "Exit codes: 0 well, 1 findings fail the gate, 2 wrong use, 130 stopped.\n"]
    waiting = [(f"partywall {name}", command) for name, command in group.commands.items()]
    while waiting:
        name, command = waiting.pop(0)
        # A group's own commands come right after it.
        waiting = [(f"{name} {n}", c) for n, c in getattr(command, "commands", {}).items()] + waiting
        parts.append(f"## {name}\n\n{command.help}\n")
        rows = []
        for param in command.params:
            if param.name == "help":
                continue
            names = (
                ", ".join(f"`{o}`" for o in param.opts)
                if param.param_type_name == "option"
                else (param.name or "").upper()
            )
            rows.append([names, getattr(param, "help", "") or ""])
        if rows:
            parts.append(_table(["Option or argument", "Meaning"], rows) + "\n")
    return {"cli.md": "\n".join(parts)}


def checks() -> dict[str, str]:
    """An index of the checks by service and a page for each service's checks, whole."""
    from partywall.checks.loader import catalogue
    from partywall.checks.select import service_of

    by_service: dict[str, list[Any]] = {}
    for loaded in catalogue().values():
        by_service.setdefault(service_of(loaded.check), []).append(loaded.check)
    index = [f"# Checks\n\n{len(catalogue())} checks over {len(by_service)} services.\n"]
    pages: dict[str, str] = {}
    for service in sorted(by_service):
        group = sorted(by_service[service], key=lambda c: c.id)
        rows = [[f"[{c.id}]({service}.md#{c.id})", c.severity, c.title] for c in group]
        index.append(f"## {service}\n\n" + _table(["Check", "Severity", "Title"], rows) + "\n")
        pages[f"checks/{service}.md"] = f"# Checks of {service}\n\n" + "\n".join(_check(c) for c in group)
    return {"checks/index.md": "\n".join(index), **pages}


def _check(check: Any) -> str:
    parts = [f"## {check.id}\n", f"**{check.title}.** {check.severity}, {check.domain},"]
    parts.append(f"table [{check.table}](../tables/{check.table}.md).\n\n{check.why.strip()}\n")
    if check.where:
        parts.append(f"Applies where:\n\n```sql\n{check.where.strip()}\n```\n")
    parts.append(f"Passes when:\n\n```sql\n{check.predicate.strip()}\n```\n")
    for name, param in check.params.items():
        parts.append(f"Parameter `{name}`: {param.default}. {param.doc}\n")
    if check.nonmonotone:
        parts.append(f"Reads absence: {check.nonmonotone}\n")
    for label, text, language in (
        ("Console", check.fix.console, ""),
        ("CLI", check.fix.cli, "sh"),
        ("CloudFormation", check.fix.cloudformation, "yaml"),
        ("Terraform", check.fix.terraform, "hcl"),
    ):
        if text and language:
            parts.append(f"Mend it ({label}):\n\n```{language}\n{text.strip()}\n```\n")
        elif text:
            parts.append(f"Mend it ({label}): {text.strip()}\n")
    if check.refs:
        known = "; ".join(f"{source} {', '.join(check.ref_ids(source))}" for source in check.refs)
        parts.append(f"Known elsewhere as: {known}.\n")
    examples = [
        f"{label}: {yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=10**6).strip()}"
        for label, rows in (
            ("pass", check.examples.passing),
            ("fail", check.examples.fail),
            ("unknown", check.examples.unknown),
            ("not_applicable", check.examples.not_applicable),
        )
        for row in rows
    ]
    parts.append("Examples:\n\n```yaml\n" + "\n".join(examples) + "\n```\n")
    return "\n".join(parts)


def tables() -> dict[str, str]:
    """An index of the tables and a page for each, with columns and the calls that fill them."""
    from partywall.aws.actions import actions_of
    from partywall.cli.catalogue import describe_derived, describe_table
    from partywall.lake.derived import derived_tables
    from partywall.tables.registry import all_tables

    described = [describe_table(t) for t in all_tables().values()]
    described += [describe_derived(t) for t in derived_tables().values()]
    rows = [[f"[{d['name']}]({d['name']}.md)", d["service"], d["scope"], d["doc"]] for d in described]
    pages = {
        "tables/index.md": f"# Tables\n\n{len(described)} tables.\n\n"
        + _table(["Table", "Service", "Scope", "About"], rows)
    }
    for d in described:
        operations = sorted(
            {c["filled_by"] for c in d["columns"] if ":" in c["filled_by"]} | ({d["listed_by"]} - {""})
        )
        needed = [[o, ", ".join(actions_of(*o.split(":", 1)))] for o in operations]
        columns = [[f"`{c['name']}`", c["type"], c["filled_by"], c["doc"]] for c in d["columns"]]
        parts = [
            f"# {d['name']}\n\n{d['doc']}\n",
            "Derived by analysis after collecting.\n"
            if d["scope"] == "derived"
            else f"{d['scope'].capitalize()}. Made by analysis of {', '.join(d['made_of'])}.\n"
            if d["made_of"]
            else f"{d['scope'].capitalize()}. CloudFormation type: {d['resource_type'] or 'none'}.\n",
        ]
        parts.append(_table(["Column", "Type", "Filled by", "About"], columns) + "\n")
        if needed:
            parts.append(
                "## Calls and the permissions they need\n\n" + _table(["Call", "IAM actions"], needed)
            )
        pages[f"tables/{d['name']}.md"] = "\n".join(parts)
    return pages


def dialect() -> dict[str, str]:
    """The functions of the predicate dialect."""
    from partywall.sql.signatures import DOCS

    rows = [[f"`{name}`", doc] for name, doc in sorted(DOCS.items())]
    return {
        "dialect.md": "# Predicate dialect\n\nUsed as in [Write a check](../writing-checks.md).\n\n"
        + _table(["Function", "Meaning"], rows)
    }


def facts() -> dict[str, str]:
    """What checks may read of a policy document."""
    from partywall.analysis.policy import FACTS, FIELD_DOCS

    parts = ["# Policy facts\n\nA policy column `x` has a sibling struct `x_facts` with these fields.\n"]
    for kind, struct in FACTS.items():
        docs: Mapping[str, str] = FIELD_DOCS[kind]
        rows = [[f"`{f.name}`", f.type.sql, docs.get(f.name, "")] for f in struct.fields]
        parts.append(f"## {kind} policies\n\n" + _table(["Field", "Type", "Meaning"], rows) + "\n")
    return {"policy-facts.md": "\n".join(parts)}


def outputs() -> dict[str, str]:
    """The output formats, and each one's own words for the verdicts."""
    from partywall.outputs import FORMATS
    from partywall.outputs.words import FORMAT_WORDS

    rows = [[f"`{f.name}`", f.suffix, f.doc] for f in FORMATS.values()]
    parts = [
        "# Output formats\n",
        _table(["Name", "Suffix", "For"], rows),
        "\n## The same verdict in each format\n",
    ]
    formats = list(FORMAT_WORDS)
    statuses = list(next(iter(FORMAT_WORDS.values())))
    parts.append(
        _table(["Verdict", *formats], [[s, *(FORMAT_WORDS[f][s] for f in formats)] for s in statuses])
    )
    return {"outputs.md": "\n".join(parts)}


SOURCES = {
    "securityhub": "AWS Security Hub CSPM",
    "config": "AWS Config's rules behind Security Hub",
    "cis-7.0": "CIS AWS Foundations 7.0",
    "cis-6.0": "CIS AWS Foundations 6.0",
    "cis-5.0": "CIS AWS Foundations 5.0",
    "cis-3.0": "CIS AWS Foundations 3.0",
    "prowler": "Prowler",
    "powerpipe": "Powerpipe, Steampipe",
}


def unmapped() -> dict[str, dict[str, str]]:
    """Per catalogue the ids for which `unmapped.yaml` says why no check stands for them."""
    from fnmatch import fnmatchcase

    from partywall.checks.lint import known_refs

    reasons: dict[str, dict[str, str]] = {source: {} for source in SOURCES}
    text = (Path(__file__).parent / "unmapped.yaml").read_text(encoding="utf-8")
    for entry in yaml.safe_load(text):
        for source, patterns in entry["ids"].items():
            for pattern in patterns:
                found = [i for i in known_refs()[source] if fnmatchcase(i, pattern)]
                if not found:
                    raise ValueError(f"unmapped.yaml: {source} has no id {pattern}")
                reasons[source] |= dict.fromkeys(found, entry["reason"].strip())
    return reasons


def coverage() -> dict[str, str]:
    """How much of each other catalogue the checks stand for, and which check stands for which id."""
    from partywall.checks.lint import known_refs
    from partywall.checks.loader import catalogue
    from partywall.checks.select import service_of

    standing: dict[str, dict[str, list[Any]]] = {source: {} for source in SOURCES}
    for loaded in catalogue().values():
        for source in loaded.check.refs:
            for ref in loaded.check.ref_ids(source):
                standing[source].setdefault(ref, []).append(loaded.check)
    reasons = unmapped()
    pages: dict[str, str] = {}
    counts: list[list[str]] = []
    for source, title in SOURCES.items():
        known = sorted(known_refs()[source], key=_natural)
        by_reason: dict[str, list[str]] = {}
        for ref in known:
            if ref not in standing[source]:
                reason = reasons[source].get(ref, "Not written yet.")
                by_reason.setdefault(reason, []).append(ref)
        left = sum(len(refs) for refs in by_reason.values())
        page = f"[{title}](refs/{source}.md)"
        counts.append([page, f"`{source}`", *(str(n) for n in (len(known), len(known) - left, left))])
        rows = [
            [f"`{ref}`", ", ".join(f"[{c.id}](../checks/{service_of(c)}.md#{c.id})" for c in found)]
            for ref, found in sorted(standing[source].items(), key=lambda item: _natural(item[0]))
        ]
        parts = [f"# {title}\n", f"Ids as in `partywall checks --ref {source}:ID`.\n"]
        parts.append(_table(["Id", "Checks"], rows) + "\n")
        if by_reason:
            parts.append("## Without a counterpart\n")
        for reason, refs in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            parts.append(f"{reason}\n\n" + "\n".join(f"- `{ref}`" for ref in refs) + "\n")
        pages[f"refs/{source}.md"] = "\n".join(parts)
    text = (
        f"# Coverage of other catalogues\n\n{len(catalogue())} checks. An id counts as covered where at\n"
        "least one check decides the same question, as far as an API tells; thresholds may differ and are\n"
        "parameters. Each page lists which check stands for which id, and which ids have none and why.\n\n"
    )
    headers = ["Catalogue", "As a ref", "Ids", "With a check", "Without"]
    return {"coverage.md": text + _table(headers, counts), **pages}


def _natural(ref: str) -> list[tuple[int, str]]:
    """Sorts S3.9 before S3.10."""
    return [(int(part), "") if part.isdigit() else (0, part.lower()) for part in re.split(r"(\d+)", ref)]


if __name__ == "__main__":
    main()
