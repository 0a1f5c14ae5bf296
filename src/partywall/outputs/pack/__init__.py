"""An auditor's pack: one zip with a page to read, tables, the evidence, and a script that verifies it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import orjson

from partywall import __version__
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    from partywall.evidence.period import Period, Timeline
    from partywall.evidence.signing import Signer
    from partywall.findings.exceptions import RiskException
    from partywall.frameworks.assess import Compliance
    from partywall.frameworks.model import Framework
    from partywall.outputs.pack.tables import Table

MANIFEST: Final = "manifest.json"
_TITLE: Final = b"partywall pack 1\n"
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Of the files in the zip: when it was made is in its manifest."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a pack: one framework over one scan, with a period where one was asked for."""

    compliance: Compliance
    framework: Framework
    data: Path
    exceptions: Sequence[RiskException] = ()
    period: Period | None = None
    requirements_over_time: Sequence[Timeline] = ()
    checks_over_time: Sequence[Timeline] = ()


@dataclass(slots=True)
class Written:
    """What a pack came to."""

    files: int = 0
    answers: int = 0
    hashes: dict[str, str] = field(default_factory=dict[str, str])


def write(contents: Contents, output: Path, signer: Signer | None = None) -> Written:
    """Writes the zip, whole or not at all. Raises UserError where it cannot be written or signed."""
    aside = output.with_name(f"{output.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            written = _fill(_Archive(archive), contents, signer)
        aside.replace(output)
    except OSError as error:
        raise write_error(output, error) from error
    finally:
        aside.unlink(missing_ok=True)
    return written


class _Archive:
    """A zip under way that keeps the hash of each file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self.written = Written()

    def add(self, name: str, content: bytes) -> None:
        with self.open(name) as file:
            file.write(content)

    def table(self, name: str, table: Table) -> int:
        """Adds a table as CSV; returns its number of rows."""
        from partywall.outputs.table import write_csv

        header, rows = table
        text = io.StringIO(newline="")
        write_csv(header, rows, text)
        self.add(name, text.getvalue().encode())
        return len(rows)

    def open(self, name: str) -> _Hashed:
        info = zipfile.ZipInfo(name, _TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return _Hashed(self._zip.open(info, "w", force_zip64=True), name, self.written)


class _Hashed(io.RawIOBase):
    """A file of the zip: what is written to it is hashed as well."""

    def __init__(self, file: IO[bytes], name: str, written: Written) -> None:
        self._file = file
        self._name = name
        self._written = written
        self._sha = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        self._sha.update(content)
        return self._file.write(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._written.hashes[self._name] = self._sha.hexdigest()
            self._written.files += 1
        super().close()


def _fill(archive: _Archive, contents: Contents, signer: Signer | None) -> Written:
    compliance, framework = contents.compliance, contents.framework
    directory = compliance.lake.directory
    made_at = datetime.now(UTC)
    page = _tables(archive, contents)
    checks = sorted({row["check"] for rows in page["drills"].values() for row in rows})
    page["findings"] = _findings(archive, contents, checks)
    _evidence(archive, directory, checks, contents)
    page["answers"] = archive.written.answers
    page["seals"] = _seals(archive, contents, signer)
    page["signed"] = signer is not None
    page["made_at"] = made_at
    archive.add("index.html", _page(contents, page))
    archive.add("verify.py", resources.files("partywall.outputs.pack").joinpath("verify.py").read_bytes())
    manifest = {
        "framework": framework.id,
        "scan": directory.name,
        "made_at": f"{made_at:%Y-%m-%dT%H:%M:%SZ}",
        "version": __version__,
        "files": dict(sorted(archive.written.hashes.items())),
    }
    raw = orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
    archive.add(MANIFEST, raw)
    if signer is not None:
        signed = signer.sign(_TITLE + hashlib.sha256(raw).hexdigest().encode())
        signature = {
            "algorithm": signer.algorithm,
            "public_key": base64.b64encode(signer.public_key).decode(),
            "value": base64.b64encode(signed).decode(),
        }
        archive.add("manifest.sig.json", orjson.dumps(signature, option=orjson.OPT_INDENT_2) + b"\n")
    return archive.written


def _tables(archive: _Archive, contents: Contents) -> dict[str, Any]:
    """Adds the CSV files; returns what the page tells of them."""
    from partywall.evidence import attestations, poam
    from partywall.evidence.artifact import baa
    from partywall.frameworks.rows import FLAT, flat_row
    from partywall.frameworks.states import ALL
    from partywall.outputs.pack import tables

    compliance, framework = contents.compliance, contents.framework
    standings = {a: compliance.standings(framework, a) for a in [ALL, *compliance.accounts]}
    flat = [flat_row(framework, s) for found in standings.values() for s in found]
    archive.table("requirements.csv", tables.rows_table([name for name, _, _ in FLAT], flat))
    drills = {s.requirement.id: compliance.drill(s.requirement) for s in standings[ALL]}
    counts = ("passes", "fails", "unknown", "excepted", "not_applicable")
    header = (
        "requirement",
        "check",
        "title",
        "weight",
        "objective",
        "status",
        *counts,
        "lacking",
        "why",
        "by",
    )
    rows = [{"requirement": r, **row} for r, found in drills.items() for row in found]
    archive.table("checks.csv", tables.rows_table(header, rows))
    accounts = compliance.accounts
    populations = [
        {"account_id": account, **row}
        for account in accounts
        for row in _distinct(row for s in standings[ALL] for row in compliance.drill(s.requirement, account))
    ]
    header = ("account_id", "check", "params", *counts, "lacking")
    archive.table("populations.csv", tables.rows_table(header, populations))
    today = compliance.today
    mine = [a for a in attestations.load(contents.data) if a.framework == framework.id]
    stated = [(a, attestations.status(a, today)) for a in mine]
    items = poam.load(contents.data)
    programmes = {
        framework.programme,
        *(p for r in framework.requirements if r.aws for p in r.aws.programmes),
    }
    inherited = [i for name, i in compliance.inherited.items() if name in programmes]
    sizes = {
        "attestations": archive.table("attestations.csv", tables.attestation_table(stated)),
        "exceptions": archive.table("exceptions.csv", tables.exception_table(contents.exceptions, today)),
        "poam": archive.table("poam.csv", tables.poam_table(items, today)),
    }
    archive.table("inherited.csv", tables.inherited_table(inherited))
    if "hipaa-baa" in programmes:
        archive.table("agreements.csv", tables.agreement_table(baa(compliance.lake, today).values()))
    if contents.period is not None:
        archive.table("period_requirements.csv", tables.timeline_table(contents.requirements_over_time))
        archive.table("period_checks.csv", tables.timeline_table(contents.checks_over_time))
        sizes["gaps"] = archive.table("period_gaps.csv", tables.gap_table(contents.period))
    return {"standings": standings[ALL], "drills": drills, "inherited": inherited, "sizes": sizes}


def _distinct(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each check with its parameters once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        params = orjson.dumps(row["params"], option=orjson.OPT_SORT_KEYS).decode() if row["params"] else ""
        found.setdefault((row["check"], params), {**row, "params": params})
    return list(found.values())


def _findings(archive: _Archive, contents: Contents, checks: Sequence[str]) -> int:
    """Adds the failed and unknown findings of the checks; returns how many there are."""
    from partywall.config import Config
    from partywall.findings.assemble import Wanted
    from partywall.opened import open_report
    from partywall.outputs.table import dump

    compliance = contents.compliance
    wanted = [compliance.checks[c] for c in checks if c in compliance.checks]
    config = Config(exceptions=list(contents.exceptions))
    report = open_report(compliance.lake.directory, wanted, config, Wanted(statuses=("fail", "unknown")))
    with archive.open("findings.csv") as file:
        dump(report, cast(Any, file))
    return report.findings.num_rows


def _evidence(archive: _Archive, directory: Path, checks: Sequence[str], contents: Contents) -> None:
    """Adds the answers that the checks rest on, one file for each operation, and the hashes of all rows."""
    from partywall.checks.demand import demand
    from partywall.collect.planner import plan
    from partywall.evidence.rows import BODY, ROW_HASH, evidence_files, facts_of, read_rows
    from partywall.tables.registry import all_tables

    if not evidence_files(directory):
        return
    known = contents.compliance.checks
    operations = set(plan(demand([known[c] for c in checks if c in known]), all_tables()).operations())
    hashes = sorted(str(row[ROW_HASH]) for _, row in read_rows(directory, [ROW_HASH]))
    archive.add("evidence/hashes.txt", "".join(f"{h}\n" for h in hashes).encode())
    for operation in sorted(operations):
        service, _, action = operation.partition(":")
        lines: list[bytes] = []
        for _, row in read_rows(directory, where=(service, action)):
            facts = facts_of(row)
            lines.append(
                b'{"answer":'
                + row[BODY].encode()
                + b',"row":'
                + facts
                + b',"row_sha256":"'
                + row[ROW_HASH].encode()
                + b'"}\n'
            )
        if lines:
            archive.add(f"evidence/{service}-{action}.jsonl", b"".join(lines))
            archive.written.answers += len(lines)


def _seals(archive: _Archive, contents: Contents, signer: Signer | None) -> list[dict[str, Any]]:
    """Adds the seal of the scan and of those before it, the records of attestations, and the public key."""
    from partywall.evidence.events import event_files
    from partywall.evidence.seal import SEAL, read_seal
    from partywall.evidence.signing import pem_of

    told: list[dict[str, Any]] = []
    scans = contents.compliance.lake.directory.parent
    name: str | None = contents.compliance.lake.directory.name
    public = signer.public_key if signer is not None else None
    while name is not None and (scans / name / SEAL).is_file():
        seal = read_seal(scans / name)
        assert seal is not None
        archive.add(f"seals/{name}.json", (scans / name / SEAL).read_bytes())
        signature = seal.signature
        told.append({"scan": name, "made_at": seal.made_at, "key": signature.key_id if signature else ""})
        if signature is not None and public is None:
            public = base64.b64decode(signature.public_key)
        name = seal.previous.scan if seal.previous is not None else None
    for path in event_files(contents.data):
        archive.add(f"attestations/{path.name}", path.read_bytes())
    if public is not None:
        archive.add("public_key.pem", pem_of(public))
    return told


def _page(contents: Contents, page: dict[str, Any]) -> bytes:
    import jinja2
    from markupsafe import Markup

    from partywall.frameworks.model import State
    from partywall.outputs.pack.words import MEANINGS, ORDER
    from partywall.outputs.text import visible

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("partywall.outputs", "pack"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda text: visible(str(text))
    style = resources.files("partywall.outputs.pack").joinpath("pack.css").read_text(encoding="utf-8")
    compliance, framework = contents.compliance, contents.framework
    summary = compliance.summary(framework)
    return (
        environment.get_template("index.html.j2")
        .render(
            **page,
            framework=framework,
            scan=compliance.lake.manifest,
            summary=summary,
            states={str(s): summary.states[s] for s in sorted(State, key=ORDER.index)},
            meanings=MEANINGS,
            limits=compliance.limits(),
            period=contents.period,
            changed=[t for t in contents.requirements_over_time if t.changes],
            version=__version__,
            style=Markup(style),
            style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
        .encode()
    )
