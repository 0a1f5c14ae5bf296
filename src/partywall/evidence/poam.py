"""Plans of action and milestones: weaknesses that are known, with who mends them and by when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from partywall.errors import UserError
from partywall.evidence.events import Event, append, read_events, recording
from partywall.evidence.model import Milestone, PoamItem


def load(data: Path) -> list[PoamItem]:
    """All items as they stand, closed ones too, oldest first. Raises UserError for changed records."""
    return _folded(read_events(data))


def add(
    data: Path,
    *,
    weakness: str,
    owner: str,
    due: date,
    framework: str = "",
    requirement: str = "",
    finding: str = "",
    check: str = "",
    milestones: Sequence[Milestone] = (),
    now: datetime | None = None,
) -> PoamItem:
    """Records an item. Raises UserError where it says nothing, of nothing, or is late from the start."""
    moment = now or datetime.now(UTC)
    if not weakness.strip() or not owner.strip():
        raise UserError("an item needs the weakness and its owner")
    if not (requirement or finding or check):
        raise UserError("an item is about a requirement, a finding or a check: name one")
    if requirement and not framework:
        raise UserError(f"of which framework is the requirement {requirement}? name it with --framework")
    if due < moment.astimezone(UTC).date():
        raise UserError(f"the due date {due} is past")
    late = [m for m in milestones if m.due > due]
    if late:
        raise UserError(f"the milestone {late[0].what!r} is due on {late[0].due}, after the item ({due})")
    with recording(data) as events:
        item = PoamItem(
            id=f"P{sum(e.kind == 'poam' for e in events) + 1:04d}",
            weakness=weakness.strip(),
            owner=owner.strip(),
            due=due,
            recorded_at=moment,
            framework=framework,
            requirement=requirement,
            finding=finding,
            check=check,
            milestones=sorted(milestones, key=lambda m: m.due),
        )
        append(data, events, "poam", item, moment)
    return item


def close(data: Path, name: str, by: str, why: str, now: datetime | None = None) -> PoamItem:
    """Records that an item is done with; the record of it stays."""
    if not by.strip() or not why.strip():
        raise UserError("say who closes the item and why")
    with recording(data) as events:
        found = get(_folded(events), name)
        if found.closed_at is not None:
            raise UserError(f"the item {found.id} was closed already, by {found.closed_by}")
        append(data, events, "poam-close", {"id": found.id, "by": by.strip(), "why": why.strip()}, now)
        return get(_folded(events), found.id)


def get(items: Iterable[PoamItem], name: str) -> PoamItem:
    """The item of an id; raises UserError where there is none."""
    listed = list(items)
    for item in listed:
        if item.id.casefold() == name.casefold():
            return item
    known = f"; the last is {listed[-1].id}" if listed else "; none is recorded yet"
    raise UserError(f"there is no item {name!r}{known}")


def _folded(events: Sequence[Event]) -> list[PoamItem]:
    found: dict[str, PoamItem] = {}
    for event in events:
        if event.kind == "poam":
            item = msgspec.convert(event.body, PoamItem)
            found[item.id] = item
        elif event.kind == "poam-close":
            body = event.body
            found[body["id"]] = msgspec.structs.replace(
                found[body["id"]],
                closed_at=event.recorded_at,
                closed_by=body["by"],
                closed_why=body["why"],
            )
    return list(found.values())
