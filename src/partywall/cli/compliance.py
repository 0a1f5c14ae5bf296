"""`partywall compliance`: how an account stands by frameworks, down to checks and resources."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.cli.console import console, grid, print_json
from partywall.cli.options import day
from partywall.errors import UserError, did_you_mean
from partywall.frameworks.model import State

if TYPE_CHECKING:
    from partywall.frameworks.assess import Compliance
    from partywall.frameworks.model import Framework, Requirement

_STYLES: Final = {
    State.SATISFIED: "green",
    State.NOT_SATISFIED: "red",
    State.NOT_EVALUATED: "yellow",
    State.NOT_APPLICABLE: "dim",
    State.INHERITED: "blue",
    State.INHERITED_STALE: "magenta",
    State.ATTESTED: "cyan",
    State.ATTESTED_EXPIRED: "magenta",
    State.EXCEPTED: "magenta",
}
_HEADS: Final = {
    State.SATISFIED: "satis-\nfied",
    State.NOT_SATISFIED: "not\nsatisfied",
    State.NOT_EVALUATED: "not\nevaluated",
    State.NOT_APPLICABLE: "not\napplicable",
    State.INHERITED: "inher-\nited",
    State.INHERITED_STALE: "inherited\nstale",
    State.ATTESTED: "attested",
    State.ATTESTED_EXPIRED: "attested\nexpired",
    State.EXCEPTED: "excepted",
}
_MOST_RESOURCES: Final = 50


@dataclass(frozen=True, slots=True)
class Request:
    """What to show of which scan."""

    framework: str | None
    data: Path
    scan: str
    account: str
    states: tuple[str, ...]
    requirement: str | None
    form: str
    fail_on: tuple[str, ...]
    scope: str
    as_of: str | None
    frameworks_dirs: tuple[Path, ...]
    checks_dirs: tuple[Path, ...]
    config: Path | None


def run(request: Request) -> int:
    """Shows the asked for; 1 where a requirement is in a state of --fail-on, else 0. Raises UserError."""
    from partywall.frameworks.assess import open_compliance
    from partywall.frameworks.loader import find, load_frameworks

    _states(request.states, "--state")
    failing = _states(request.fail_on, "--fail-on")
    if request.scope not in ("enabled", "scanned"):
        raise UserError(f"--scope is enabled or scanned, not {request.scope!r}")
    frameworks = load_frameworks(request.frameworks_dirs)
    framework = find(frameworks, request.framework) if request.framework else None
    if framework is None and (request.requirement or request.states):
        raise UserError("--requirement and --state go with a framework: partywall compliance pci --state …")
    compliance = open_compliance(
        request.data,
        request.scan,
        frameworks_dirs=request.frameworks_dirs,
        checks_dirs=request.checks_dirs,
        config=request.config,
        today=day(request.as_of, "--as-of") if request.as_of else None,
        scanned_only=request.scope == "scanned",
        only=framework.id if framework else "",
    )
    if request.account != "*" and request.account not in compliance.accounts:
        raise UserError(
            f"the scan has no account {request.account!r}; it has {', '.join(compliance.accounts)}"
        )
    if framework is None:
        return _overview(compliance, request, failing)
    if request.requirement:
        return _drill(compliance, framework, request, failing)
    return _framework(compliance, framework, request, failing)


def _states(words: Sequence[str], option: str) -> set[str]:
    for word in words:
        if word not in set(State):
            raise UserError(f"{option} is one of {', '.join(State)}, not {word!r}")
    return set(words)


def _overview(compliance: Compliance, request: Request, failing: set[str]) -> int:
    from partywall.frameworks.rows import summary_row

    summaries = [compliance.summary(f, request.account) for f in compliance.frameworks.values()]
    if request.form == "json":
        print_json({**_head(compliance, request), "frameworks": [summary_row(s) for s in summaries]})
    elif request.form == "csv":
        names = ("framework", "version", "account_id", "total", "evaluated", *State)
        rows = [{**row, **row["states"]} for row in map(summary_row, summaries)]
        _csv(names, rows)
    else:
        screen = console()
        _title(compliance, request, screen)
        right = tuple(range(1, len(_HEADS) + 2))
        table = grid(
            "framework", "require-\nments", *_HEADS.values(), "evaluated", right=(*right, right[-1] + 1)
        )
        for summary in summaries:
            cells = [_count(n, state) for state, n in summary.states.items()]
            name = f"{summary.framework.id}"
            table.add_row(name, str(summary.total), *cells, f"{summary.evaluated} / {summary.total}")
        screen.print(table)
        for note in compliance.limits():
            screen.print(note)
    found = {str(state) for s in summaries for state, count in s.states.items() if count}
    return 1 if found & failing else 0


def _framework(compliance: Compliance, framework: Framework, request: Request, failing: set[str]) -> int:
    from partywall.frameworks.rows import FLAT, flat_row, requirement_row, summary_row

    standings = compliance.standings(framework, request.account)
    shown = [s for s in standings if not request.states or s.state in request.states]
    summary = compliance.summary(framework, request.account)
    outside, untold = compliance.scope_violations(framework, request.account)
    if request.form == "json":
        found = {
            "requirements": [requirement_row(framework, s) for s in shown],
            "scope_violations": outside,
            "resources_of_unknown_tags": untold,
        }
        print_json({**_head(compliance, request), **summary_row(summary), **found})
    elif request.form == "csv":
        _csv([name for name, _, _ in FLAT], [flat_row(framework, s) for s in shown])
    else:
        from rich.text import Text

        screen = console()
        _title(compliance, request, screen)
        screen.print(f"{framework.name} {framework.version}", style="bold")
        line = Text()
        for state, count in summary.states.items():
            if count:
                line.append(f"{count} {_word(state)}", style=_STYLES[state]).append("  ")
        line.append(f"of {summary.total} requirements, evaluated {summary.evaluated} / {summary.total}")
        screen.print(line)
        for note in compliance.limits():
            screen.print(note, style="dim")
        screen.print()
        table = grid("requirement", "state", "title", "why")
        for standing in shown:
            why = "; ".join(p.why for p in standing.parts if p.state in (standing.state, None))
            table.add_row(
                standing.requirement.id,
                Text(_word(standing.state), style=_STYLES[standing.state]),
                _clip(standing.requirement.title, 64),
                _clip(why or standing.requirement.unprovable, 160),
            )
        screen.print(table)
        _print_outside(screen, outside, untold)
    return 1 if {str(s.state) for s in standings} & failing else 0


def _print_outside(screen: Any, outside: Sequence[dict[str, Any]], untold: int) -> None:
    from partywall.outputs.text import plural, visible

    if outside:
        screen.print("\nData tagged as health information in services not known to be eligible", style="bold")
        table = grid("status", "service", "account", "region", "resource", "tag")
        for row in outside[:_MOST_RESOURCES]:
            name = visible(row["resource_arn"] or row["resource_name"] or "")
            place = (row["account_id"] or "", row["region"] or "", name, visible(row["tag"]))
            table.add_row(row["status"], row["service"], *place)
        screen.print(table)
        if len(outside) > _MOST_RESOURCES:
            screen.print(f"… and {len(outside) - _MOST_RESOURCES:,} more; --format json shows them all")
    if untold:
        screen.print(f"\nThe tags of {plural(untold, 'resource')} are not known: they may hold it too.")


def _drill(compliance: Compliance, framework: Framework, request: Request, failing: set[str]) -> int:
    import msgspec

    from partywall.frameworks.rows import requirement_row

    requirement = _requirement(framework, request.requirement or "")
    standing = compliance.judge(framework).standing(requirement, request.account)
    checks = compliance.drill(requirement, request.account)
    found = compliance.open_resources(requirement, request.account)
    row = requirement_row(framework, standing)
    if request.form == "json":
        theirs = [msgspec.structs.asdict(m) for m in compliance.aws_mappings(framework, requirement)]
        told = {"evidence": checks, "aws_mappings": theirs, "open_resources": found}
        print_json({**_head(compliance, request), **row, **told})
    elif request.form == "csv":
        names = ("check", "status", "excepted", "account_id", "region", "resource_arn", "resource_name")
        _csv(names, found)
    else:
        _print_requirement(compliance, framework, requirement, standing, checks, found, request)
    return 1 if str(standing.state) in failing else 0


def _print_requirement(
    compliance: Compliance,
    framework: Framework,
    requirement: Requirement,
    standing: Any,
    checks: Sequence[dict[str, Any]],
    found: Sequence[dict[str, Any]],
    request: Request,
) -> None:
    from rich.text import Text

    from partywall.outputs.text import visible

    screen = console()
    _title(compliance, request, screen)
    screen.print(f"{framework.name} {framework.version}  {requirement.id}  {requirement.title}", style="bold")
    screen.print(Text(_word(standing.state), style=_STYLES[standing.state]))
    for part in standing.parts:
        said = _word(part.state) if part.state else "says nothing by itself"
        asked = {
            "aws": requirement.aws.what if requirement.aws else "",
            "process": requirement.process.statement if requirement.process else "",
            "technical": requirement.technical.why if requirement.technical else "",
        }[part.kind]
        screen.print(f"\n{part.kind}: {said}: {part.why}", style=_STYLES.get(part.state, ""))
        if asked:
            screen.print(f"  {asked}")
    if requirement.unprovable:
        screen.print(f"\nNo check proves it: {requirement.unprovable}")
    if checks:
        screen.print()
        right = (3, 4, 5, 6)
        table = grid(
            "check",
            "weight",
            "status",
            "pass",
            "fail",
            "unknown",
            "excepted",
            "objective",
            "why",
            right=right,
        )
        for row in checks:
            numbers = [str(row[n]) for n in ("passes", "fails", "unknown", "excepted")]
            why = f"{row['why']} [{row['lacking']}]" if row["lacking"] else row["why"]
            table.add_row(row["check"], row["weight"], row["status"], *numbers, row["objective"], why)
        screen.print(table)
    theirs = compliance.aws_mappings(framework, requirement)
    if theirs:
        screen.print("\nAWS's own mapping, as imported (no state rests on it)", style="bold")
        table = grid("by", "control", "framework", "check", "read")
        for m in theirs:
            table.add_row(m.by, m.control, visible(m.name), m.check, f"{m.read_at:%Y-%m-%d}, {m.account_id}")
        screen.print(table)
    if found:
        screen.print()
        table = grid("status", "check", "account", "region", "resource")
        for row in found[:_MOST_RESOURCES]:
            name = row["resource_arn"] or row["resource_name"] or ""
            status = "excepted" if row["excepted"] else row["status"]
            table.add_row(status, row["check"], row["account_id"] or "", row["region"] or "", visible(name))
        screen.print(table)
        if len(found) > _MOST_RESOURCES:
            screen.print(f"… and {len(found) - _MOST_RESOURCES:,} more; --format csv writes them all")


def _requirement(framework: Framework, name: str) -> Requirement:

    from partywall.frameworks.states import counted

    requirements = {r.id.casefold(): r for r in framework.requirements}
    found = requirements.get(name.casefold())
    if found is None:
        hint = did_you_mean(name, [r.id for r in framework.requirements])
        raise UserError(f"{framework.id} has no requirement {name!r}{hint}")
    if found not in counted(framework):
        below = [r.id for r in framework.requirements if r.parent == found.id]
        said = "was withdrawn" if found.withdrawn else f"is a heading; below it: {', '.join(below[:12])}"
        raise UserError(f"{framework.id} {found.id} {said}")
    return found


def _head(compliance: Compliance, request: Request) -> dict[str, Any]:
    return {
        "scan": compliance.lake.manifest.id,
        "scanned_at": compliance.lake.manifest.started_at,
        "as_of": compliance.today,
        "account_id": request.account,
        "scope": request.scope,
        "limits": compliance.limits(),
    }


def _title(compliance: Compliance, request: Request, screen: Any) -> None:
    manifest = compliance.lake.manifest
    accounts = (
        f"account {request.account}" if request.account != "*" else f"{len(compliance.accounts)} accounts"
    )
    screen.print(f"scan {manifest.id}, {accounts}, as of {compliance.today}", style="dim")


def _word(state: State) -> str:
    return str(state).replace("_", " ")


def _count(number: int, state: State) -> Any:
    from rich.text import Text

    return Text(str(number), style=_STYLES[state] if number else "dim")


def _clip(text: str, limit: int) -> str:
    from partywall.outputs.text import clip, visible

    return clip(visible(text), limit)


def _csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    from partywall.outputs.table import write_csv

    write_csv(names, ([row[name] for name in names] for row in rows), sys.stdout)


def import_mappings(
    data: Path, profile: str | None, role_arns: tuple[str, ...], external_id: str | None, region: str | None
) -> int:
    """Reads AWS's own mappings with the user's credentials into the data directory; 1 where calls failed."""
    from botocore.config import Config as BotoConfig

    from partywall.aws.credentials import resolve
    from partywall.aws.partitions import home_region
    from partywall.checks.loader import catalogue
    from partywall.cli.sending import session_of
    from partywall.frameworks.imported import read, save

    controls = sorted({ref for c in catalogue().values() for ref in c.check.ref_ids("securityhub")})
    failed = 0
    for role in role_arns or (None,):
        identity = resolve(profile, role, external_id, region=region)
        session = session_of(identity)
        place = region or home_region(identity.partition, "securityhub")
        config = BotoConfig(retries={"mode": "adaptive", "max_attempts": 8})

        def client(service: str, session: Any = session, place: str = place, config: Any = config) -> Any:
            return session.create_client(service, region_name=place, config=config)

        found = read(client, identity.account_id, place, controls)
        path = save(data, found)
        print(f"{len(found.mappings)} mappings of account {identity.account_id} ({place}) kept in {path}")
        for gap in found.unanswered[:5]:
            print(f"partywall: {gap.operation} {gap.about} was not answered: {gap.code}", file=sys.stderr)
        if len(found.unanswered) > 5:
            print(f"partywall: and {len(found.unanswered) - 5} calls more", file=sys.stderr)
        failed += len(found.unanswered)
    return int(failed > 0)
