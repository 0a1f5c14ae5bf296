"""Scans verify: a changed byte of any file is found and named; every verdict comes out of the evidence."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partywall.aws.answers import CallFailed, Outcome
from partywall.errors import UserError
from partywall.evidence import attestations
from partywall.evidence.rows import BODY, ROW_HASH, evidence_files, row_hash, sha256
from partywall.evidence.seal import SEAL, read_seal, seal
from partywall.evidence.signing import ECDSA, ED25519, is_signed, load_signer, new_key, read_public_key
from partywall.evidence.verify import Problem, verify
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Selection
from tests.support import DemoScan

SELECTED = Selection(regions=("us-east-1",), services=("s3", "sqs", "ec2"))


@pytest.fixture(scope="module")
def scanned(demo: DemoScan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two small scans, the second following the first."""
    data = tmp_path_factory.mktemp("evidence") / "data"
    demo.replay(data, selection=SELECTED, accounts=demo.accounts[:2])
    demo.replay(data, selection=SELECTED, accounts=demo.accounts[:2], fault=_denied)
    return data


def _denied(_account: str, _region: str, service: str, operation: str, _params: Any) -> CallFailed | None:
    if (service, operation) == ("s3", "GetBucketPolicy"):
        return CallFailed("AccessDenied", "no identity-based policy allows it", 403)
    return None


@pytest.fixture
def data(scanned: Path, tmp_path: Path) -> DataDirectory:
    """A copy of it that a test may spoil."""
    shutil.copytree(scanned, tmp_path / "data")
    return DataDirectory(tmp_path / "data")


def found(data: DataDirectory, scan: str = "latest", **options: Any) -> list[Problem]:
    return verify(data, data.resolve(scan), **options).problems


def test_a_whole_scan_is_sound_and_every_verdict_comes_out_of_its_evidence(demo: DemoScan) -> None:
    data = DataDirectory(demo.data)
    result = verify(data, demo.directory)
    assert result.problems == []
    assert result.rows > 2000 and result.verdicts > 5000
    assert result.files == len([p for p in demo.directory.rglob("*") if p.is_file()]) - 1


def test_small_scans_are_sound_one_with_denied_calls(data: DataDirectory) -> None:
    for name in data.published():
        result = verify(data, data.scans / name)
        assert result.problems == [] and result.verdicts > 100
        assert "is not signed" in " ".join(result.notes)


def test_a_flipped_byte_is_named_in_every_kind_of_file(data: DataDirectory) -> None:
    directory = data.resolve()
    sealed = read_seal(directory)
    assert sealed is not None
    kinds = {f.path.split("/")[0]: directory / f.path for f in sealed.files}
    assert set(kinds) >= {
        *("tables", "verdicts", "derived", "evidence", "api_call", "manifest.json"),
        *("collection.parquet", "lifecycle.parquet", "journal.jsonl"),
    }
    for path in kinds.values():
        raw = path.read_bytes()
        for place in (0, len(raw) // 2, len(raw) - 1):
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            result = verify(data, directory, again=False)
            named = [p.where for p in result.problems if p.kind == "file"]
            assert path.relative_to(directory).as_posix() in named, (path, result.problems)
        path.write_bytes(raw)
    assert found(data, again=False) == []


def test_missing_and_added_files_are_named(data: DataDirectory) -> None:
    directory = data.resolve()
    victim = sorted((directory / "verdicts").glob("*.parquet"))[0]
    victim.unlink()
    (directory / "tables" / "extra.parquet").write_bytes(b"x")
    told = {(p.where, p.what) for p in found(data, again=False)}
    assert (f"verdicts/{victim.name}", "is missing") in told
    assert ("tables/extra.parquet", "was added after the scan was sealed") in told


def _rewrite(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path, compression="zstd")


def _resealed(data: DataDirectory, directory: Path) -> None:
    """Seals anew, as somebody would who covers up what they changed."""
    (directory / SEAL).unlink()
    seal(directory, data, {})


def test_a_changed_answer_is_named_by_its_row_and_call(data: DataDirectory) -> None:
    directory = data.resolve()
    file = evidence_files(directory)[0]
    changed: dict[str, Any] = {}

    def change(rows: list[dict[str, Any]]) -> None:
        row = next(r for r in rows if r["operation"] == "ListBuckets")
        row[BODY] = row[BODY].replace('"Name":"', '"Name":"x', 1)
        changed.update(row)

    _rewrite(file, change)
    problems = found(data, again=False)
    told = [p for p in problems if p.kind == "row"]
    assert told, problems
    assert [f"row {changed['number']} (s3:ListBuckets" in p.where for p in told] == [True]
    assert told[0].what == "the answer is not the one that was hashed"


def test_whoever_rewrites_rows_and_hashes_and_the_seal_is_found_by_the_verdicts(data: DataDirectory) -> None:
    """Without a signature the seal can be made anew; that the verdicts do not fit the answers still shows."""
    directory = data.resolve("previous")

    def change(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["operation"] == "GetBucketVersioning":
                row[BODY] = '{"Status":"Enabled"}' if '"Enabled"' not in row[BODY] else "{}"
                row["sha256"] = sha256(row[BODY].encode())
                row["failed"], row["error_code"] = False, ""
                row[ROW_HASH] = row_hash(row)

    _rewrite(evidence_files(directory)[0], change)
    shutil.rmtree(data.resolve("latest"))
    _resealed(data, directory)
    problems = found(data)
    assert {"verdict"} <= {p.kind for p in problems} <= {"verdict", "evidence"}
    assert any("versioning" in p.where and "is stored as" in p.what for p in problems)


def test_a_changed_verdict_is_named_by_check_and_resource(data: DataDirectory) -> None:
    directory = data.resolve()
    path = directory / "verdicts" / "s3_bucket.parquet"
    table = pq.read_table(path)
    check = next(n for n in table.column_names if n.startswith("s3-") and 0 in table[n].to_pylist())
    row = table[check].to_pylist().index(0)
    values = table[check].to_pylist()
    values[row] = 1
    place = table.column_names.index(check)
    table = table.set_column(place, table.field(place), pa.array(values, table.field(place).type))
    pq.write_table(table, path, compression="zstd")
    _resealed(data, directory)
    told = [(p.where, p.what) for p in found(data) if p.kind == "verdict"]
    arn = table["arn"][row].as_py()
    assert [arn in where and where.startswith(check) for where, _ in told] == [True]
    assert told[0][1] == "is stored as pass; the evidence gives fail"


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_a_missing_row_is_found(data: DataDirectory, which: str) -> None:
    directory = data.resolve()

    def change(rows: list[dict[str, Any]]) -> None:
        del rows[{"first": 0, "middle": len(rows) // 2, "last": -1}[which]]

    _rewrite(evidence_files(directory)[0], change)
    problems = found(data, again=False)
    assert any(p.kind == "evidence" and "rows, and had" in p.what for p in problems)
    _resealed(data, directory)
    again = found(data)
    assert again, "a call without an answer, or a row out of place"


def test_the_chain_shows_a_changed_missing_or_rewritten_earlier_seal(data: DataDirectory) -> None:
    first, second = data.published()
    path = data.scans / first / SEAL
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"format": 1', b'"format":  1'))
    assert [(p.kind, p.where) for p in found(data, again=False)] == [("chain", f"{first}/{SEAL}")]
    path.write_bytes(raw)
    shutil.rmtree(data.scans / first)
    assert [(p.kind, p.where) for p in found(data, again=False)] == [("chain", f"{second}/{SEAL}")]


def test_signatures(data: DataDirectory, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    public = new_key(key)
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="exists already"):
        new_key(key)
    other = read_public_key(new_key(tmp_path / "other.pem"))
    directory = data.resolve()
    shutil.rmtree(data.resolve("previous"))
    (directory / SEAL).unlink()
    made = seal(directory, data, {"s3-x": {"days": 0.5}}, load_signer(str(key)))
    trusted = read_public_key(public)
    result = verify(data, directory, trusted=trusted, again=False)
    assert result.problems == [] and result.signed_by == made.signature.key_id  # type: ignore[union-attr]
    assert "whose key" in verify(data, directory, again=False).notes[-1]
    assert [p.kind for p in found(data, trusted=other, again=False)] == ["signature"]
    plain = json.loads((directory / SEAL).read_bytes())
    plain["files"][0]["sha256"] = "0" * 64
    (directory / SEAL).write_text(json.dumps(plain))
    assert ("signature", SEAL) in [(p.kind, p.where) for p in found(data, trusted=trusted, again=False)]
    plain["signature"] = None
    (directory / SEAL).write_text(json.dumps(plain))
    assert ("signature", "is not signed") in [
        (p.kind, p.what) for p in found(data, trusted=trusted, again=False)
    ]
    (directory / SEAL).write_text("{}")
    assert found(data, again=False)[0].where == SEAL


def test_bad_keys(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no private key"):
        load_signer(str(tmp_path / "none"))
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(UserError, match="is no private key"):
        load_signer(str(tmp_path / "junk"))
    with pytest.raises(UserError, match="is no public key"):
        read_public_key(tmp_path / "junk")


@pytest.fixture
def kms() -> Iterator[Any]:
    """A botocore session and a client of KMS over moto."""
    import botocore.session
    from moto import mock_aws

    with mock_aws():
        session = botocore.session.get_session()
        session.set_credentials("testing", "testing")
        yield session, session.create_client("kms", region_name="eu-west-1")


def test_a_key_in_kms(kms: Any) -> None:
    session, client = kms
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    signer = load_signer(f"kms:{made}", session)
    assert signer.algorithm == ECDSA
    signed = signer.sign(b"partywall")
    assert is_signed(signer.public_key, ECDSA, b"partywall", signed)
    assert not is_signed(signer.public_key, ECDSA, b"partywalL", signed)
    assert not is_signed(signer.public_key, ED25519, b"partywall", signed)
    wrong = client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    with pytest.raises(UserError, match="use one for signing"):
        load_signer(f"kms:{wrong}", session)
    with pytest.raises(UserError, match="gives no public key"):
        load_signer("kms:arn:aws:kms:eu-west-1:123456789012:key/none", session)


def test_the_seal_stands_for_attestations(data: DataDirectory) -> None:
    for name in data.published():
        shutil.rmtree(data.scans / name) if name != data.published()[-1] else None
    day = date(2026, 1, 1)
    attestations.add(
        data.path,
        framework="pci",
        requirement="1",
        statement="s",
        author="a",
        reviewer="b",
        effective=day,
        valid_until=day,
    )
    directory = data.resolve()
    _resealed(data, directory)
    assert found(data, again=False) == []
    record = next((data.path / "attestations").glob("*.json"))
    record.write_bytes(record.read_bytes().replace(b'"author": "a"', b'"author": "e"'))
    assert [p.kind for p in found(data, again=False)] == ["attestation"]
    record.unlink()
    assert [p.kind for p in found(data, again=False)] == ["attestation"]


def test_a_killed_scan_says_that_answers_may_be_lost(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from partywall.evidence.capture import Capture
    from partywall.evidence.seal import evidence_root

    def answered(capture: Capture, number: int) -> None:
        params = {"Bucket": f"b{number}"}
        capture(
            "1", "us-east-1", "s3", "GetBucketVersioning", params, {"Status": "Enabled"}, datetime.now(UTC)
        )

    killed = Capture(tmp_path, {"1": "arn:aws:iam::1:user/u"})
    answered(killed, 1)
    killed.flush()
    answered(killed, 2)
    resumed = Capture(tmp_path, {"1": "arn:aws:iam::1:user/u"})
    answered(resumed, 3)
    resumed.close()
    sealed = evidence_root(tmp_path)
    assert sealed is not None and (sealed.rows, sealed.complete) == (2, False)
    rows = [row for f in evidence_files(tmp_path) for row in pq.read_table(f).to_pylist()]
    assert [row["number"] for row in rows] == [0, 1]
    assert rows[0]["principal"] == "arn:aws:iam::1:user/u"


def test_failures_are_evidence_too(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from partywall.evidence.capture import Capture, failure

    capture = Capture(tmp_path, {})
    failed = CallFailed("AccessDenied", "explicit deny in a service control policy", 403)
    capture("1", "eu-west-1", "s3", "ListBuckets", {}, failed, datetime.now(UTC))
    capture.close()
    row = pq.read_table(evidence_files(tmp_path)[0]).to_pylist()[0]
    assert row["failed"] and row["error_code"] == "AccessDenied" and row["population"] is None
    again = failure(row[BODY])
    same = ("code", "message", "status", "outcome", "denied_by")
    assert [getattr(again, n) for n in same] == [getattr(failed, n) for n in same]
    assert again.outcome is Outcome.DENIED


def test_public_key_pem_is_what_openssl_reads(tmp_path: Path) -> None:
    public = new_key(tmp_path / "k")
    lines = public.read_text().splitlines()
    assert base64.b64decode("".join(lines[1:-1])) == read_public_key(public)
