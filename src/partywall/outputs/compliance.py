"""Compliance as plain data for the report's page: frameworks, requirements, and what bears on them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from partywall.frameworks.assess import Compliance
from partywall.frameworks.model import Framework, Requirement, State, Weight
from partywall.frameworks.states import ALL, Standing, evidence_for, is_heading
from partywall.frameworks.tally import Judged

STATE_WORDS: Final = {
    State.SATISFIED: (
        "Satisfied",
        "Checks prove it over everything there is, and what else it asks for is there too.",
    ),
    State.NOT_SATISFIED: ("Not satisfied", "At least one check that bears on it fails."),
    State.NOT_EVALUATED: ("Not evaluated", "Something is not known, or nobody attests to it."),
    State.NOT_APPLICABLE: ("Not applicable", "There is nothing to which it applies."),
    State.INHERITED: ("Inherited", "AWS's own audit reports cover it."),
    State.INHERITED_STALE: ("Inherited, stale", "AWS's report on it is too old."),
    State.ATTESTED: ("Attested", "A person attests to it, and another has reviewed that."),
    State.ATTESTED_EXPIRED: ("Attestation expired", "What a person attested has run out."),
    State.EXCEPTED: ("Excepted", "It fails only where somebody accepted the risk."),
}
_MOST_ACCOUNTS: Final = 50
_COUNTS: Final = ("passes", "fails", "unknown", "excepted", "not_applicable")


class _Table:
    """Distinct values in the order of their first use."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}
        self.values: list[Any] = []

    def place(self, key: Hashable, value: Any) -> int:
        found = self.places.setdefault(key, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


def compliance_page(found: Compliance) -> dict[str, Any]:
    """All frameworks over all accounts of a scan together.

    `checks` are [check id, params, status, passes, fails, unknown, excepted, not_applicable, lacking],
    `whys` are [weight, objective, why], `lists` are lists of [place in checks, place in whys]; a requirement
    names one of the lists (-1: no check bears on it). `accounts` are those whose states each requirement has.
    """
    checks, whys, lists = _Table(), _Table(), _Table()
    accounts = found.accounts if 1 < len(found.accounts) <= _MOST_ACCOUNTS else []

    def evidence(requirement: Requirement) -> int:
        rows: list[tuple[int, int]] = []
        for row, objective in evidence_for(requirement, found.evidence):
            judged = Judged.of(row.check, row.params)
            t = found.tallies.get(judged, ALL)
            told = [row.check, row.params, t.status, *(getattr(t, n) for n in _COUNTS), t.lacking]
            why = (str(row.weight), objective, row.why)
            rows.append((checks.place(judged, told), whys.place(why, why)))
        return lists.place(tuple(rows), rows) if rows else -1

    frameworks = [_framework(found, framework, accounts, evidence) for framework in found.frameworks.values()]
    return {
        "as_of": found.today.isoformat(),
        "limits": found.limits(),
        "states": [[str(state), *words] for state, words in STATE_WORDS.items()],
        "weights": [str(weight) for weight in Weight],
        "accounts": accounts,
        "frameworks": frameworks,
        "checks": checks.values,
        "whys": whys.values,
        "lists": lists.values,
    }


def _framework(found: Compliance, framework: Framework, accounts: list[str], evidence: Any) -> dict[str, Any]:
    summary = found.summary(framework)
    standings = {s.requirement.id: s for s in found.standings(framework)}
    by_account = [
        {s.requirement.id: str(s.state) for s in found.standings(framework, account)} for account in accounts
    ]
    outside, untold = found.scope_violations(framework)
    return {
        "id": framework.id,
        "name": framework.name,
        "version": framework.version,
        "about": framework.about,
        "source": framework.source,
        "total": summary.total,
        "evaluated": summary.evaluated,
        "states": {str(state): n for state, n in summary.states.items() if n},
        "requirements": [
            _requirement(r, standings.get(r.id), [states.get(r.id, "") for states in by_account], evidence)
            for r in framework.requirements
        ],
        "outside": outside,
        "untold": untold,
    }


def _requirement(
    requirement: Requirement, standing: Standing | None, accounts: list[str], evidence: Any
) -> dict[str, Any]:
    told: dict[str, Any] = {"id": requirement.id, "title": requirement.title, "parent": requirement.parent}
    if standing is None:
        return {**told, "heading": is_heading(requirement) and not requirement.withdrawn, "state": ""}
    asked = {
        "aws": requirement.aws.what if requirement.aws else "",
        "technical": (requirement.technical.why or requirement.why) if requirement.technical else "",
        "process": requirement.process.statement if requirement.process else "",
    }
    return {
        **told,
        "type": requirement.type,
        "state": str(standing.state),
        "parts": [[p.kind, str(p.state) if p.state else "", p.why, asked[p.kind]] for p in standing.parts],
        "unprovable": requirement.unprovable,
        "attributes": {
            key: str(value) for key, value in requirement.attributes.items() if value not in ("", None)
        },
        "accounts": accounts,
        "evidence": evidence(requirement),
    }
