"""The command line as a user meets it: right use on a real scan, and wrong use met kindly."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support import DemoScan


def run(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs partywall in a process of its own, without the tester's AWS settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PARTYWALL_"))}
    clean.update(AWS_EC2_METADATA_DISABLED="true", HOME="/nonexistent", COLUMNS="200", **(env or {}))
    return subprocess.run(
        [sys.executable, "-m", "partywall", *arguments],
        capture_output=True,
        text=True,
        env=clean,
        cwd=cwd,
        timeout=120,
    )


@pytest.fixture
def data(demo: DemoScan) -> list[str]:
    return ["--data", str(demo.data)]


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("scan", "demo", "query", "tables", "checks", "findings", "report", "diff", "policy", "send"):
        assert f"\n  {name} " in done.stdout


def test_query_in_every_format(data: list[str], tmp_path: Path) -> None:
    sql = "select name, versioning, creation_date, tags from s3_bucket order by name"
    rows = json.loads(run("query", sql, *data, "--format", "json").stdout)
    assert len(rows) > 5
    assert {row["versioning"] for row in rows} >= {"Enabled", "Disabled"}
    assert isinstance(rows[0]["tags"], dict)
    lines = list(csv.reader(io.StringIO(run("query", sql, *data, "--format", "csv").stdout)))
    assert lines[0] == ["name", "versioning", "creation_date", "tags"]
    assert [line[0] for line in lines[1:]] == [row["name"] for row in rows]
    target = tmp_path / "out.parquet"
    assert run("query", sql, *data, "--format", "parquet", "-o", str(target)).returncode == 0
    assert pq.read_table(target)["name"].to_pylist() == [row["name"] for row in rows]
    assert rows[0]["name"] in run("query", sql, *data).stdout


def test_query_sees_findings_calls_and_policy_facts(data: list[str]) -> None:
    found = json.loads(
        run("query", "select status, count(*) n from findings group by 1", *data, "--format", "json").stdout
    )
    assert {row["status"] for row in found} == {"fail", "pass", "unknown", "not_applicable"}
    calls = run(
        "query",
        "select count(*) as n from api_call where operation = 'ListBuckets'",
        *data,
        "--format",
        "json",
    )
    assert json.loads(calls.stdout) == [{"n": 3}]
    public = run(
        "query", "select name from s3_bucket where policy_facts.is_public", *data, "--format", "json"
    )
    assert len(json.loads(public.stdout)) >= 1


def test_wrong_queries_get_one_sentence(data: list[str]) -> None:
    for sql, hint in (
        ("select * from s3_buket", "s3_bucket"),
        ("select nme from s3_bucket", "nme"),
        ("selec 1", ""),
    ):
        done = run("query", sql, *data)
        assert done.returncode == 2
        assert done.stderr.startswith("partywall: ")
        assert hint in done.stderr
        assert "Traceback" not in done.stderr
    assert "--output" in run("query", "select 1", *data, "--format", "parquet").stderr


def test_tables_and_checks_listings() -> None:
    tables = json.loads(run("tables", "--format", "json").stdout)
    assert len(tables) >= 75
    one = run("tables", "s3_bucket")
    assert "s3:GetBucketVersioning" in one.stdout
    checks = json.loads(run("checks", "--format", "json").stdout)
    assert len(checks) >= 300
    page = run("checks", "s3-bucket-tls-only")
    assert "Passes when" in page.stdout
    assert "terraform" in page.stdout.lower()
    by_ref = json.loads(
        run("checks", "--ref", "prowler:s3_bucket_object_versioning", "--format", "json").stdout
    )
    assert [c["id"] for c in by_ref] == ["s3-bucket-versioning-enabled"]


def test_unknown_names_get_the_nearest(data: list[str]) -> None:
    cases = [
        (("checks", "s3-bucket-tls-onl"), "s3-bucket-tls-only"),
        (("checks", "--ref", "prowler:s3_bucket_object_versionin"), "s3_bucket_object_versioning"),
        (("checks", "--ref", "prowlr:x"), "prowler"),
        (("tables", "s3_buket"), "s3_bucket"),
        (("findings", "--services", "s33", *data), "s3"),
        (("findings", "--severity", "hihg", *data), "high"),
        (("findings", "--scan", "2001", *data), "2001"),
        (("scan", "--format", "pdf"), "html"),
        (("scan", "--fail-on", "worst"), "critical"),
    ]
    for arguments, hint in cases:
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert hint in done.stderr, (arguments, done.stderr)
        assert done.stderr.count("\n") == 1


def test_findings_and_reports(data: list[str], tmp_path: Path) -> None:
    found = json.loads(
        run("findings", *data, "--severity", "critical", "--status", "fail", "--format", "json").stdout
    )
    assert found
    assert {f["severity"] for f in found} == {"critical"}
    assert {f["status"] for f in found} == {"fail"}
    done = run("report", *data, "--format", "html,json,csv,ocsf,asff,sarif", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 6


def test_policy_in_three_forms() -> None:
    document = json.loads(run("policy", "--checks", "s3-bucket-versioning-enabled").stdout)
    (statement,) = document["Statement"]
    assert set(statement["Action"]) == {
        "account:ListRegions",
        "ec2:DescribeRegions",
        "s3:GetBucketLocation",
        "s3:GetBucketVersioning",
        "s3:ListAllMyBuckets",
    }
    template = json.loads(run("policy", "--format", "cloudformation").stdout)
    kinds = {r["Type"] for r in template["Resources"].values()}
    assert kinds == {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            text = json.dumps(resource["Properties"]["PolicyDocument"], separators=(",", ":"))
            assert len(text) <= 6144
    assert 'resource "aws_iam_policy"' in run("policy", "--format", "terraform").stdout


def test_no_credentials_is_one_sentence(tmp_path: Path) -> None:
    done = run("scan", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "credentials" in done.stderr.lower()
    assert done.stderr.count("\n") == 1


def test_no_scan_yet(tmp_path: Path) -> None:
    done = run("findings", "--data", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "partywall scan" in done.stderr


def test_unwritable_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = run("scan", "--data", str(tmp_path / "file" / "below"), env=env)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_malformed_check_files_name_file_line_and_column(tmp_path: Path) -> None:
    def lint(text: str) -> str:
        (tmp_path / "mine.yaml").write_text(text)
        done = run("checks", "lint", str(tmp_path))
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    good = (
        "- id: acme-one\n  title: T\n  table: s3_bucket\n  pass: versioning = 'Enabled'\n"
        "  severity: low\n  domain: compliance\n  why: W\n  fix: {cli: x}\n"
        "  examples:\n    pass: [{versioning: Enabled}]\n    fail: [{versioning: Disabled}]\n"
        "    unknown: [{versioning: null}]\n"
    )
    assert "1 checks" in lint_ok(tmp_path, good)
    assert "mine.yaml:4:" in lint(good.replace("versioning = 'Enabled'", "versionin = 'Enabled'"))
    assert "versioning" in lint(good.replace("versioning = 'Enabled'", "versionin = 'Enabled'"))
    assert "mine.yaml:5:" in lint(good.replace("severity: low", "severity: lowest"))
    assert "mine.yaml:3:" in lint(good.replace("s3_bucket", "s3_buckt"))
    assert "severty" in lint(good.replace("severity", "severty"))
    assert "mine.yaml:2:" in lint("- id: x\n  - title: y\n")
    assert "unknown example" in lint(good.replace("unknown: [{versioning: null}]", "unknown: []"))
    assert "mine.yaml:4:" in lint(good.replace("versioning = 'Enabled'", "versioning IS NULL"))


def lint_ok(tmp_path: Path, text: str) -> str:
    (tmp_path / "mine.yaml").write_text(text)
    done = run("checks", "lint", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    tested = run("checks", "test", str(tmp_path))
    assert tested.returncode == 0, tested.stdout
    (tmp_path / "mine.yaml").write_text(
        text.replace("fail: [{versioning: Disabled}]", "fail: [{versioning: Enabled}]")
    )
    failing = run("checks", "test", str(tmp_path))
    assert failing.returncode == 1
    assert "fail example 1 is judged pass" in failing.stdout
    return done.stdout


def test_configuration_mistakes(tmp_path: Path, data: list[str]) -> None:
    def load(text: str) -> str:
        path = tmp_path / "partywall.yaml"
        path.write_text(text)
        done = run("findings", *data, "--config", str(path))
        assert done.returncode == 2, done.stdout
        return done.stderr

    assert "exceptions" in load("exeptions: []")
    assert "s3-bucket-versioning-enabled" in load("disable: [s3-bucket-versioning-enable]")
    assert "approver" in load(
        "exceptions: [{check: a, reason: r, owner: me, approver: me, expires: 2030-01-01}]"
    )
    assert "2:" in load("params:\n  [")


def test_exceptions_mark_findings_and_expire(tmp_path: Path, data: list[str]) -> None:
    path = tmp_path / "partywall.yaml"
    text = (
        "exceptions:\n- {check: s3-bucket-versioning-enabled, reason: scratch data, owner: a, approver: b,"
        " expires: %s}\n"
    )

    def states(expires: str) -> set[str]:
        path.write_text(text % expires)
        done = run(
            "findings",
            *data,
            "--config",
            str(path),
            "--checks",
            "s3-bucket-versioning-enabled",
            "--status",
            "fail",
            "--format",
            "json",
        )
        return {f["state"] for f in json.loads(done.stdout)}

    assert states("2099-01-01") == {"excepted"}
    assert "excepted" not in states("2020-01-01")
