"""Chooses checks: by id, glob, alias, ref, service and severity."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from partywall.checks.loader import LoadedCheck
from partywall.checks.model import REF_SOURCES, SEVERITIES, Check
from partywall.errors import UserError, did_you_mean
from partywall.tables.registry import all_tables


def service_of(check: Check) -> str:
    """The catalogue's service of a check: that of its table."""
    table = all_tables().get(check.table)
    return table.service if table is not None else check.table.partition("_")[0]


def choose(
    checks: Iterable[LoadedCheck],
    *,
    ids: Collection[str] = (),
    services: Collection[str] = (),
    severities: Collection[str] = (),
    refs: Collection[str] = (),
) -> list[LoadedCheck]:
    """The checks that fit every given selection; an empty one selects all.

    `ids` may be globs and aliases, `refs` are "source:id" ("prowler:s3_bucket_public_access"). Raises
    UserError for a word that selects nothing, with the nearest names.
    """
    chosen = list(checks)
    every = list(chosen)
    for severity in severities:
        if severity not in SEVERITIES:
            raise UserError(f"there is no severity {severity!r}; choose among {', '.join(SEVERITIES)}")
    if severities:
        chosen = [c for c in chosen if c.check.severity in severities]
    if services:
        known = {service_of(c.check) for c in every} | {t.service for t in all_tables().values()}
        for service in services:
            if service not in known:
                raise UserError(f"there is no service {service!r}{did_you_mean(service, known)}")
        chosen = [c for c in chosen if service_of(c.check) in services]
    if refs:
        wanted = {c.check.id for ref in refs for c in _by_ref(every, ref)}
        chosen = [c for c in chosen if c.check.id in wanted]
    if ids:
        wanted = {c.check.id for word in ids for c in _by_id(every, word)}
        chosen = [c for c in chosen if c.check.id in wanted]
    return chosen


def _by_id(checks: list[LoadedCheck], word: str) -> list[LoadedCheck]:
    found = [c for c in checks if fnmatchcase(c.check.id, word) or word in c.check.aliases]
    if not found and ":" in word:
        found = _by_ref(checks, word)
    if not found:
        raise UserError(f"there is no check {word!r}{did_you_mean(word, [c.check.id for c in checks])}")
    return found


def _by_ref(checks: list[LoadedCheck], ref: str) -> list[LoadedCheck]:
    source, _, wanted = ref.partition(":")
    if source not in REF_SOURCES or not wanted:
        raise UserError(f"a ref is SOURCE:ID with a source among {', '.join(REF_SOURCES)}, not {ref!r}")
    found = [c for c in checks if any(fnmatchcase(i, wanted) for i in c.check.ref_ids(source))]
    if not found:
        known = [i for c in checks for i in c.check.ref_ids(source)]
        raise UserError(f"no check stands for {ref!r}{did_you_mean(wanted, known)}")
    return found
