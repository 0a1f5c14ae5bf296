"""What framework files must hold: every id and none invented, names that exist, parts that fit, reasons.

`python -m partywall.frameworks.lint [FRAMEWORK …]` prints the faults and exits 1 where there are any.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from partywall.checks.model import DOMAINS, Check
from partywall.errors import did_you_mean
from partywall.frameworks.files import FrameworkError
from partywall.frameworks.loader import EvidenceGroup, Library, Unmapped
from partywall.frameworks.model import Evidence, Framework, Objective, Requirement, Weight
from partywall.frameworks.states import evidence_for, is_heading

_IDS: Final = Path(__file__).parent / "ids.json"
_KINDS: Final = {"T": "technical", "P": "process", "I": "aws"}


class IdList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids that a framework has, told by their number and hash; `groups` are parents without a line."""

    source: str
    count: int
    sha256: str
    groups: list[str]


@cache
def known_ids() -> Mapping[str, IdList]:
    """Framework id -> what its complete list of ids amounts to."""
    return msgspec.json.decode(_IDS.read_bytes(), type=dict[str, IdList])


def id_hash(ids: Iterable[str]) -> str:
    """sha256 of the ids in order of code points, one a line."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def lint_framework(
    framework: Framework,
    objectives: Collection[str],
    evidence: Mapping[str, Sequence[Evidence]],
    checks: Mapping[str, Check],
    programmes: Collection[str],
) -> list[str]:
    """A sentence for each fault of a framework."""
    faults = [*_ids(framework)]
    if framework.programme and framework.programme not in programmes:
        faults.append(
            f"there is no programme {framework.programme!r}{did_you_mean(framework.programme, programmes)}"
        )
    for requirement in framework.requirements:
        found = _requirement(requirement, objectives, evidence, checks, programmes, framework)
        faults += [f"{requirement.id}: {fault}" for fault in found]
    return [f"{framework.id}: {fault}" for fault in faults]


def _ids(framework: Framework) -> Iterator[str]:
    ids = [r.id for r in framework.requirements]
    for name, count in Counter(ids).items():
        if count > 1:
            yield f"{name} stands there {count} times"
    parents = {r.parent for r in framework.requirements} - {""}
    for parent in sorted(parents - set(ids)):
        yield f"the parent {parent} is no requirement: add it as a heading"
    for requirement in framework.requirements:
        if is_heading(requirement) and not requirement.withdrawn and requirement.id not in parents:
            yield f"{requirement.id} has neither parts, `unprovable` nor children"
    listed = known_ids().get(framework.id)
    if listed is None:
        return
    own = set(ids) - set(listed.groups)
    if len(own) != listed.count or id_hash(own) != listed.sha256:
        yield f"its {len(own)} ids are not the {listed.count} of {listed.source}: some miss or are invented"


def _requirement(
    requirement: Requirement,
    objectives: Collection[str],
    evidence: Mapping[str, Sequence[Evidence]],
    checks: Mapping[str, Check],
    programmes: Collection[str],
    framework: Framework,
) -> Iterator[str]:
    kinds = [kind for kind in _KINDS.values() if getattr(requirement, kind) is not None]
    if requirement.withdrawn or is_heading(requirement):
        if requirement.withdrawn and (kinds or requirement.unprovable):
            yield "it is withdrawn, so it has no parts"
        return
    yield from _type(requirement, kinds)
    if kinds and not requirement.by.strip():
        yield "says nobody set its mapping (`by`)"
    if requirement.aws is not None:
        for name in requirement.aws.programmes:
            if name not in programmes:
                yield f"there is no programme {name!r}{did_you_mean(name, programmes)}"
        if not requirement.aws.programmes and not framework.programme:
            yield "its AWS part names no programme, and the framework has none"
        if not requirement.aws.what.strip():
            yield "its AWS part does not say what AWS does"
    if requirement.process is not None and not requirement.process.statement.strip():
        yield "its process part does not say what an attestation must state"
    part = requirement.technical
    if part is None:
        return
    if not part.objectives and not part.checks:
        yield "its technical part names neither objectives nor checks"
    if not (part.why or requirement.why).strip():
        yield "does not say why it is mapped so"
    for name, count in Counter(part.objectives).items():
        if name not in objectives:
            yield f"there is no objective {name!r}{did_you_mean(name, objectives)}"
        if count > 1:
            yield f"names the objective {name} {count} times"
    yield from _rows(part.checks, checks)
    rows = [row for row, _ in evidence_for(requirement, evidence)]
    brought = {row.check for row in rows}
    for check, params in part.params.items():
        if check not in brought:
            yield f"sets parameters of {check}, which neither its objectives nor its checks bring"
        yield from _params(check, params, checks)
    proven = any(row.weight is Weight.PROVES for row in rows)
    if not proven and requirement.process is None:
        yield "no check proves it, so it needs a process part"


def _type(requirement: Requirement, kinds: Sequence[str]) -> Iterator[str]:
    type_ = requirement.type
    if type_ in _KINDS:
        wanted = _KINDS[type_]
        # What no check can prove is left to people: a technical requirement may have a process part for it.
        if wanted not in kinds and not requirement.unprovable:
            yield f"its type is {type_}, and it has no {wanted} part"
        for kind in kinds:
            if kind != wanted and not (kind == "process" and type_ != "P"):
                yield f"its type is {type_}, and it has a part of kind {kind}: the type is X then"
    elif type_ == "X":
        if len(kinds) < 2 and not requirement.unprovable:
            yield f"its type is X, and it has only {kinds[0] if kinds else 'no'} part"
    else:
        yield f"its type is {type_!r}: one of T, P, I, X"


def _rows(rows: Sequence[Evidence], checks: Mapping[str, Check]) -> Iterator[str]:
    for name, count in Counter(row.check for row in rows).items():
        if count > 1:
            yield f"maps the check {name} {count} times"
    for row in rows:
        if row.check not in checks:
            yield f"there is no check {row.check!r}{did_you_mean(row.check, checks)}"
        if not row.why.strip() or not row.by.strip():
            yield f"the row for {row.check} does not say why or by whom"
        yield from _params(row.check, row.params, checks)


def _params(name: str, params: Mapping[str, Any], checks: Mapping[str, Check]) -> Iterator[str]:
    check = checks.get(name)
    for key, value in params.items() if check else ():
        declared = check.params.get(key) if check else None
        if declared is None:
            yield f"{name} has no parameter {key!r}"
        elif not _like(value, declared.default):
            yield f"{name}: {key} is {value!r}, but wants a value like {declared.default!r}"


def _like(value: Any, default: Any) -> bool:
    numbers = isinstance(default, int | float) and isinstance(value, int | float)
    return numbers or type(value) is type(default)


def lint_mapping(
    objectives: Sequence[Objective],
    groups: Sequence[EvidenceGroup],
    unmapped: Sequence[Unmapped],
    checks: Mapping[str, Check],
) -> list[str]:
    """A sentence for each fault of the objectives and of what checks say of them."""
    faults: list[str] = []
    names = [objective.id for objective in objectives]
    faults += [f"the objective {n} stands there {c} times" for n, c in Counter(names).items() if c > 1]
    faults += [
        f"the objective {o.id} has the unknown domain {o.domain!r}"
        for o in objectives
        if o.domain not in DOMAINS
    ]
    rows: Counter[tuple[str, str]] = Counter()
    for group in groups:
        place = f"the evidence for {group.objective}"
        if group.objective not in names:
            faults.append(f"{place}: there is no such objective{did_you_mean(group.objective, names)}")
        if not group.checks:
            faults.append(f"{place} names no check")
        if not group.why.strip() or not group.by.strip() or group.set_on is None:
            faults.append(f"{place} does not say why, by whom and when")
        for check in group.checks:
            rows[(group.objective, check)] += 1
            if check not in checks:
                faults.append(f"{place}: there is no check {check!r}{did_you_mean(check, checks)}")
            faults += [f"{place}: {fault}" for fault in _params(check, group.params, checks)]
    faults += [f"{check} bears on {o} {n} times" for (o, check), n in rows.items() if n > 1]
    left_out = Counter(check for entry in unmapped for check in entry.checks)
    mapped = {check for _, check in rows}
    for entry in unmapped:
        if not entry.why.strip():
            faults.append(f"unmapped: no reason for {', '.join(entry.checks)}")
    for check, count in left_out.items():
        if check not in checks:
            faults.append(f"unmapped: there is no check {check!r}{did_you_mean(check, checks)}")
        if check in mapped:
            faults.append(f"{check} is both mapped and unmapped")
        if count > 1:
            faults.append(f"{check} is left out {count} times")
    faults += [
        f"the check {check} bears on no objective: map it, or say in unmapped.yaml why not"
        for check in checks
        if check not in mapped and check not in left_out
    ]
    return faults


def lint_library(found: Library, checks: Mapping[str, Check], programmes: Collection[str]) -> list[str]:
    """Every fault of what comes with partywall."""
    objectives = {objective.id for objective in found.objectives}
    evidence = found.evidence()
    faults = lint_mapping(found.objectives, found.groups, found.unmapped, checks)
    names: Counter[str] = Counter(n.casefold() for f in found.frameworks for n in (f.id, *f.aliases))
    faults += [f"{count} frameworks are called {name}" for name, count in names.items() if count > 1]
    for framework in found.frameworks:
        if framework.id not in known_ids():
            faults.append(f"{framework.id}: ids.json does not know which ids it has")
        faults += lint_framework(framework, objectives, evidence, checks, programmes)
    return faults


def check_user_frameworks(
    frameworks: Mapping[str, Framework],
    evidence: Mapping[str, Sequence[Evidence]],
    checks: Mapping[str, Check],
) -> None:
    """Raises FrameworkError for the first fault of a framework that is not partywall's own."""
    from partywall.evidence.programmes import programmes
    from partywall.frameworks.loader import library

    own = {framework.id for framework in library().frameworks}
    for framework in frameworks.values():
        if framework.id not in own:
            for fault in lint_framework(framework, set(evidence), evidence, checks, programmes()):
                raise FrameworkError(f"the framework {fault}")


def main(names: Sequence[str]) -> int:
    """Prints the faults (of the named frameworks and of the mapping); 1 where there are any."""
    import sys

    from partywall.checks.loader import catalogue
    from partywall.evidence.programmes import programmes
    from partywall.frameworks.loader import read_library

    checks = {loaded.check.id: loaded.check for loaded in catalogue().values()}
    faults = lint_library(read_library(), checks, programmes())
    chosen = [f for f in faults if not names or f.partition(":")[0] in names]
    sys.stdout.write("".join(f"{fault}\n" for fault in chosen))
    return 1 if chosen else 0


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
