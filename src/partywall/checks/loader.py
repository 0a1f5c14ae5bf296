"""Checks from YAML: read with file, line and column, validated, and compiled to typed predicates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from partywall.checks.model import DOMAINS, REF_SOURCES, SEVERITIES, Check
from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from partywall.sql.dialect import Expression, Template
    from partywall.tables.spec import Table

CATALOGUE: Final = Path(__file__).parent / "catalogue"
_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class CheckError(UserError):
    """A fault in a check file: file, line, column, what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class LoadedCheck:
    """A check with the places of its keys, for messages."""

    check: Check
    places: Mapping[str, Place]

    def place(self, key: str) -> Place:
        return self.places.get(key) or self.places[""]


@dataclass(frozen=True, slots=True)
class CompiledCheck:
    """A check whose predicates are typed against its table."""

    check: Check
    table: Table
    where: Expression | None
    passes: Expression
    message: Template | None

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the verdict reads (the message may read more, which are shown if known)."""
        return self.passes.columns | (self.where.columns if self.where else frozenset())


def load_file(path: Path) -> list[LoadedCheck]:
    """The checks of one YAML file; raises CheckError at the first fault."""
    import yaml

    loader_type: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckError(f"cannot read the check file {path}: {error}") from error
    loader = loader_type(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return []
        if root.tag != "tag:yaml.org,2002:seq":
            raise CheckError(f"{path}:1:1: a check file is a list of checks; begin each with '- id: …'")
        return [_check(path, node, loader.construct_document(node)) for node in root.value]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise CheckError(f"{where}: not valid YAML: {error.problem or error.context}") from error
    finally:
        loader.dispose()


def _check(path: Path, node: Any, data: Any) -> LoadedCheck:
    start = Place(str(path), node.start_mark.line + 1, node.start_mark.column + 1)
    if not isinstance(data, dict):
        raise CheckError(f"{start}: a check is a map of keys; begin it with '- id: …'")
    places = {"": start}
    for key, value in node.value:
        mark = value.start_mark if value.start_mark else key.start_mark
        # A folded or literal block's text starts on the line after its indicator.
        line = mark.line + (2 if getattr(value, "style", None) in (">", "|") else 1)
        places[str(key.value)] = Place(str(path), line, mark.column + 1)
    entries = cast("dict[str, Any]", data)
    for key in entries:
        if key not in _KEYS:
            raise CheckError(f"{places[str(key)]}: unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    try:
        check = msgspec.convert(entries, Check)
    except msgspec.ValidationError as error:
        text = str(error)
        found = re.search(r"at `\$\.([A-Za-z_]+)", text)
        at = places.get(found.group(1), start) if found else start
        raise CheckError(f"{at}: {text}") from error
    loaded = LoadedCheck(check, places)
    for fault_key, fault in _faults(check):
        raise CheckError(f"{loaded.place(fault_key)}: {check.id}: {fault}")
    return loaded


_KEYS: Final = {f.encode_name for f in msgspec.structs.fields(Check)}


def _faults(check: Check) -> Iterator[tuple[str, str]]:
    if not _ID.fullmatch(check.id):
        yield "id", "an id is lower-case words joined by hyphens, such as s3-bucket-tls-only"
    if check.severity not in SEVERITIES:
        yield "severity", f"unknown severity {check.severity!r}; one of {', '.join(SEVERITIES)}"
    if check.domain not in DOMAINS:
        yield "domain", f"unknown domain {check.domain!r}{did_you_mean(check.domain, DOMAINS)}"
    for source in check.refs:
        if source not in REF_SOURCES:
            yield "refs", f"unknown catalogue {source!r} in refs{did_you_mean(source, REF_SOURCES)}"
    for kind, rows in (
        ("pass", check.examples.passing),
        ("fail", check.examples.fail),
        ("unknown", check.examples.unknown),
    ):
        if not rows:
            yield "examples", f"needs at least one {kind} example"
    if not any((check.fix.console, check.fix.cli, check.fix.cloudformation, check.fix.terraform)):
        yield (
            "fix",
            "says how to mend a failing resource in at least one of console, cli, cloudformation, terraform",
        )


def compile_check(loaded: LoadedCheck) -> CompiledCheck:
    """Types the check's predicates; raises CheckError with the place inside the file."""
    from partywall.checks.schema import readable
    from partywall.sql.dialect import PredicateError, parse, parse_template
    from partywall.tables.registry import all_tables

    check = loaded.check
    table = all_tables().get(check.table)
    if table is None:
        hint = did_you_mean(check.table, all_tables())
        raise CheckError(f"{loaded.place('table')}: {check.id}: there is no table {check.table!r}{hint}")
    schema = readable(table)
    params = {name: param.default for name, param in check.params.items()}
    key = "pass"
    try:
        absence = bool(check.nonmonotone)
        passes = parse(check.predicate, schema, params, allow_absence_tests=absence)
        key = "where"
        where = parse(check.where, schema, params, allow_absence_tests=absence) if check.where else None
        key = "message"
        message = parse_template(check.message, schema, params) if check.message else None
    except PredicateError as error:
        at = loaded.place(key)
        offset = error.column - 1 if error.line == 1 else error.column - 1 - at.column + 1
        place = Place(at.file, at.line + error.line - 1, max(1, at.column + offset))
        raise CheckError(f"{place}: {check.id}: in `{key}`: {error.message}") from error
    return CompiledCheck(check, table, where, passes, message)


def load_directory(directory: Path) -> list[LoadedCheck]:
    """The checks of all *.yaml files below a directory, in order of file and place; ids are unique."""
    if not directory.is_dir():
        raise UserError(
            f"there is no directory of checks at {directory}; --checks-dir names one with *.yaml files"
        )
    seen: dict[str, LoadedCheck] = {}
    for path in sorted([*directory.rglob("*.yaml"), *directory.rglob("*.yml")]):
        for loaded in load_file(path):
            other = seen.get(loaded.check.id)
            if other is not None:
                taken = other.place("id")
                raise CheckError(
                    f"{loaded.place('id')}: the id {loaded.check.id} is taken by {taken}; rename one"
                )
            seen[loaded.check.id] = loaded
    return list(seen.values())


@cache
def catalogue() -> Mapping[str, LoadedCheck]:
    """The checks that come with partywall, by id: from their compiled JSON, else from the YAML."""
    from partywall.checks.compiled import catalogue_checks

    return {loaded.check.id: loaded for loaded in catalogue_checks()}
