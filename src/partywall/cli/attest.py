"""`partywall attest`: what people state of requirements, and plans of action."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.options import Data, day

if TYPE_CHECKING:
    from datetime import date

    from partywall.evidence.model import Milestone

attest = typer.Typer(
    help="Record what people state of requirements that no API can answer; nothing is ever rewritten.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
poam = typer.Typer(
    help="Plan of action and milestones: known weaknesses, who mends them and by when.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
attest.add_typer(poam, name="poam")


class Form(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"


AsForm = Annotated[Form, typer.Option("--format", help="table or json.")]
Frameworks = Annotated[
    list[Path] | None, typer.Option("--frameworks-dir", help="Directory with your own frameworks (repeat).")
]
_DATA = Path("partywall-data")


@attest.command("add")
def add(
    framework: Annotated[str, typer.Option(help="The framework, such as pci.")],
    requirement: Annotated[str, typer.Option(help="The requirement's id, such as 12.1.1.")],
    statement: Annotated[str, typer.Option(help="What is stated.")],
    author: Annotated[str, typer.Option(help="Who states it.")],
    effective: Annotated[str, typer.Option(help="The day from which it holds, such as 2026-01-01.")],
    valid_until: Annotated[str, typer.Option(help="Its last day.")],
    reviewer: Annotated[
        str, typer.Option(help="Who reviewed it, another than the author (or later: attest review).")
    ] = "",
    file: Annotated[
        list[Path] | None, typer.Option(help="A file that it rests on: its hash is kept (repeat).")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Keep copies of the files too.")] = False,
    accounts: Annotated[
        list[str] | None, typer.Option(help="Account ids or globs that it is about (default: all).")
    ] = None,
    frameworks_dir: Frameworks = None,
    data: Data = _DATA,
) -> None:
    """Record an attestation. It is in force once another person than its author reviewed it."""
    from partywall.evidence.attestations import add as record

    name, number = _requirement(framework, requirement, frameworks_dir)
    made = record(
        data,
        framework=name,
        requirement=number,
        statement=statement,
        author=author,
        reviewer=reviewer,
        effective=day(effective, "--effective"),
        valid_until=day(valid_until, "--valid-until"),
        accounts=[a.strip() for value in accounts or ["*"] for a in value.split(",")],
        files=file or (),
        copy=copy,
    )
    print(f"{made.id} recorded: {name} {number}, {made.effective} to {made.valid_until}")
    if not made.reviewer:
        print(f"it is in force once reviewed: partywall attest review {made.id} --reviewer NAME")


@attest.command("review")
def review(
    id: Annotated[str, typer.Argument(help="The attestation, such as A0001.")],
    reviewer: Annotated[str, typer.Option(help="Who reviewed it, another than the author.")],
    data: Data = _DATA,
) -> None:
    """Record that another person than the author reviewed an attestation, which puts it in force."""
    from partywall.evidence.attestations import review as record

    made = record(data, id, reviewer)
    print(f"{made.id} reviewed by {made.reviewer}")


@attest.command("withdraw")
def withdraw(
    id: Annotated[str, typer.Argument(help="The attestation, such as A0001.")],
    by: Annotated[str, typer.Option(help="Who withdraws it.")],
    why: Annotated[str, typer.Option(help="Why it no longer holds.")],
    data: Data = _DATA,
) -> None:
    """Record that an attestation no longer holds; the record of it stays."""
    from partywall.evidence.attestations import withdraw as record

    made = record(data, id, by, why)
    print(f"{made.id} withdrawn by {made.withdrawn_by}")


@attest.command("list")
def listing(
    framework: Annotated[str | None, typer.Option(help="Only of this framework.")] = None,
    state: Annotated[
        str | None,
        typer.Option(help="attested, attested_expired, unreviewed, not_yet_effective or withdrawn."),
    ] = None,
    format: AsForm = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """List the attestations and how each stands today."""
    from partywall.cli.console import console, grid, print_json
    from partywall.evidence.attestations import load, status
    from partywall.outputs.text import clip, visible

    name = _framework(framework) if framework else None
    rows = [
        (a, s)
        for a in load(data)
        if (name is None or a.framework == name) and ((s := status(a, _today())) == state or state is None)
    ]
    if format is Form.JSON:
        print_json([{**_plain(a), "state": s} for a, s in rows])
        return
    table = grid(
        "id", "state", "framework", "requirement", "effective", "until", "author", "reviewer", "says"
    )
    for a, s in rows:
        says = visible(clip(a.statement, 80))
        people = [visible(a.author), visible(a.reviewer) or "-"]
        days = [str(a.effective), str(a.valid_until)]
        table.add_row(a.id, s, a.framework, a.requirement, *days, *people, says)
    console().print(table)


@attest.command("show")
def show(
    id: Annotated[str, typer.Argument(help="The attestation, such as A0001.")],
    format: AsForm = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """Show one attestation whole, with its files' hashes."""
    from partywall.evidence.attestations import get, load, status

    found = get(load(data), id)
    _show({**_plain(found), "state": status(found, _today())}, format)


@poam.command("add")
def poam_add(
    weakness: Annotated[str, typer.Option(help="What is wrong.")],
    owner: Annotated[str, typer.Option(help="Who mends it.")],
    due: Annotated[str, typer.Option(help="The day by which it is mended, such as 2026-09-30.")],
    framework: Annotated[str, typer.Option(help="The requirement's framework.")] = "",
    requirement: Annotated[str, typer.Option(help="The requirement that it is about.")] = "",
    finding: Annotated[str, typer.Option(help="Or the finding, by its id.")] = "",
    check: Annotated[str, typer.Option(help="Or the check.")] = "",
    milestone: Annotated[
        list[str] | None, typer.Option(help="A step and its day: 2026-07-31=Rules reviewed (repeat).")
    ] = None,
    frameworks_dir: Frameworks = None,
    data: Data = _DATA,
) -> None:
    """Record a weakness with its plan."""
    from partywall.evidence.poam import add as record

    if framework and requirement:
        framework, requirement = _requirement(framework, requirement, frameworks_dir)
    made = record(
        data,
        weakness=weakness,
        owner=owner,
        due=day(due, "--due"),
        framework=framework,
        requirement=requirement,
        finding=finding,
        check=check,
        milestones=[_milestone(m) for m in milestone or ()],
    )
    print(f"{made.id} recorded, due {made.due}")


@poam.command("list")
def poam_list(
    open_only: Annotated[bool, typer.Option("--open", help="Leave closed items out.")] = False,
    format: AsForm = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """List the items and how each stands today."""
    from partywall.cli.console import console, grid, print_json
    from partywall.evidence.poam import load
    from partywall.outputs.text import visible

    rows = [(i, s) for i in load(data) if (s := i.state(_today())) != "closed" or not open_only]
    if format is Form.JSON:
        print_json([{**_plain(i), "state": s} for i, s in rows])
        return
    table = grid("id", "state", "due", "owner", "about", "weakness")
    for i, s in rows:
        about = f"{i.framework} {i.requirement}".strip() or i.finding or i.check
        table.add_row(i.id, s, str(i.due), visible(i.owner), visible(about), visible(i.weakness))
    console().print(table)


@poam.command("show")
def poam_show(
    id: Annotated[str, typer.Argument(help="The item, such as P0001.")],
    format: AsForm = Form.TABLE,
    data: Data = _DATA,
) -> None:
    """Show one item whole, with its milestones."""
    from partywall.evidence.poam import get, load

    found = get(load(data), id)
    _show({**_plain(found), "state": found.state(_today())}, format)


@poam.command("close")
def poam_close(
    id: Annotated[str, typer.Argument(help="The item, such as P0001.")],
    by: Annotated[str, typer.Option(help="Who closes it.")],
    why: Annotated[str, typer.Option(help="Why it is done with.")],
    data: Data = _DATA,
) -> None:
    """Record that an item is done with; the record of it stays."""
    from partywall.evidence.poam import close as record

    made = record(data, id, by, why)
    print(f"{made.id} closed by {made.closed_by}")


def _show(entry: dict[str, Any], form: Form) -> None:
    from partywall.cli.console import console, print_json
    from partywall.outputs.text import visible

    if form is Form.JSON:
        print_json(entry)
        return
    screen = console()
    for key, value in entry.items():
        if value in (None, "", []):
            continue
        if isinstance(value, list):
            items: list[Any] = value
            told = [", ".join(f"{k} {v}" for k, v in i.items()) if isinstance(i, dict) else i for i in items]
            value = "; ".join(map(str, told))
        screen.print(f"{key.replace('_', ' '):>16}  {visible(str(value))}")


def _plain(value: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.to_builtins(value)


def _today() -> date:
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def _milestone(text: str) -> Milestone:
    from partywall.errors import UserError
    from partywall.evidence.model import Milestone

    when, _, what = text.partition("=")
    if not what.strip():
        raise UserError(f"--milestone is a day and a step, such as 2026-07-31=Rules reviewed, not {text!r}")
    return Milestone(what.strip(), day(when.strip(), "--milestone"))


def _framework(name: str) -> str:
    from partywall.frameworks.loader import find, load_frameworks

    return find(load_frameworks(()), name).id


def _requirement(framework: str, requirement: str, directories: list[Path] | None) -> tuple[str, str]:
    """The ids of a framework and a requirement as they are spelt; raises UserError for unknown ones."""
    from partywall.errors import UserError, did_you_mean
    from partywall.frameworks.loader import find, load_frameworks

    found = find(load_frameworks(directories or ()), framework)
    known = {r.id.casefold(): r for r in found.requirements}
    named = known.get(requirement.strip().casefold())
    if named is None:
        hint = did_you_mean(requirement, [r.id for r in found.requirements])
        raise UserError(f"{found.id} has no requirement {requirement!r}{hint}")
    return found.id, named.id
