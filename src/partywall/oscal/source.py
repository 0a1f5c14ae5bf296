"""What the documents are made from: one scan and framework, asked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.model import DOMAINS
from partywall.frameworks.model import State, Weight
from partywall.frameworks.states import ALL, technical_state
from partywall.frameworks.tally import Judged, Tally
from partywall.lake.source import literal, quote
from partywall.oscal.base import Controls, props, uid
from partywall.outputs.handover import COUNTS, Handover, Service, Told, services_in_use
from partywall.responsibility.loader import model
from partywall.responsibility.model import Owner
from partywall.responsibility.wall import services_of

if TYPE_CHECKING:
    from partywall.frameworks.states import Standing

MOST_SUBJECTS: Final = 1000
"""Of one check: those that fail come first, then unknown ones; how many are left out is told."""
_WORST: Final = ("fail", "unknown", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class Side:
    """What each side does on a service for a requirement, by the lines that its checks look at."""

    aws: list[str]
    customer: list[str]
    owners: dict[str, str]
    """Domain -> owner; "mixed" where the variants in use differ."""


class Source:
    """One handover with services, inventory and ids; every list is in a fixed order."""

    def __init__(self, book: Handover) -> None:
        self.book = book
        self.compliance = book.compliance
        self.framework = book.framework
        self.manifest = book.compliance.lake.manifest
        self.controls = Controls(book.framework)
        self.services: dict[str, Service] = {
            s.name: s for s in services_in_use(book.compliance, book.config, book.account)
        }

    @cached_property
    def told(self) -> list[tuple[Told, Standing]]:
        """The requirements that take a state, with it."""
        return [(t, t.standing) for t in self.book.told if t.standing is not None]

    @property
    def system(self) -> str:
        """Names the customer's system: its accounts, whatever the scan."""
        chosen = [a for a in self.compliance.accounts if self.book.account in (ALL, a)]
        return " ".join(sorted(chosen))

    def key(self, row: Mapping[str, Any]) -> Judged:
        """The check and parameters of a row of evidence."""
        return Judged.of(row["check"], row["params"])

    def observation(self, judged: Judged) -> str:
        """The uuid of what a check saw."""
        return uid("observation", self.manifest.id, self.book.account, judged.check, judged.params)

    def finding(self, requirement: str) -> str:
        """The uuid of the finding on a requirement."""
        where = (self.manifest.id, self.book.account, self.framework.id)
        return uid("finding", *where, requirement)

    def component(self, service: str) -> str:
        """The uuid of a service's component in the customer's system."""
        return uid("component", self.system, service)

    @cached_property
    def judged(self) -> dict[Judged, dict[str, Any]]:
        """Every check that bears on a requirement, with one row of what it found."""
        return {self.key(row): row for told, _ in self.told for row in told.checks}

    def by_service(self, told: Told) -> dict[str, list[dict[str, Any]]]:
        """Service in use -> the requirement's checks that judge its resources."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in told.checks:
            compiled = self.compliance.checks.get(row["check"])
            for service in sorted(services_of(compiled.check.table)) if compiled else ():
                if service in self.services:
                    found.setdefault(service, []).append(row)
        return dict(sorted(found.items()))

    def state(self, rows: Sequence[Mapping[str, Any]]) -> State:
        """How some of a requirement's checks stand together; what says nothing is not evaluated."""
        told = [
            (
                Weight(row["weight"]),
                Tally(**{n: row[n] for n in COUNTS}, lacking=row["lacking"]),
            )
            for row in rows
        ]
        return technical_state(told) or State.NOT_EVALUATED

    def side(self, service: str, rows: Sequence[Mapping[str, Any]]) -> Side:
        """What each side does on the lines of a service that these checks look at."""
        checks = self.compliance.checks
        domains = {checks[row["check"]].check.domain for row in rows if row["check"] in checks}
        aws: list[str] = []
        customer: list[str] = []
        owners: dict[str, str] = {}
        variants = [model().variants[v] for v in self.services[service].possible()]
        for domain in (d for d in DOMAINS if d in domains):
            title = model().domains[domain].title
            known: set[str] = set()
            for variant in variants:
                owner, text = variant.owner(domain), model().text(variant, domain)
                known.add(owner.value)
                of = f"{title}, {variant.variant}" if len(variants) > 1 else title
                if text.aws and owner not in (Owner.CUSTOMER, Owner.NONE):
                    aws.append(f"{of}: {text.aws}")
                if text.customer and owner not in (Owner.AWS, Owner.NONE):
                    customer.append(f"{of}: {text.customer}")
            owners[domain] = known.pop() if len(known) == 1 else "mixed"
        return Side(aws, customer, owners)

    @cached_property
    def subjects(self) -> dict[Judged, tuple[list[dict[str, Any]], int]]:
        """Check -> its resources, those that fail first, and how many more there are than told.

        Keys: account_id, region, resource_arn, resource_name, status, table, item (uuid in the inventory).
        """
        found: dict[Judged, tuple[list[dict[str, Any]], int]] = {}
        tables: dict[str, list[Judged]] = {}
        for judged in self.judged:
            compiled = self.compliance.checks.get(judged.check)
            if compiled is None or judged.check not in self.manifest.checks:
                continue
            if judged.params:
                rows = self.book.rows_of(judged, _WORST)
                rows.sort(key=lambda r: _WORST.index(r["status"]))
                cut = [self._item(compiled.check.table, row) for row in rows[:MOST_SUBJECTS]]
                found[judged] = (cut, len(rows) - len(cut))
            else:
                tables.setdefault(compiled.check.table, []).append(judged)
        for table, keys in sorted(tables.items()):
            rows_by_check: dict[str, list[dict[str, Any]]] = {}
            more: dict[str, int] = {}
            for check, account, region, arn, name, status, total in self._stored(table, keys):
                row = {"account_id": account, "region": region, "resource_arn": arn}
                row |= {"resource_name": name, "status": status}
                rows_by_check.setdefault(check, []).append(self._item(table, row))
                more[check] = total
            for key in keys:
                rows = rows_by_check.get(key.check, [])
                found[key] = (rows, more.get(key.check, 0) - len(rows))
        return found

    def _stored(self, table: str, keys: Sequence[Judged]) -> Iterator[tuple[Any, ...]]:
        """check, account, Region, ARN, name, status, and how many rows the check has, worst first."""
        from partywall.findings.model import VERDICT_NAMES
        from partywall.findings.verdicts import KEYS, verdict_file

        path = verdict_file(self.compliance.lake.directory, table)
        if not path.exists():
            return
        names = {name: int(v) for v, name in VERDICT_NAMES.items()}
        order = " ".join(f"WHEN {names[s]} THEN {i}" for i, s in enumerate(_WORST))
        told = " ".join(f"WHEN {names[s]} THEN {literal(s)}" for s in _WORST)
        columns = ", ".join(quote(k.check) for k in keys)
        place = ", ".join(map(quote, KEYS))
        where = "" if self.book.account == ALL else f" WHERE account_id = {literal(self.book.account)}"
        known = ", ".join(str(names[s]) for s in _WORST)
        yield from self.compliance.lake.execute(
            f"SELECT c, {place}, CASE v {told} END, n FROM (SELECT *, CASE v {order} END AS o,"
            " count(*) OVER (PARTITION BY c) AS n,"
            f" row_number() OVER (PARTITION BY c ORDER BY CASE v {order} END, {place}) AS i FROM"
            f" (UNPIVOT (SELECT {place}, {columns} FROM read_parquet({literal(str(path))}){where})"
            f" ON {columns} INTO NAME c VALUE v) WHERE v IN ({known}))"
            f" WHERE i <= {MOST_SUBJECTS} ORDER BY c, i"
        ).fetchall()

    def _item(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        place = [row[n] or "" for n in ("account_id", "region", "resource_arn", "resource_name")]
        return {**row, "table": table, "item": uid("item", table, *place)}

    @cached_property
    def inventory(self) -> list[dict[str, Any]]:
        """The inventory items of all subjects. What came from the account stands in properties only."""
        found: dict[str, dict[str, Any]] = {}
        for rows, _ in self.subjects.values():
            for row in rows:
                if row["item"] in found:
                    continue
                services = sorted(services_of(row["table"]) & set(self.services))
                made: dict[str, Any] = {
                    "uuid": row["item"],
                    "description": f"A row of the table {row['table']}.",
                    "props": props(
                        asset_id=row["resource_arn"] or row["resource_name"] or row["account_id"],
                        name=row["resource_name"],
                        account_id=row["account_id"],
                        region=row["region"],
                        table=row["table"],
                    ),
                }
                if len(services) == 1:
                    made["implemented-components"] = [{"component-uuid": self.component(services[0])}]
                found[row["item"]] = made
        return [found[key] for key in sorted(found)]
