"""The commands of evidence and attestations, as a person gives them."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from partywall.cli import main
from partywall.errors import UserError
from partywall.evidence.events import event_files
from partywall.evidence.fetch import Terms, fetch, fetched_reports, keep
from tests.support import DemoScan

ADD = [
    *("attest", "add", "--framework", "pci", "--requirement", "12.1.1", "--statement", "Known to all"),
    *("--author", "Ada", "--effective", "2026-01-01", "--valid-until", "2100-01-01"),
]


def partywall(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: Any
) -> tuple[int, str, str]:
    """Exit code, standard output and error of a command."""
    monkeypatch.setattr("sys.argv", ["partywall", *map(str, words)])
    try:
        main()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command."""
    return lambda *words: partywall(capsys, monkeypatch, *words)


def test_an_attestation_from_its_record_to_its_withdrawal(call: Any, tmp_path: Path) -> None:
    data = ["--data", tmp_path]
    code, out, _ = call(*ADD, *data)
    assert code == 0 and "A0001 recorded: pci-dss-4.0.1 12.1.1" in out and "attest review A0001" in out
    assert call("attest", "review", "A0001", "--reviewer", "ada", *data)[0] == 2
    assert json.loads(call("attest", "list", "--format", "json", *data)[1])[0]["state"] == "unreviewed"
    assert call("attest", "review", "A0001", "--reviewer", "Grace", *data)[0] == 0
    assert "attested" in call("attest", "list", *data)[1]
    assert "Known to all" in call("attest", "show", "A0001", *data)[1]
    assert call("attest", "withdraw", "A0001", "--by", "Ada", "--why", "Replaced", *data)[0] == 0
    assert "withdrawn" in call("attest", "list", "--state", "withdrawn", *data)[1]
    assert len(event_files(tmp_path)) == 3


def test_wrong_use_is_told_in_one_sentence(call: Any, tmp_path: Path) -> None:
    data = ["--data", tmp_path]
    for words, hint in (
        ([*ADD[:3], "pcj", *ADD[4:]], "did you mean"),
        ([*ADD[:5], "12.1.x", *ADD[6:]], "has no requirement"),
        ([*ADD[:-1], "next year"], "--valid-until is a day"),
        (["attest", "show", "A0009"], "none is recorded yet"),
        (["attest", "poam", "add", "--weakness", "w", "--owner", "o", "--due", "2100-01-01"], "name one"),
        (["evidence", "period", "--from", "2026-01-01", "--to", "2026-02-01"], "no scan"),
        (["evidence", "verify"], "there is no scan"),
        (["evidence", "verify", "--all"], "there is no scan"),
    ):
        code, _, err = call(*words, *data)
        assert (code, hint in err, len(err.strip().splitlines())) == (2, True, 1), (words, err)


def test_plans_of_action(call: Any, tmp_path: Path) -> None:
    data = ["--data", tmp_path]
    code, out, _ = call(
        *(
            "attest",
            "poam",
            "add",
            "--weakness",
            "Rules are not reviewed",
            "--owner",
            "Ada",
            "--due",
            "2100-01-01",
        ),
        *("--framework", "pci", "--requirement", "1.2.7", "--milestone", "2099-01-01=Owner named", *data),
    )
    assert code == 0 and "P0001" in out
    assert "Rules are not reviewed" in call("attest", "poam", "list", *data)[1]
    assert "2099-01-01" in call("attest", "poam", "show", "P0001", *data)[1]
    assert call("attest", "poam", "close", "P0001", "--by", "Ada", "--why", "Done", *data)[0] == 0
    assert json.loads(call("attest", "poam", "list", "--open", "--format", "json", *data)[1]) == []


def test_verify_exits_1_for_one_changed_byte(call: Any, demo: DemoScan, tmp_path: Path) -> None:
    shutil.copytree(demo.data, tmp_path / "data")
    data = ["--data", tmp_path / "data"]
    code, out, _ = call("evidence", "verify", "--no-judge", *data)
    assert code == 0 and "sound" in out
    victim = sorted((tmp_path / "data/scans").glob("*/verdicts/s3_bucket.parquet"))[0]
    raw = victim.read_bytes()
    victim.write_bytes(raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])
    code, out, _ = call("evidence", "verify", "--no-judge", "--format", "json", *data)
    assert code == 1
    assert [p["where"] for p in json.loads(out)[0]["problems"]] == ["verdicts/s3_bucket.parquet"]


def test_artifact_and_sql(call: Any, demo: DemoScan) -> None:
    data = ["--data", demo.data]
    out = json.loads(call("evidence", "artifact", "--format", "json", *data)[1])
    assert {p["programme"]: p["state"] for p in out["programmes"]}["soc-2"] == "inherited"
    assert len(out["agreements"]) == 3
    assert "Business associate addendum" in call("evidence", "artifact", *data)[1]
    rows = json.loads(
        call("query", "select count(*) n, count(distinct sha256) d from evidence", "--format", "json", *data)[
            1
        ]
    )
    assert rows[0]["n"] > 2000 and rows[0]["d"] > 500
    sql = "select programme from inherited_report where state = 'inherited_stale'"
    assert json.loads(call("query", sql, "--format", "json", *data)[1]) == [{"programme": "c5"}]
    assert json.loads(call("query", "select * from attestation", "--format", "json", *data)[1]) == []


class _Artifact:
    """AWS Artifact as botocore's client shows it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def answer(**given: Any) -> dict[str, Any]:
            self.calls.append((name, given))
            if name == "get_report_metadata":
                moment = datetime(2026, 3, 31, tzinfo=UTC)
                detail = {
                    "id": "report-1",
                    "name": "SOC 2",
                    "version": 4,
                    "arn": "arn:1",
                    "periodEnd": moment,
                }
                return {"reportDetails": detail}
            if name == "get_term_for_report":
                return {"documentPresignedUrl": "https://terms", "termToken": "token-1"}
            return {"documentPresignedUrl": "https://report"}

        return answer


DOCUMENTS = {"https://terms": b"the terms", "https://report": b"%PDF the report"}


def test_a_report_is_fetched_only_once_a_person_accepts_its_terms(tmp_path: Path) -> None:
    client = _Artifact()
    with pytest.raises(UserError, match="nobody accepted"):
        fetch(client, "1", "report-1", None, lambda _: " ", download=DOCUMENTS.__getitem__)
    assert [name for name, _ in client.calls] == ["get_report_metadata", "get_term_for_report"]
    asked: list[Terms] = []

    def accept(terms: Terms) -> str:
        asked.append(terms)
        return "Ada"

    report, content = fetch(client, "1", "report-1", None, accept, download=DOCUMENTS.__getitem__)
    assert client.calls[-1] == (
        "get_report",
        {"reportId": "report-1", "reportVersion": 4, "termToken": "token-1"},
    )
    assert asked[0].sha256 == report.terms_sha256 == hashlib.sha256(b"the terms").hexdigest()
    assert (report.sha256, report.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (report.accepted_by, str(report.period_end)) == ("Ada", "2026-03-31")
    keep(tmp_path, report)
    assert fetched_reports(tmp_path) == [report]
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"the report" not in kept and b"the terms" not in kept and b"token-1" not in kept
    place = tmp_path / "soc2.pdf"
    fetch(client, "1", "report-1", 4, accept, to=place, download=DOCUMENTS.__getitem__)
    assert place.read_bytes() == content
    with pytest.raises(UserError, match="exists already"):
        fetch(client, "1", "report-1", 4, accept, to=place, download=DOCUMENTS.__getitem__)


def test_terms_are_never_accepted_without_a_person(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from partywall.cli.evidence import _accepted

    terms = Terms("SOC 2", "report-1", 4, "ab" * 32, 9, b"the terms")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UserError, match="a person must accept"):
        _accepted(terms, "Ada", "", tmp_path / "terms.pdf")
    assert (tmp_path / "terms.pdf").read_bytes() == b"the terms"
    with pytest.raises(UserError, match="are not those"):
        _accepted(terms, "Ada", "cd" * 32, None)
    with pytest.raises(UserError, match="who accepts"):
        _accepted(terms, "", "AB" * 32, None)
    assert _accepted(terms, "Ada", "AB" * 32, None) == "Ada"
    assert "ab" * 32 in capsys.readouterr().out


def test_documents_are_fetched_from_https_alone() -> None:
    from partywall.evidence.fetch import _download

    with pytest.raises(UserError, match="not https"):
        _download("http://example.com/report?secret=1")
    with pytest.raises(UserError, match="not https"):
        _download("file:///etc/passwd")
