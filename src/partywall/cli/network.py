"""`partywall network`: what can reach what, over the last scan."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partywall.cli.network_diagram import diagram_command
from partywall.cli.network_intent import intent_command
from partywall.cli.options import DEFAULT_DATA, AsListing, Data, Listing, ScanName
from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from partywall.analysis.network.answers import Ask, Place
    from partywall.analysis.network.study import Study

network = typer.Typer(
    help="What can reach what: AWS networking worked out exactly over the last scan.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Tables(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Wanted(StrEnum):
    """What an answer is expected to be."""

    REACHABLE = "reachable"
    NOT_REACHABLE = "not_reachable"


_FEW = 20

AsRows = Annotated[Tables, typer.Option("--format", help="table, csv or json.")]


def study_of(data: Path, scan: str) -> Study:
    """The network of a kept scan. Raises UserError where there is none."""
    from partywall.analysis.network.study import study
    from partywall.analysis.policy import FACTS
    from partywall.lake.engine import Lake, explained
    from partywall.lake.snapshot import DataDirectory

    directory = DataDirectory(data).resolve(scan)
    with explained(directory):
        return study(Lake(directory, FACTS))


@network.command("path")
def path_command(
    source: Annotated[
        str,
        typer.Option("--from", help="internet, on-premises, an id, ARN, name, address, tag:K=V, group:NAME."),
    ],
    target: Annotated[str, typer.Option("--to", help="Likewise; also a block such as 10.0.0.0/16.")],
    port: Annotated[
        int | None, typer.Option(help="Destination port (with --protocol icmp: the type).")
    ] = None,
    protocol: Annotated[str, typer.Option(help="tcp, udp, icmp, icmpv6, a number, or all.")] = "",
    expect: Annotated[
        Wanted | None, typer.Option(help="Exit with 1 where the answer is another (unknown is).")
    ] = None,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsListing = Listing.TABLE,
) -> None:
    """Tell whether one place reaches another, hop by hop, or everything that stops it."""
    from partywall.analysis.network.answers import path
    from partywall.analysis.network.explain import analysis, named
    from partywall.analysis.network.select import places_of
    from partywall.analysis.network.steps import Outcome
    from partywall.analysis.network.titles import called
    from partywall.analysis.network.words import blocker_lines, path_lines, services_text

    found = study_of(data, scan)
    asked = _ask(protocol, port)
    heres, theres = places_of(found, source), places_of(found, target, target=True)
    # What many places have in common is what any of them reaches; the plainest answer is shown.
    order = (Outcome.REACHABLE, Outcome.UNKNOWN, Outcome.NOT_REACHABLE)
    answer = None
    for here, there in product(_unlike(found, heres), _unlike(found, theres)):
        if here == there:
            continue
        other = path(found.world, here, there, asked)
        if answer is None or order.index(other.outcome) < order.index(answer.outcome):
            answer = other
        if answer.outcome is Outcome.REACHABLE:
            break
    if answer is None:
        raise UserError(f"{source} and {target} are the same place")
    if format is Listing.JSON:
        from partywall.cli.console import print_json

        print_json(
            {
                "from": source,
                "to": target,
                "outcome": answer.outcome.value,
                "services": services_text(answer.services),
                "analysis": analysis(found.world, answer),
            }
        )
    else:
        lines = [f"{source} to {target}: {answer.outcome.value.replace('_', ' ')}"]
        for text, places, shown in ((source, heres, answer.source), (target, theres, answer.target)):
            if len(places) > 1:
                each = found.world.interfaces[shown.id]
                lines.append(f"  {len(places)} interfaces answer to {text}; shown is {called(found, each)}")
        best = answer.best
        if answer.outcome is Outcome.REACHABLE and best is not None:
            lines += [f"  open: {services_text(answer.services)}"]
            lines += [f"  {i}. {line}" for i, line in enumerate(path_lines(found.world, best), 1)]
            lines += [f"  back: {line}" for line in path_lines(found.world, best, True)]
        elif answer.outcome is Outcome.NOT_REACHABLE:
            stopped = blocker_lines(found.world, answer)
            lines += [f"  - {line}" for line in stopped] or ["  - no way leads there"]
            if answer.source.kind == "internet":
                lines += [f"  but a front door leads there: {door}" for door in _doors(found, theres)]
        else:
            lines += [f"  not read: {named(each)}" for each in answer.unread]
        print_lines(lines)
    if expect is not None and answer.outcome.value != expect.value:
        raise typer.Exit(1)


@network.command("exposure")
def exposure_command(
    of: Annotated[str, typer.Argument(help="Only what this names: an id, ARN, name or kind.")] = "",
    every: Annotated[bool, typer.Option("--all", help="What nothing from outside reaches, too.")] = False,
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsRows = Tables.TABLE,
) -> None:
    """List what the internet, other accounts and other networks reach of each interface and service."""
    from partywall.analysis.network.select import interfaces_of
    from partywall.analysis.network.tables import exposure
    from partywall.analysis.network.titles import called

    found = study_of(data, scan)
    rows: list[dict[str, Any]] = []
    every_row = exposure(found.lake).to_pylist(maps_as_pydicts="lossy")
    fields = ("arn", "name", "kind", "resource_arn", "instance_id")
    named = {i.id for i in interfaces_of(found, of)} if of else set[str]()
    if of and not named and not any(of in (row[f] for f in fields) for row in every_row):
        names = {n for i in found.scanned.network.interfaces for n in (called(found, i, short=True), i.id)}
        near = did_you_mean(of, names | {str(row[f]) for row in every_row for f in fields if row[f]})
        raise UserError(f"nothing in the scan's network is called {of!r}{near}")
    for row in every_row:
        own = row["kind"] == "network-interface" and len(row["interface_ids"] or ()) == 1
        if of and not (own and row["interface_ids"][0] in named) and of not in (row[f] for f in fields):
            continue
        each = found.world.interfaces.get(row["interface_ids"][0]) if own else None
        sides = (
            row["internet_reachable_at_all"],
            row["other_account_reachable"],
            row["on_premises_reachable"],
        )
        if not every and not of and all(side is False for side in sides):
            continue
        rows.append(
            {
                "account": row["account_id"],
                "region": row["region"],
                "kind": row["kind"],
                "name": called(found, each) if each is not None else row["name"],
                "internet": _side(
                    row["internet_reachable_at_all"], row["internet_ports"], row["internet_via"]
                ),
                "other accounts": _side(row["other_account_reachable"], row["other_account_ports"]),
                "on premises": _side(row["on_premises_reachable"], row["on_premises_ports"]),
                "waf": row["waf"],
                "authentication": row["authentication"],
                "arn": row["arn"],
            }
        )
    _rows(rows, format)


@network.command("matrix")
def matrix_command(
    source: Annotated[str, typer.Option("--from", help="Only from what this names.")] = "",
    target: Annotated[str, typer.Option("--to", help="Only to what this names.")] = "",
    data: Data = DEFAULT_DATA,
    scan: ScanName = "latest",
    format: AsRows = Tables.TABLE,
) -> None:
    """List what reaches what inside the scanned accounts, by class: same subnet, groups and treatment."""
    from partywall.analysis.network.select import interfaces_of, places_of
    from partywall.analysis.network.titles import called
    from partywall.analysis.network.words import services_text

    found = study_of(data, scan)

    def chosen(text: str) -> set[str] | None:
        if not text:
            return None
        places_of(found, text)
        return {found.class_of[i.id].first for i in interfaces_of(found, text) if i.id in found.class_of}

    heres, theres = chosen(source), chosen(target)
    rows: list[dict[str, Any]] = []
    for here, others in sorted(found.pairs.items()):
        for there, reach in sorted(others.items()):
            if here == there or (heres is not None and here not in heres):
                continue
            if theres is not None and there not in theres:
                continue
            one, other = found.world.interfaces[here], found.world.interfaces[there]
            more = "" if reach.maybe == reach.sure else " (perhaps more)"
            rows.append(
                {
                    "from": called(found, one),
                    "from account": one.account,
                    "to": called(found, other),
                    "to account": other.account,
                    "open": (services_text(reach.sure) if reach.sure else "not known")
                    + more * bool(reach.sure),
                }
            )
    # What has an interface in each zone is told once.
    _rows([dict(row) for row in dict.fromkeys(tuple(row.items()) for row in rows)], format)


def _unlike(found: Study, places: list[Place]) -> list[Place]:
    """One place of each kind that fares alike: many interfaces are of one class."""
    told: dict[object, Place] = {}
    for place in places:
        each = found.world.interfaces.get(place.id)
        held = found.class_of.get(place.id)
        if each is None or held is None or len(places) < _FEW:
            told[place] = place
        else:
            told.setdefault((held.first, any(a.public is not None for a in each.addresses)), place)
    return list(told.values())


def _doors(found: Study, places: list[Place]) -> list[str]:
    """The front doors that lead the internet to some interfaces."""
    doors = [v for place in places for v in found.via.get(place.id, ()) if v.outcome.value == "reachable"]
    return list(dict.fromkeys(f"{d.protocol} {d.port} of {d.entry}, to port {d.target_port}" for d in doors))


def _ask(protocol: str, port: int | None) -> Ask:
    from partywall.analysis.network.answers import Ask

    known = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "all": None, "": None if port is None else 6}
    text = protocol.lower()
    if text not in known and not text.isdigit():
        raise UserError(f"--protocol is tcp, udp, icmp, icmpv6, a number or all, not {protocol!r}")
    number = int(text) if text.isdigit() else known[text]
    if port is not None and not 0 <= port <= 65535:
        raise UserError(f"--port is from 0 to 65535, not {port}")
    if port is not None and number not in (1, 6, 17, 58):
        raise UserError("--port needs a protocol that has ports: tcp or udp (or icmp, for its type)")
    return Ask(number, None if port is None else (port, port))


def _side(reached: bool | None, ports: list[Any], via: list[Any] | None = None) -> str:
    if reached is None:
        return "not known"
    if not reached:
        return ""
    told = [_port(p) for p in ports if p is not None]
    told += [f"by {v['kind']} {v['protocol']} {v['port']}" for v in via or () if v is not None]
    return ", ".join(dict.fromkeys(told)) + (" and perhaps more" if None in ports else "")


def _port(port: dict[str, Any]) -> str:
    low, high, name = port["from_port"], port["to_port"], port["protocol"]
    if name == "-1":
        return "everything"
    if low < 0 or name.startswith("icmp"):
        return str(name)
    return f"{name} {low}" if low == high else f"{name} {low}-{high}"


def print_lines(lines: Iterable[str]) -> None:
    """Prints lines whose text may be hostile."""
    from partywall.outputs.text import visible

    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))


def _rows(rows: list[dict[str, Any]], format: Tables) -> None:
    from partywall.outputs.text import visible

    if format is Tables.JSON:
        from partywall.cli.console import print_json

        print_json(rows)
    elif not rows:
        print_lines(["nothing"])
    elif format is Tables.CSV:
        from partywall.outputs.table import write_csv

        write_csv(tuple(rows[0]), ([*row.values()] for row in rows), sys.stdout)
    else:
        shown = [{k: v for k, v in row.items() if k != "arn"} for row in rows]
        widths = {k: min(60, max(len(k), *(len(str(r[k])) for r in shown))) for k in shown[0]}
        print_lines(["  ".join(k.upper().ljust(w) for k, w in widths.items()).rstrip()])
        print_lines(
            ["  ".join(visible(str(r[k]))[:w].ljust(w) for k, w in widths.items()).rstrip() for r in shown]
        )


network.command("intent")(intent_command)
network.command("diagram")(diagram_command)
