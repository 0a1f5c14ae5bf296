"""The wall as plain data: what `partywall line --format json` prints and the report's page draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from partywall.checks.model import DOMAINS
from partywall.lake.source import literal
from partywall.responsibility.loader import model
from partywall.responsibility.model import CODES, GRADE_WORDS, SIDES, Owner, Variant
from partywall.responsibility.wall import GapFound, Line, Wall, gaps, services_of, wall
from partywall.tables.registry import all_tables

if TYPE_CHECKING:
    from partywall.findings.model import Report
    from partywall.lake.engine import Lake
    from partywall.responsibility.wall import Column

# What each side means for somebody who has never heard of shared responsibility.
SIDE_WORDS = {
    "aws": ("AWS's side", "AWS does this, and its auditors attest it."),
    "shared": ("Shared", "AWS gives the means; both have a part."),
    "customer": ("Your side", "Nobody else does this for you."),
    "mixed": ("It depends", "Your resources differ: it runs on another side for some of them."),
    "unknown": ("Not known", "What decides it could not be read."),
    "none": ("Not there", "The service has no such thing."),
}
STATE_WORDS = {
    "failing": "some checks fail",
    "unknown": "some checks could not be judged",
    "satisfied": "all its checks pass",
    "unproven": "no check has looked",
}

# The courses from the ground up: the fabric of the network lies below what runs on it.
_GROUND = ("physical", "network-infrastructure", "hypervisor", "host-os")
COURSES = (*_GROUND, *(d for d in DOMAINS if d not in _GROUND))


def wall_data(found: Wall) -> dict[str, Any]:
    """The wall: totals, lines, services with what most needs doing first, gaps.

    `lines` of a service are in the order of `domains`; `courses` are their places from the ground up.
    Figures of verdicts are checks x resources.
    """
    by_service = {c.service: [found.lines[c.service, d] for d in DOMAINS] for c in found.columns}
    columns = sorted(
        found.columns, key=lambda c: (-sum(_open(x) for x in by_service[c.service]), c.service.lower())
    )
    return {
        "model": found.model,
        "totals": totals(found),
        "domains": [
            {"id": d, "title": model().domains[d].title, "what": model().domains[d].what} for d in DOMAINS
        ],
        "courses": [DOMAINS.index(d) for d in COURSES],
        "services": [_service(c, by_service[c.service]) for c in columns],
        "gaps": [gap_data(g) for g in gaps(found)],
        "unlisted": [
            {
                "service": u.service,
                "table": u.table,
                "account_id": u.account_id,
                "region": u.region,
                "operation": u.operation,
                "outcome": u.outcome,
                "error_code": u.error_code,
            }
            for u in found.unlisted
        ],
        "grades": GRADE_WORDS,
    }


def wall_page(lake: Lake, report: Report, chosen: Mapping[str, str]) -> dict[str, Any]:
    """The wall for the HTML report, with the column on which each finding's resource stands."""
    return wall_data(wall(lake, report, chosen)) | {"places": _places(lake, report)}


def _places(lake: Lake, report: Report) -> dict[str, dict[str, str]]:
    """Table -> column, and where a table's rows are on several columns: "table arn-or-name" -> column.

    What a table tells of other tables' resources is placed for the report's findings only.
    """
    tables: dict[str, str] = {}
    several: list[str] = []
    for name in all_tables():
        services = services_of(name)
        if len(services) == 1:
            tables[name] = services.pop()
        elif services:
            several.append(name)
    standing = f"(SELECT * FROM ({lake.sql_of('resource_responsibility')}) WHERE part = '')"
    placed: list[str] = []
    if several:
        placed.append(
            "SELECT resource_type || ' ' || coalesce(nullif(resource_arn, ''), resource_name), service"
            f" FROM {standing} WHERE resource_type IN ({', '.join(map(literal, several))})"
        )
    if about := model().roles.about:
        lake.connection.register("_placed_findings", report.findings)
        placed.append(
            "SELECT f.resource_type || ' ' || f.resource_arn, min(r.service) FROM _placed_findings f"
            f" JOIN {standing} r ON r.account_id = f.account_id AND r.resource_arn = f.resource_arn"
            f" WHERE f.resource_type IN ({', '.join(map(literal, about))}) GROUP BY 1"
        )
    rows = [row for sql in placed for row in lake.execute(sql).fetchall()]
    return {"tables": tables, "resources": dict(rows)}


def totals(found: Wall) -> dict[str, dict[str, int]]:
    """How many lines are on which side, and how those stand on which the customer has to act."""
    sides = dict.fromkeys(SIDE_WORDS, 0)
    states = dict.fromkeys(STATE_WORDS, 0)
    for line in found.lines.values():
        sides[line.side] += 1
        if line.must_act:
            states[line.state] += 1
    return {"sides": sides, "states": states}


def gap_data(gap: GapFound) -> dict[str, Any]:
    """A line that cannot be closed, as plain data."""
    variant = model().variants[gap.variant_id]
    return {
        "service": gap.service,
        "variant": variant.variant,
        "domain": gap.domain,
        "lack": gap.lack,
        "do": gap.do,
        "resources": gap.resources,
    }


def line_data(line: Line) -> dict[str, Any]:
    """One stone: its side, who must act, and its verdicts."""
    return {
        "side": line.side,
        "must_act": line.must_act,
        "state": line.state,
        "owners": {o.value: n for o, n in line.owners.items()},
        "failing": line.failing,
        "unknown": line.unknown,
        "passing": line.passing,
        "excepted": line.excepted,
        "checks": line.checks,
    }


def variant_data(variant: Variant, resources: int) -> dict[str, Any]:
    """A variant with what each side does on each line."""
    lines = [
        {"owner": owner.value, "side": SIDES[owner][0], "mode": SIDES[owner][1]}
        | {"aws": text.aws, "customer": text.customer, "why": text.why}
        for owner, text in ((variant.owner(d), model().text(variant, d)) for d in DOMAINS)
    ]
    return {
        "id": variant.id,
        "variant": variant.variant,
        "resources": resources,
        "tenancy": variant.tenancy,
        "grade": variant.grade,
        "sources": [{"title": s.title, "url": s.url} for s in variant.sources],
        "read_on": variant.read_on.isoformat() if variant.read_on else "",
        "lines": lines,
    }


def owner_code(owner: Owner) -> str:
    """The short code of an owner, as in the model's files; ? where it is not known."""
    return next((code for code, o in CODES.items() if o is owner), "?")


def _service(column: Column, lines: list[Line]) -> dict[str, Any]:
    known = {v: n for v, n in column.variants.items() if v in model().variants}
    # Among which an unread resource is, is told without a count of its own.
    for candidates in column.candidates:
        for variant_id in candidates:
            known.setdefault(variant_id, 0)
    return {
        "service": column.service,
        "resources": column.resources,
        "undecided": column.variants.get("", 0),
        "set_by_you": column.set_by_you,
        "grade": column.grade,
        "lines": [line_data(line) for line in lines],
        "variants": [variant_data(model().variants[v], n) for v, n in known.items()],
    }


def _open(line: Line) -> int:
    return line.failing if line.must_act else 0
