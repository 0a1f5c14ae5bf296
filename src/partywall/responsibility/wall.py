"""The account drawn as a wall: services as columns, domains as courses, and the state of each stone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.model import DOMAINS
from partywall.findings.model import Verdict
from partywall.findings.verdicts import verdict_file
from partywall.lake.engine import FAILED_LISTING
from partywall.lake.source import literal, quote
from partywall.responsibility.engine import OWNER_COLUMNS, with_choices
from partywall.responsibility.loader import choices, model
from partywall.responsibility.model import SIDES, Owner

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.checks.model import Check
    from partywall.findings.model import Report
    from partywall.lake.engine import Lake

_GRADES: Final = "VPG"
_TOLD: Final = {"passing": Verdict.PASS, "failing": Verdict.FAIL, "unknown": Verdict.UNKNOWN}
_RESOURCES: Final = "_wall_resources"


@dataclass(slots=True)
class Line:
    """One stone of the wall: a domain of a service. Counts of verdicts are checks x resources."""

    service: str
    domain: str
    owners: dict[Owner, int] = field(default_factory=dict[Owner, int])
    """How many of the service's resources have the line at which owner."""
    passing: int = 0
    failing: int = 0
    """Failing without those that an exception in force covers."""
    excepted: int = 0
    unknown: int = 0
    """Verdicts that could not be given, listings that failed included."""
    checks: int = 0
    """How many checks of the scan look at the line: none means that nothing is proven."""

    @property
    def side(self) -> str:
        """aws, shared, customer or none; mixed where resources differ; unknown where none is known."""
        sides = {"unknown" if o == Owner.UNKNOWN else SIDES[o][0] for o in self.owners if o != Owner.NONE}
        return "none" if not sides else sides.pop() if len(sides) == 1 else "mixed"

    @property
    def must_act(self) -> bool:
        """Whether the customer has to do something on some resource."""
        return bool({Owner.CUSTOMER, Owner.SHARED_ACT, Owner.UNKNOWN} & set(self.owners))

    @property
    def state(self) -> str:
        """failing, unknown, satisfied, or unproven where no check gave a verdict."""
        if self.failing:
            return "failing"
        if self.unknown:
            return "unknown"
        return "satisfied" if self.passing or self.excepted else "unproven"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A listing that failed: resources of the service may be missing from the wall."""

    service: str
    table: str
    account_id: str
    region: str
    operation: str
    outcome: str
    error_code: str


@dataclass(frozen=True, slots=True)
class Column:
    """A service: its resources by variant ("" where several are possible), and the worst grade of these."""

    service: str
    resources: int
    variants: dict[str, int]
    candidates: list[list[str]]
    """The sets of variants among which resources could not be placed."""
    set_by_you: int
    grade: str


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall of one scan. `lines` has every service of `columns` with every domain."""

    columns: list[Column]
    lines: dict[tuple[str, str], Line]
    unlisted: list[Unlisted]
    model: str
    """Marks the version of the model's data."""


@dataclass(frozen=True, slots=True)
class GapFound:
    """A line that cannot be closed on resources of this account: accept it, or move."""

    service: str
    variant_id: str
    domain: str
    lack: str
    do: str
    resources: int


def wall(lake: Lake, report: Report, chosen: Mapping[str, str] | None = None) -> Wall:
    """The wall of a judged scan, with the verdicts of the report's checks.

    `chosen` (glob of ARNs -> variant) goes over what the scan knew. Raises UserError where the scan was made
    before there was a model, and for unknown variants.
    """
    _load(lake, chosen)
    columns = _columns(lake)
    lines = {(c.service, d): Line(c.service, d) for c in columns for d in DOMAINS}
    names = {column: domain for domain, column in OWNER_COLUMNS.items()}
    for service, column, owner, count in lake.execute(
        f"SELECT service, domain, owner, count(*) FROM (UNPIVOT {_RESOURCES}"
        f" ON {', '.join(names)} INTO NAME domain VALUE owner) GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        lines[service, names[column]].owners[Owner(owner)] = count
    _count_checks(lines, report)
    for service, domain, passing, failing, unknown, looked in _verdicts(lake, report):
        line = lines.get((service, domain))
        if line is not None:
            line.checks += looked
            line.passing += passing
            line.failing += failing
            line.unknown += unknown
    for service, domain, count in _excepted(lake, report):
        line = lines.get((service, domain))
        if line is not None:
            line.excepted += count
            line.failing -= count
    unlisted = _unlisted(lake)
    for gap in unlisted:
        for check in report.checks.values():
            line = lines.get((gap.service, check.domain))
            if line is not None and check.table == gap.table:
                line.unknown += 1
    return Wall(columns, lines, unlisted, model().digest)


def gaps(found: Wall) -> list[GapFound]:
    """The lines that the customer cannot close on the services and variants in use."""
    rows: list[GapFound] = []
    for column in found.columns:
        for variant_id, count in column.variants.items():
            variant = model().variants.get(variant_id)
            for gap in variant.gaps if variant else ():
                rows.append(GapFound(column.service, variant_id, gap.domain, gap.lack, gap.do, count))
    return rows


def resources(
    lake: Lake, report: Report, service: str, domain: str, chosen: Mapping[str, str] | None = None
) -> pa.Table:
    """The resources behind one line, those with most failures first.

    Columns: account_id, region, resource_arn, resource_name, resource_type, part, variant_id, candidates,
    set_by, owner, passing, failing, unknown (counts of the domain's checks). Those of parts (snapshots of a
    database) are not among them: `findings` tells of these.
    """
    _load(lake, chosen)
    parts: list[str] = []
    for table, checks in _checks_by_table(report).items():
        mine = [c.id for c in checks if c.domain == domain]
        path = verdict_file(lake.directory, table)
        if mine and path.exists():
            told = ", ".join(f"{_sum(mine, v)} AS {name}" for name, v in _TOLD.items())
            keys = f"v.account_id, v.region, v.arn, v.name, {literal(table)} AS resource_type"
            source = f"read_parquet({literal(str(path))}) v"
            if table in model().roles.about:
                keys = (
                    "r.account_id, r.region, r.resource_arn AS arn, r.resource_name AS name, r.resource_type"
                )
                source += f" JOIN {_RESOURCES} r ON {_BY_ARN} AND r.part = ''"
            parts.append(f"SELECT {keys}, {told} FROM {source}")
    empty = ", ".join(f"'' AS {name}" for name in ("account_id", "region", "arn", "name", "resource_type"))
    empty += ", " + ", ".join(f"0 AS {name}" for name in _TOLD)
    counts = ", ".join(f"coalesce(v.{name}, 0)::BIGINT AS {name}" for name in _TOLD)
    union = " UNION ALL ".join(parts) or f"SELECT {empty} WHERE FALSE"
    sums = ", ".join(f"sum({name}) AS {name}" for name in _TOLD)
    verdicts = f"SELECT account_id, region, arn, name, resource_type, {sums} FROM ({union}) GROUP BY ALL"
    keys = ", ".join(f"r.{name}" for name in _KEYS)
    return lake.arrow(
        f"SELECT {keys}, r.variant_id, r.candidates, r.set_by, r.{OWNER_COLUMNS[domain]} AS owner, {counts}"
        f" FROM {_RESOURCES} r LEFT JOIN ({verdicts}) v"
        f" ON {_SAME} AND v.resource_type = r.resource_type AND r.part = ''"
        f" WHERE r.service = {literal(service)} ORDER BY failing DESC, unknown DESC, {keys}"
    )


_KEYS: Final = ("account_id", "region", "resource_arn", "resource_name", "resource_type", "part")
_SAME: Final = (
    "v.account_id = r.account_id AND v.region IS NOT DISTINCT FROM r.region"
    " AND v.arn IS NOT DISTINCT FROM r.resource_arn AND v.name IS NOT DISTINCT FROM r.resource_name"
)
_STANDING: Final = (
    f"(SELECT account_id, resource_arn, min(service) AS service FROM {_RESOURCES}"
    " WHERE part = '' GROUP BY ALL)"
)
"""The column on which the resource of an ARN stands."""
_BY_ARN: Final = "r.account_id = v.account_id AND r.resource_arn = v.arn"


def _load(lake: Lake, chosen: Mapping[str, str] | None) -> None:
    stored = lake.sql_of("resource_responsibility")
    lake.execute(f"CREATE OR REPLACE TEMP TABLE {_RESOURCES} AS {with_choices(stored, chosen or {})}")


def _columns(lake: Lake) -> list[Column]:
    rows = lake.execute(
        "SELECT service, variant_id, candidates, count(*), count(*) FILTER (set_by = 'you')"
        f" FROM {_RESOURCES} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found: dict[str, list[tuple[str, list[str], int, int]]] = {}
    for service, variant_id, candidates, count, mine in rows:
        found.setdefault(service, []).append((variant_id, candidates, count, mine))
    columns: list[Column] = []
    for service, group in found.items():
        variants: dict[str, int] = {}
        for variant_id, _, count, _ in group:
            variants[variant_id] = variants.get(variant_id, 0) + count
        known = (model().variants.get(v) for _, candidates, _, _ in group for v in candidates)
        grade = max((v.grade for v in known if v is not None), key=_GRADES.index, default="G")
        open_ = [candidates for _, candidates, _, _ in group if len(candidates) > 1]
        columns.append(
            Column(service, sum(variants.values()), variants, open_, sum(m for *_, m in group), grade)
        )
    return columns


def _checks_by_table(report: Report) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in report.checks.values():
        found.setdefault(check.table, []).append(check)
    return found


def services_of(table: str) -> set[str]:
    """The columns on which the findings on a table may count."""
    if part := model().roles.home(table):
        return {part}
    return {o.variant.service for c in choices() if c.table.name == table and not c.part for o in c.options}


def lines_of_table(table: str, domain: str) -> set[Owner]:
    """Who may answer for a domain of what a table lists, over all variants; empty for one without a place."""
    own = [o.variant for c in choices() if c.table.name == table for o in c.options]
    variants = own or [v for v in model().variants.values() if v.service == home(table)]
    return {v.owner(domain) for v in variants}


def home(table: str) -> str:
    """The service whose resources a table lists, "" for tables without a place."""
    if part := model().roles.home(table):
        return part
    own = [c for c in choices() if c.table.name == table and not c.part]
    return own[0].options[-1].variant.service if own else ""


def _count_checks(lines: dict[tuple[str, str], Line], report: Report) -> None:
    for table, checks in _checks_by_table(report).items():
        for service in () if table in model().roles.about else services_of(table):
            for check in checks:
                line = lines.get((service, check.domain))
                if line is not None:
                    line.checks += 1


def _sum(ids: list[str], verdict: Verdict) -> str:
    return " + ".join(f"({quote(i)} IS NOT DISTINCT FROM {int(verdict)})::BIGINT" for i in ids)


def _verdicts(lake: Lake, report: Report) -> list[tuple[str, str, int, int, int, int]]:
    """Service, domain, how many verdicts pass, fail and are unknown; one query per table.

    Then, for tables that tell of other tables' resources, how many checks look at any of the service.
    """
    rows: list[tuple[str, str, int, int, int, int]] = []
    for table, checks in _checks_by_table(report).items():
        path = verdict_file(lake.directory, table)
        if not path.exists() or not home(table):
            continue
        by_domain: dict[str, list[str]] = {}
        for check in checks:
            by_domain.setdefault(check.domain, []).append(check.id)
        sums = ", ".join(
            f"{', '.join(f'sum({_sum(ids, v)})::BIGINT' for v in _TOLD.values())}, {_looked(ids)}"
            for ids in by_domain.values()
        )
        source = f"read_parquet({literal(str(path))}) v"
        about = table in model().roles.about
        if about:
            service = f"coalesce(r.service, {literal(home(table))})"
            source += f" LEFT JOIN {_STANDING} r ON {_BY_ARN}"
            sql = f"SELECT {service} AS service, {sums} FROM {source} GROUP BY 1"
        elif table in model().roles.parts:
            sql = f"SELECT {literal(home(table))} AS service, {sums} FROM {source}"
        else:
            sql = (
                f"SELECT service, {sums} FROM {source} JOIN {_RESOURCES} r ON {_SAME}"
                f" WHERE r.resource_type = {literal(table)} AND r.part = '' GROUP BY service"
            )
        for service, *told in lake.execute(sql).fetchall():
            for i, domain in enumerate(by_domain):
                passing, failing, unknown, looked = (n or 0 for n in told[4 * i : 4 * i + 4])
                rows.append((service, domain, passing, failing, unknown, looked if about else 0))
    return rows


def _looked(ids: list[str]) -> str:
    """SQL that counts the checks which apply to some row."""
    return " + ".join(
        f"coalesce(bool_or({quote(i)} <> {int(Verdict.NOT_APPLICABLE)}), FALSE)::BIGINT" for i in ids
    )


def _excepted(lake: Lake, report: Report) -> list[tuple[str, str, int]]:
    """Service, domain, and how many failing verdicts an exception in force covers."""
    import pyarrow.compute as pc

    excepted = report.findings.filter(pc.field("state") == "excepted")
    if not excepted.num_rows:
        return []
    lake.connection.register("_excepted", excepted)
    pairs = ", ".join(f"({literal(c.id)}, {literal(c.domain)})" for c in report.checks.values())
    roles = model().roles
    about = ", ".join(map(literal, roles.about)) or "''"
    homes = ", ".join(f"({literal(t)}, {literal(s)})" for t, s in {**roles.parts, **roles.about}.items())
    rows: list[tuple[str, str, int]] = lake.execute(
        "SELECT coalesce(r.service, a.service, h.service) AS service, d.domain, count(*)"
        f" FROM _excepted v JOIN (VALUES {pairs}) d(check_id, domain) USING (check_id)"
        f" LEFT JOIN {_RESOURCES} r ON r.resource_type = v.resource_type AND r.part = ''"
        " AND r.account_id = v.account_id AND r.region IS NOT DISTINCT FROM v.region"
        " AND coalesce(r.resource_arn, '') = v.resource_arn"
        " AND r.resource_name IS NOT DISTINCT FROM v.resource_name"
        f" LEFT JOIN {_STANDING} a ON v.resource_type IN ({about})"
        " AND a.account_id = v.account_id AND a.resource_arn = v.resource_arn"
        f" LEFT JOIN (VALUES {homes}) h(table_name, service) ON h.table_name = v.resource_type"
        " WHERE coalesce(r.service, a.service, h.service) IS NOT NULL GROUP BY ALL"
    ).fetchall()
    lake.connection.unregister("_excepted")
    return rows


def _unlisted(lake: Lake) -> list[Unlisted]:
    rows: list[Any] = lake.execute(
        "SELECT table_name, account_id, region, operation, outcome, error_code"
        f" FROM ({lake.sql_of('collection')}) c WHERE {FAILED_LISTING} ORDER BY ALL"
    ).fetchall()
    return [Unlisted(service, *row) for row in rows if (service := home(row[0]))]
