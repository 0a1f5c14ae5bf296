"""The customer responsibility matrix: who answers for each requirement and line, how it stands, by what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from partywall import __version__
from partywall.checks.model import DOMAINS
from partywall.frameworks.states import ALL
from partywall.outputs.handover import (
    Handover,
    Service,
    Told,
    coverage,
    resources_sql,
    services_in_use,
)
from partywall.responsibility.engine import OWNER_COLUMNS
from partywall.responsibility.loader import model
from partywall.responsibility.model import GRADE_WORDS

if TYPE_CHECKING:
    from partywall.config import Config
    from partywall.evidence.model import Inherited
    from partywall.frameworks.assess import Compliance
    from partywall.frameworks.model import Framework

Value = str | int | float | date | None | tuple[str, ...]
"""A cell: a tuple is a list, one entry a line; a float is a share of 1."""

OWNER_WORDS: Final = {
    "aws": "AWS",
    "shared_safe": "shared, safe by default",
    "shared_act": "shared, you must act",
    "customer": "customer",
    "none": "n/a",
    "unknown": "unknown",
}
STATE_WORDS: Final = {
    "satisfied": "every part is met: all checks over full populations, attestations and reports in force",
    "not_satisfied": "a check fails on a resource that no exception covers",
    "not_evaluated": "something is not known: a call that was not answered, no attestation, no report",
    "not_applicable": "every check answered, and found nothing to evaluate",
    "inherited": "AWS's part alone, by a report in AWS Artifact that is in force",
    "inherited_stale": "AWS's report ended too long ago",
    "attested": "a person's statement in force, reviewed by another",
    "attested_expired": "the statement has run out",
    "excepted": "all that fails is covered by accepted risks in force",
}
_WORST_FIRST: Final = ("fail", "unknown", "excepted", "pass", "not_applicable")
_MOST_CHECKS: Final = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading and its width in characters."""

    title: str
    width: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A named table; `rows` gives lists as long as `columns`, once. `keep`: columns that stay in sight."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    keep: int = 1


def matrix(
    compliance: Compliance,
    frameworks: Sequence[Framework],
    config: Config,
    items: Sequence[Any] = (),
    account: str = ALL,
) -> list[Sheet]:
    """The sheets Requirements, Services, Resources, Checks and About.

    Raises UserError for a scan that knows no variants of resources.
    """
    books = [Handover(compliance, f, config, items, account) for f in frameworks]
    services = services_in_use(compliance, config, account)
    return [
        Sheet("Requirements", [c for c, _ in REQUIREMENT], _requirements(books), keep=2),
        Sheet("Services", _SERVICE, _lines(services)),
        Sheet("Resources", _RESOURCE, _resources(compliance, config, account)),
        Sheet("Checks", _CHECK, _checks(books), keep=3),
        Sheet("About", (Column("what", 30), Column("value", 120)), _about(compliance, books, services)),
    ]


def _part(kind: str) -> Callable[[Handover, Told], Value]:
    def state(_: Handover, t: Told) -> Value:
        part = t.standing.part(kind) if t.standing else None
        if part is None:
            return ""
        return str(part.state) if part.state else "says nothing by itself"

    return state


def _counted(kind: str, status: str) -> Callable[[Handover, Told], Value]:
    def count(_: Handover, t: Told) -> Value:
        if t.standing is None or t.requirement.technical is None:
            return None
        return (t.standing.checks if kind == "checks" else t.standing.resources)[status]

    return count


def _coverage(kind: str) -> Callable[[Handover, Told], Value]:
    def share(_: Handover, t: Told) -> Value:
        if t.standing is None or t.requirement.technical is None:
            return None
        if kind == "resources" and any(row["lacking"] for row in t.checks):
            # Rows that were never listed cannot be counted: then there is no share to tell.
            return None
        n = t.standing.checks if kind == "checks" else t.standing.resources
        return coverage(n["pass"] + n["fail"] + n["excepted"], n["unknown"])

    return share


def _why(_: Handover, t: Told) -> Value:
    return tuple(f"{p.kind}: {p.why}" for p in t.standing.parts) if t.standing else ()


def _objectives(book: Handover, t: Told) -> Value:
    from partywall.frameworks.loader import library

    titles = {o.id: o.title for o in library().objectives}
    part = t.requirement.technical
    return tuple(f"{name}: {titles.get(name, name)}" for name in part.objectives) if part else ()


def _check_list(_: Handover, t: Told) -> Value:
    worst = sorted(t.checks, key=lambda row: _WORST_FIRST.index(row["status"]))
    told = [f"{row['check']} ({row['weight']}): {row['status']}" for row in worst[:_MOST_CHECKS]]
    # A row as tall as its checks are many is no row any more.
    more = len(worst) - len(told)
    return (*told, *([f"and {more} more, on the sheet Checks"] if more else []))


def _period(found: Inherited) -> str:
    start, end = found.period_start, found.period_end
    return f"{start or '?'} to {end or '?'}" if start or end else "not known"


def _exceptions(_: Handover, t: Told) -> Value:
    return tuple(
        f"{e.check} on {e.resource}: {e.reason}"
        f" (owner {e.owner}, approved by {e.approver}, until {e.expires})"
        for e in t.exceptions
    )


def _attributes(_: Handover, t: Told) -> Value:
    return tuple(
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in t.requirement.attributes.items()
    )


def _kind(_: Handover, t: Told) -> Value:
    if t.standing is None:
        return "withdrawn" if t.requirement.withdrawn else "heading"
    return {"T": "technical", "P": "process", "I": "AWS's", "X": "several"}.get(t.requirement.type, "")


REQUIREMENT: Final[tuple[tuple[Column, Callable[[Handover, Told], Value]], ...]] = (
    (Column("framework", 16), lambda b, t: b.framework.id),
    (Column("requirement", 13), lambda b, t: t.requirement.id),
    (Column("title", 48), lambda b, t: t.requirement.title),
    (Column("who", 10), lambda b, t: t.who),
    (Column("state", 15), lambda b, t: str(t.standing.state) if t.standing else ""),
    (Column("AWS's part", 15), _part("aws")),
    (Column("technical part", 15), _part("technical")),
    (Column("process part", 15), _part("process")),
    (Column("why", 60), _why),
    (Column("AWS does", 48), lambda b, t: t.requirement.aws.what if t.requirement.aws else ""),
    (Column("AWS's programme", 16), lambda b, t: tuple(t.programmes)),
    (
        Column("AWS's report", 40),
        lambda b, t: tuple(f"{i.title} ({i.report})" if i.report else "none seen" for i in t.inherited),
    ),
    (Column("period", 25), lambda b, t: tuple(_period(i) for i in t.inherited)),
    (Column("report's state", 16), lambda b, t: tuple(i.state for i in t.inherited)),
    (Column("report: why", 40), lambda b, t: tuple(i.why for i in t.inherited)),
    (Column("you do: objectives", 48), _objectives),
    (Column("you do: checks", 55), _check_list),
    (Column("checks pass", 8), _counted("checks", "pass")),
    (Column("checks fail", 8), _counted("checks", "fail")),
    (Column("checks unknown", 9), _counted("checks", "unknown")),
    (Column("checks excepted", 9), _counted("checks", "excepted")),
    (Column("checks not applicable", 11), _counted("checks", "not_applicable")),
    (Column("checks coverage", 9), _coverage("checks")),
    (Column("resources pass", 10), _counted("resources", "pass")),
    (Column("resources fail", 10), _counted("resources", "fail")),
    (Column("resources unknown", 10), _counted("resources", "unknown")),
    (Column("resources excepted", 10), _counted("resources", "excepted")),
    (Column("resources coverage", 10), _coverage("resources")),
    (
        Column("you attest", 48),
        lambda b, t: t.requirement.process.statement if t.requirement.process else "",
    ),
    (Column("attestations", 28), lambda b, t: tuple(f"{a.id}: {state}" for a, state in t.attestations)),
    (Column("author", 18), lambda b, t: tuple(a.author for a, _ in t.attestations)),
    (Column("reviewer", 18), lambda b, t: tuple(a.reviewer or "none yet" for a, _ in t.attestations)),
    (Column("valid until", 12), lambda b, t: tuple(str(a.valid_until) for a, _ in t.attestations)),
    (Column("exceptions", 48), _exceptions),
    (
        Column("plans of action", 40),
        lambda b, t: tuple(
            f"{i.id} ({i.state(b.compliance.today)}, {i.owner}, due {i.due}): {i.weakness}" for i in t.items
        ),
    ),
    (Column("no check proves it", 40), lambda b, t: t.requirement.unprovable),
    (Column("kind", 11), _kind),
    (Column("parent", 11), lambda b, t: t.requirement.parent),
    (Column("attributes", 25), _attributes),
    (
        Column("mapped so because", 40),
        lambda b, t: (
            t.requirement.technical.why
            if t.requirement.technical and t.requirement.technical.why
            else t.requirement.why
        ),
    ),
    (Column("mapped by", 12), lambda b, t: t.requirement.by),
    (Column("scan", 24), lambda b, t: b.compliance.lake.manifest.id),
    (Column("as of", 12), lambda b, t: b.compliance.today),
)
"""Columns of the sheet Requirements and what fills them, in an order that stays."""


def _requirements(books: Sequence[Handover]) -> Iterator[list[Value]]:
    for book in books:
        for told in book.told:
            yield [fill(book, told) for _, fill in REQUIREMENT]


_SERVICE: Final = (
    Column("service", 18),
    Column("variant", 34),
    Column("resources", 10),
    Column("domain", 26),
    Column("owner", 22),
    Column("AWS does", 55),
    Column("you do", 55),
    Column("why", 48),
    Column("cannot be closed here", 40),
    Column("grade", 36),
    Column("source", 60),
    Column("read on", 12),
    Column("tenancy", 14),
)


def _lines(services: Sequence[Service]) -> Iterator[list[Value]]:
    for service in services:
        for variant_id, count in service.possible().items():
            variant = model().variants[variant_id]
            # A resource whose variant was not read may be of any of its candidates.
            maybe = sum(n for c, n in service.undecided.items() if variant_id in c)
            told = f"{variant.variant} (and perhaps {maybe} more resources)" if maybe else variant.variant
            lacks = {g.domain: f"{g.lack} {g.do}" for g in variant.gaps}
            for domain, owner in variant.lines.items():
                text = model().text(variant, domain)
                yield [
                    service.name,
                    told,
                    count,
                    model().domains[domain].title,
                    OWNER_WORDS[owner.value],
                    text.aws,
                    text.customer,
                    text.why,
                    lacks.get(domain, ""),
                    f"{variant.grade}: {GRADE_WORDS[variant.grade]}",
                    tuple(f"{s.title}: {s.url}" for s in variant.sources),
                    variant.read_on,
                    variant.tenancy,
                ]


_RESOURCE: Final = (
    Column("service", 18),
    Column("account", 14),
    Column("Region", 14),
    Column("resource", 40),
    Column("ARN", 60),
    Column("table", 26),
    Column("part", 10),
    Column("variant", 34),
    Column("chosen by", 14),
    *(Column(model().domains[d].title, 14) for d in DOMAINS),
)


def _resources(compliance: Compliance, config: Config, account: str) -> Iterator[list[Value]]:
    owners = ", ".join(OWNER_COLUMNS.values())
    cursor = compliance.lake.connection.cursor()
    # A cursor sees what the lake registered, and other queries may go on beside it.
    found = cursor.execute(
        "SELECT service, account_id, region, resource_name, resource_arn, resource_type, part, candidates,"
        f" set_by, {owners} FROM ({resources_sql(compliance, config, account)})"
        " ORDER BY service, account_id, region, resource_type, resource_arn, resource_name, part"
    )
    variants = model().variants
    while rows := found.fetchmany(4000):
        for *place, candidates, set_by, in_order in ((*r[:9], r[9:]) for r in rows):
            names = [variants[v].variant if v in variants else v for v in candidates]
            yield [*place, " or ".join(names), set_by, *(OWNER_WORDS[owner] for owner in in_order)]


_CHECK: Final = (
    Column("framework", 16),
    Column("requirement", 13),
    Column("check", 40),
    Column("title", 55),
    Column("weight", 12),
    Column("status", 14),
    Column("pass", 8),
    Column("fail", 8),
    Column("unknown", 9),
    Column("excepted", 9),
    Column("not applicable", 11),
    Column("coverage", 10),
    Column("not known whole because", 40),
    Column("objective", 28),
    Column("parameters", 24),
    Column("why it bears on it", 60),
    Column("mapped by", 12),
)


def _checks(books: Sequence[Handover]) -> Iterator[list[Value]]:
    for book in books:
        for told in book.told:
            for row in told.checks:
                judged = row["passes"] + row["fails"] + row["excepted"]
                yield [
                    book.framework.id,
                    told.requirement.id,
                    row["check"],
                    row["title"],
                    row["weight"],
                    row["status"],
                    row["passes"],
                    row["fails"],
                    row["unknown"],
                    row["excepted"],
                    row["not_applicable"],
                    # Rows that were never listed cannot be counted: then there is no share to tell.
                    None if row["lacking"] else coverage(judged, row["unknown"]),
                    row["lacking"],
                    row["objective"],
                    tuple(f"{name}: {value}" for name, value in row["params"].items()),
                    row["why"],
                    row["by"],
                ]


def _about(
    compliance: Compliance, books: Sequence[Handover], services: Sequence[Service]
) -> Iterator[list[Value]]:
    manifest = compliance.lake.manifest
    account = books[0].account if books else ALL
    yield [
        "what this is",
        "Who answers for what, by AWS's shared responsibility, from a scan of the accounts",
    ]
    yield ["made by", f"partywall {__version__}"]
    yield ["scan", manifest.id]
    yield ["scan began", f"{manifest.started_at:%Y-%m-%d %H:%M:%S} UTC"]
    yield ["as of", compliance.today]
    for item in manifest.accounts:
        if account in (ALL, item["account_id"]):
            yield ["account", f"{item['account_id']} {item.get('name') or ''}".strip()]
    yield ["Regions scanned", ", ".join(sorted(manifest.regions))]
    yield ["scope", "the scanned Regions" if compliance.scanned_only else "all Regions that are enabled"]
    for limit in compliance.limits():
        yield ["limit", limit]
    for book in books:
        states: dict[str, int] = {}
        for told in book.told:
            if told.standing is not None:
                states[str(told.standing.state)] = states.get(str(told.standing.state), 0) + 1
        total = sum(states.values())
        known = total - states.get("not_evaluated", 0)
        listed = ", ".join(f"{states[s]} {s}" for s in STATE_WORDS if s in states)
        name = f"{book.framework.name} {book.framework.version}"
        yield [name, f"{total} requirements: {listed}; evaluated {known} of {total}"]
        yield [f"{name}: source", book.framework.source]
        if book.framework.note:
            yield [f"{name}: note", book.framework.note]
    yield ["services in use", len(services)]
    yield ["responsibility model", f"version {model().digest}"]
    undecided = sum(n for s in services for n in s.undecided.values())
    if undecided:
        yield [
            "limit",
            f"{undecided} resources could not be placed: what decides their variant was not read.",
        ]
    yield ["coverage", "evaluated / (evaluated + unknown); empty where nothing was there to evaluate."]
    for state, meaning in STATE_WORDS.items():
        yield [f"state {state}", meaning]
    for grade, meaning in GRADE_WORDS.items():
        yield [f"grade {grade}", meaning]
    yield [
        "AWS's reports",
        "Only their names and periods are here: read them in AWS Artifact under its terms.",
    ]
