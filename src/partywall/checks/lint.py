"""What a check must hold besides its examples: its refs exist, and doubt never becomes a pass."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

import orjson

from partywall.checks.loader import CompiledCheck
from partywall.checks.model import Check
from partywall.checks.schema import readable


@cache
def known_refs() -> dict[str, frozenset[str]]:
    """The ids of each catalogue that `refs` may name."""
    data = orjson.loads((Path(__file__).parent / "refs.json").read_bytes())
    return {source: frozenset(ids) for source, ids in data.items()}


def lint_refs(check: Check) -> list[str]:
    """A sentence for each ref that its catalogue does not have, with the nearest ids."""
    faults: list[str] = []
    for source in check.refs:
        for ref in check.ref_ids(source):
            if ref not in known_refs()[source]:
                near = difflib.get_close_matches(ref, known_refs()[source], n=3)
                hint = f"; nearest: {', '.join(near)}" if near else ""
                faults.append(f"{check.id}: {source} has no {ref!r}{hint}")
    return faults


def prove_monotone(check: CompiledCheck) -> list[str]:
    """Sets each leaf that the check reads to NULL over generated rows: a verdict may only become unknown."""
    from partywall.sql.monotone import prove

    if check.check.nonmonotone:
        return []
    schema = readable(check.table)
    return [f"{check.check.id}: {fault}" for fault in prove(check.where, check.passes, schema)]
