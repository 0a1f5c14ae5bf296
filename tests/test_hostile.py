"""What anybody may write into an account comes through a real scan and every output harmlessly.

Names, tags, descriptions and policies with HTML, formulas, terminal escapes, line ends, bidirectional
controls and 64 KB come over HTTP from the emulator. Formats that can carry them give them back as they were.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config as BotoConfig
from botocore.session import get_session

from partywall.aws.credentials import Credentials, Identity, StaticProvider
from partywall.aws.transport import LeanTransport
from partywall.cli import main
from partywall.cli.querying import answer
from partywall.config import Config
from partywall.demo.emulator import Emulator
from partywall.lake.snapshot import DataDirectory
from partywall.outputs import FORMATS
from partywall.scan import Scan, Selection, load_checks
from tests.outputs_reports import HOSTILE
from tests.support import unlimited

ACCOUNT, REGION = "123456789012", "eu-west-1"
CHECKS = ("secretsmanager-*", "ec2-volume-encrypted", "s3-bucket-versioning-enabled", "s3-bucket-tls-only")
SELECTION = Selection(
    regions=(REGION,), checks=CHECKS, tables=("secretsmanager_secret", "ec2_volume", "s3_bucket")
)
# What may not be part of XML, whose answers could not carry it either ("Extensible Markup Language 1.0").
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
"""Anything that moves a terminal's cursor or changes the order of reading; line feed and tab aside."""


def _policy(text: str) -> str:
    statement = {"Sid": text, "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _fill(url: str) -> None:
    def client(service: str) -> Any:
        return get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="AKIAEXAMPLE000000000",
            aws_secret_access_key="secret",
            config=BotoConfig(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

    secrets, ec2, s3 = client("secretsmanager"), client("ec2"), client("s3")
    for number, text in enumerate(HOSTILE):
        made = secrets.create_secret(
            Name=text, Description=text, SecretString="x", Tags=[{"Key": text[:100], "Value": text}]
        )
        secrets.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=_policy(text))
        if NO_XML.search(text):
            continue
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)["VolumeId"]
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "Name", "Value": text}])
        bucket = f"hostile-{number}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "note", "Value": text}]})
        s3.put_bucket_policy(Bucket=bucket, Policy=_policy(text))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a scan of the hostile account, made over HTTP."""
    where = tmp_path_factory.mktemp("hostile")
    with Emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        _fill(emulator.url)
        patch.setenv("AWS_ENDPOINT_URL", emulator.url)
        credentials = Credentials("AKIAEXAMPLE000000000", "secret", account_id=ACCOUNT)
        provider = StaticProvider(credentials)
        who = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{HOSTILE[0]}", "aws", provider)
        transport = LeanTransport()
        checks = load_checks(SELECTION, Config())
        caller = unlimited(transport)
        Scan(DataDirectory(where), [who], SELECTION, checks, Config(), transport, caller=caller).run()
    return where


Cli = Callable[..., str]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], data: Path) -> Cli:
    """Runs a command on the scan and gives its standard output, which must be UTF-8."""

    def run(*arguments: str) -> str:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["partywall", *arguments, "--data", str(data)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capfdbinary.readouterr()
        assert left.value.code in (0, None), shown.err.decode()
        return shown.out.decode("utf-8")

    return run


def test_every_value_is_stored_as_it_was(data: Path) -> None:
    rows = answer("select name, description, tags, policy from secretsmanager_secret", data, "latest")
    found = {row["name"]: row for row in rows.to_pylist(maps_as_pydicts="strict")}
    assert set(found) == set(HOSTILE)
    for text, row in found.items():
        assert row["description"] == text
        assert row["tags"] == {text[:100]: text}
        assert json.loads(row["policy"])["Statement"][0]["Sid"] == text
    xml = {text for text in HOSTILE if not NO_XML.search(text)}
    assert len(xml) > 12
    # XML's own rule: a reader takes every line end for a line feed.
    # XML's own rule: a reader takes every line end for a line feed. moto strips what S3 is sent of blanks.
    volumes = answer("select tags['Name'] as text from ec2_volume", data, "latest")["text"].to_pylist()
    assert set(volumes) == {re.sub("\r\n?", "\n", text) for text in xml}
    buckets = answer("select tags['note'] as text from s3_bucket", data, "latest")["text"].to_pylist()
    assert set(buckets) == {re.sub("\r\n?", "\n", text.strip()) for text in xml}


def test_findings_and_their_messages_carry_it(cli: Cli) -> None:
    found = json.loads(cli("findings", "--format", "json"))
    names = {row["resource_name"] for row in found if row["resource_type"] == "secretsmanager_secret"}
    assert names == set(HOSTILE)
    messages = {row["message"] for row in found}
    for text in HOSTILE:
        assert any(text[:100] in message for message in messages), text[:40]


@pytest.mark.parametrize(
    "command",
    [
        ("findings",),
        ("report", "--format", "csv"),
        ("query", "select name, description, tags, policy from secretsmanager_secret"),
        ("query", "select * from findings"),
        ("scans",),
    ],
)
def test_a_terminal_sees_no_control(cli: Cli, command: tuple[str, ...], tmp_path: Path) -> None:
    extra = ("--output", str(tmp_path)) if command[0] == "report" else ()
    text = cli(*command, *extra)
    assert len(text) > 50
    assert CONTROLS.search(text) is None
    assert "\t" not in text or command[0] == "findings"


def test_a_query_as_json_gives_it_back(cli: Cli) -> None:
    rows = json.loads(cli("query", "select name, tags from secretsmanager_secret", "--format", "json"))
    assert {row["name"] for row in rows} == set(HOSTILE)
    assert all(row["tags"] == {row["name"][:100]: row["name"]} for row in rows)


def _harmless_cells(lines: list[list[str]], width: int) -> None:
    for line in lines:
        assert len(line) == width
        for text in line:
            assert text.lstrip()[:1] not in tuple("=+-@|%") or re.fullmatch(r"-?\d+(\.\d+)?", text)
            assert CONTROLS.search(text) is None
            assert "\n" not in text
            assert len(text) < 32_768


def test_a_query_as_csv_holds_no_formula(cli: Cli) -> None:
    lines = list(
        csv.reader(
            io.StringIO(
                cli("query", "select name, description from secretsmanager_secret", "--format", "csv")
            )
        )
    )
    assert len(lines) == len(HOSTILE) + 1
    _harmless_cells(lines[1:], 2)


@pytest.fixture(scope="module")
def files(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report in every format."""
    where = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        arguments = ["report", "--data", str(data), "--format", ",".join(FORMATS), "--output", str(where)]
        patch.setattr(sys, "argv", ["partywall", *arguments])
        with pytest.raises(SystemExit):
            main()
    (scan,) = DataDirectory(data).published()
    return {name: where / f"{scan}{known.suffix}" for name, known in FORMATS.items()}


def test_the_json_report_gives_it_back(files: dict[str, Path]) -> None:
    found = json.loads(files["json"].read_bytes())["findings"]
    named = {row.get("resource_name") for row in found}
    assert named >= set(HOSTILE)


def test_the_csv_report_holds_no_formula(files: dict[str, Path]) -> None:
    lines = list(csv.reader(io.StringIO(files["csv"].read_text(encoding="utf-8"), newline="")))
    rows = json.loads(files["json"].read_bytes())["findings"]
    assert len(lines) == len(rows) + 1
    _harmless_cells(lines[1:], len(lines[0]))


def test_the_page_holds_it_only_inside_its_payload(files: dict[str, Path]) -> None:
    page = files["html"].read_text(encoding="utf-8")
    for text in ("onerror", "window.hacked", "evil.example", "DROP TABLE", "cmd|"):
        assert text not in page
    assert CONTROLS.search(page) is None
    blobs = re.findall(r"H4sI[A-Za-z0-9+/=]{200,}", page)
    assert len(blobs) == 1
    payload = json.loads(gzip.decompress(base64.b64decode(blobs[0])))
    names = {name for _, name, _ in payload["resource"]["values"]}
    assert names >= set(HOSTILE)
    assert "Content-Security-Policy" in page


@pytest.mark.parametrize("form", ["ocsf", "asff", "sarif"])
def test_machine_formats_are_valid_and_quiet(files: dict[str, Path], form: str) -> None:
    content = files[form].read_text(encoding="utf-8")
    # OCSF gives names back as they were: a control stands as JSON's escape, which draws nothing.
    assert (
        re.search("[\x00-\x08\x0b-\x1f\x7f]", content) if form == "ocsf" else CONTROLS.search(content)
    ) is None
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                texts.append(key)
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str):
            texts.append(value)

    walk(json.loads(content))
    assert any("日本語" in text for text in texts)
    if form == "ocsf":
        assert set(HOSTILE) <= set(texts)
    if form == "sarif":
        # Its messages are Markdown to some readers, who would draw a link.
        rules = [text for text in texts if "evil.example" in text and "click" in text and " " in text]
        assert rules
        assert not any("[click](https://evil.example)" in text for text in texts if "is off" in text)
