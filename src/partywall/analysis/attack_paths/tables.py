"""Builds the tables of attack paths: one row per path, and one per target with who gets at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.attack_paths.parts import UNKNOWN, Call, Factor, Step, Target
from partywall.analysis.attack_paths.study import AttackPath, AttackStudy, study
from partywall.analysis.tables import with_missing

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

Row = dict[str, Any]
ENTRIES: Final[Mapping[str, str]] = {
    "internet": "from_internet",
    "other-account": "from_other_account",
    "access-key": "from_access_key",
    "workload": "from_workload",
}
"""Kind of entry -> the column that tells whether a path leads from there."""


def attack_paths(lake: Lake) -> pa.Table:
    """A row per attack path, the worst first."""
    found = study(lake)
    return _table("attack_path", [path_row(p, rank) for rank, p in enumerate(found.paths, 1)])


def attack_targets(lake: Lake) -> pa.Table:
    """A row per target: whether somebody gets at it, and from where."""
    found = study(lake)
    made = _table("attack_target", [_target(found, target) for target in found.targets])
    return with_missing(made, found.untagged)


def path_row(path: AttackPath, rank: int) -> Row:
    """A path as a row of `attack_path`."""
    best = path.best
    target = best.target
    return {
        "account_id": target.account,
        "region": target.region,
        "arn": target.arn,
        "name": path.name,
        "tags": target.tags,
        "rank": rank,
        "certainty": best.certainty,
        "entry": best.entry.kind,
        "entry_name": best.entry.title,
        "entry_arn": best.entry.arn,
        "via_arn": path.via,
        "target_kind": target.kind,
        "target_name": target.name,
        "likelihood": best.likelihood,
        "damage": target.damage,
        "score": round(best.score, 1),
        "path_text": best.text,
        "steps": [_step(s) for s in best.steps],
        "likelihood_why": _factors(best.factors, lambda f: f.likelihood),
        "damage_why": _factors(target.factors, lambda f: f.damage),
        "techniques": list(dict.fromkeys(s.technique for s in best.steps)),
        "changes": [
            {"kind": c.kind, "subject": c.subject, "text": c.text, "check_id": c.check} for c in best.changes
        ],
        "routes": len(path.routes),
        "_failed": unlike(c for s in best.steps for c in s.failed),
    }


def _factors(factors: Iterable[Factor], weight: Any) -> list[Row]:
    return [{"name": f.name, "why": f.why, "weight": float(weight(f))} for f in factors]


def _step(step: Step) -> Row:
    return {
        "kind": step.kind,
        "title": step.title,
        "source": step.source,
        "target": step.target,
        "certainty": step.certainty,
        "technique": step.technique,
        "technique_name": step.technique_name,
        "why": step.why,
        "evidence": list(step.evidence),
    }


def unlike(calls: Iterable[Call]) -> list[Call]:
    """Failed calls, each once."""
    return list({tuple(sorted(c.items())): c for c in calls}.values())


def _target(found: AttackStudy, target: Target) -> Row:
    paths = found.of(target)
    known = [p for p in paths if p.best.certainty != UNKNOWN]
    failed: list[Call] = []
    lacking = [*target.failed, *found.failed]
    told: Row = {}
    for kind, column in ENTRIES.items():
        own = [p for p in paths if p.best.entry.kind == kind]
        sure = [p for p in own if p.best.certainty != UNKNOWN]
        # What did not answer may hide a path, which is then not known to be absent.
        told[column] = True if sure else None if own or lacking else False
        if not sure:
            failed += [*(c for p in own for s in p.best.steps for c in s.failed), *lacking]
    internet = _text([p for p in known if p.best.entry.kind == "internet"])
    return {
        "account_id": target.account,
        "region": target.region,
        "arn": target.arn,
        "name": target.name,
        "tags": target.tags,
        "kind": target.kind,
        "table_name": target.table,
        "damage": target.damage,
        **told,
        "certain": _certain(known, bool(lacking)),
        "likelihood": None if lacking else max((p.best.likelihood for p in known), default=0),
        "paths": None if lacking else len(known),
        "entries": None if lacking else sorted({p.best.entry.title for p in known}),
        "path_text": _text(known) if known or not lacking else None,
        "internet_path_text": internet if internet or not lacking else None,
        "_failed": unlike(failed or lacking),
    }


def _certain(known: Sequence[AttackPath], open_: bool) -> bool | None:
    return True if any(p.best.certainty == "certain" for p in known) else None if open_ else False


def _text(paths: Sequence[AttackPath]) -> str:
    return f"from {paths[0].best.entry.title}: {paths[0].best.text}" if paths else ""


def _table(name: str, rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    from partywall.tables.registry import table
    from partywall.tables.schema import arrow_schema

    schema = arrow_schema(table(name))
    return pa.Table.from_pylist([{f: row.get(f) for f in schema.names} for row in rows], schema=schema)
