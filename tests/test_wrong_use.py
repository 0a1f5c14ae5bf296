"""Wrong use met kindly: exit 2 and one sentence that names what is wrong and how to mend it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from partywall.cli import main
from partywall.demo.emulator import Emulator
from partywall.demo.faults import Fault
from tests.world import World

Cli = Callable[..., str]
CHECK = (
    "- id: {id}\n  title: T\n  table: {table}\n  pass: {predicate}\n  severity: low\n  domain: compliance\n"
    "  why: W\n  fix: {{cli: x}}\n  examples:\n    pass: [{{versioning: Enabled}}]\n"
    "    fail: [{{versioning: Disabled}}]\n    unknown: [{{versioning: null}}]\n"
)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, emulator: Emulator
) -> Iterator[Cli]:
    """Runs the command line in this process; asserts exit code 2 and gives the one sentence."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PARTYWALL_DATA"):
        monkeypatch.delenv(name, raising=False)
    home = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    settings = {**KEYS, **home, "AWS_ENDPOINT_URL": emulator.url, "AWS_EC2_METADATA_DISABLED": "true"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: Any, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["partywall", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        assert left.value.code == 2, shown
        assert shown.out == ""
        assert shown.err.startswith("partywall: ")
        assert shown.err.count("\n") == 1, shown.err
        return shown.err

    yield run
    emulator.clear_faults()


def test_regions_that_are_none_or_not_enabled(cli: Cli, tmp_path: Path) -> None:
    assert "eu-west-1" in cli("scan", "--regions", "eu-wset-1")
    assert "aws-cn" in cli("scan", "--regions", "cn-north-1")
    text = cli("scan", "--regions", "eu-west-1,me-south-1")
    assert "me-south-1 is not enabled in account 123456789012" in text
    assert "eu-central-1" in text
    assert not list(tmp_path.glob("partywall-data/scans/*")), "nothing half-written is left"


def test_credentials_that_do_not_serve(cli: Cli, emulator: Emulator, tmp_path: Path) -> None:
    emulator.inject(Fault("error", "sts", code="ExpiredToken", message="is expired", status=403))
    assert "have expired" in cli("scan")
    emulator.clear_faults()
    emulator.inject(Fault("error", "sts", code="InvalidClientTokenId", message="invalid", status=403))
    assert "does not know the access key" in cli("scan")
    emulator.clear_faults()
    emulator.inject(Fault("error", "sts", code="SignatureDoesNotMatch", message="no", status=403))
    assert "secret key is wrong" in cli("scan")
    emulator.clear_faults()
    (tmp_path / "config").write_text("[profile production]\nregion = eu-west-1\n")
    named = cli("scan", "--profile", "porduction", AWS_CONFIG_FILE=str(tmp_path / "config"))
    assert "production" in named
    (tmp_path / "config").write_text("this is no configuration")
    assert "configuration" in cli("scan", AWS_CONFIG_FILE=str(tmp_path / "config"))


def test_roles_that_cannot_be_assumed(cli: Cli, emulator: Emulator) -> None:
    assert "not a role's ARN" in cli("scan", "--role-arn", "audit")
    emulator.inject(Fault("deny", "sts", "AssumeRole"))
    text = cli("scan", "--role-arn", "arn:aws:iam::222222222222:role/audit")
    assert "could not be assumed" in text
    assert "trust policy" in text
    emulator.clear_faults()
    role = "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"
    assert "two of the roles are in the account 222222222222" in cli("scan", "--role-arn", f"{role},{role}2")


def test_an_endpoint_that_does_not_answer(cli: Cli) -> None:
    text = cli("scan", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "cannot be reached" in text
    assert "AWS_ENDPOINT_URL" in text


def test_a_code_that_nobody_can_give(emulator: Emulator, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "partywall", "scan", "--mfa-serial", "arn:aws:iam::123456789012:mfa/me"],
        env={**KEYS, "AWS_ENDPOINT_URL": emulator.url, "AWS_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 2
    assert "MFA code for arn:aws:iam::123456789012:mfa/me: nobody answered" in done.stderr
    assert done.stderr.count("\n") == 1


def test_resuming_what_was_not_interrupted(cli: Cli, tmp_path: Path) -> None:
    assert "no scan in" in cli("scan", "--resume")
    world = World(tmp_path / "data")
    scan = world.prepare(0)
    with world.data.claimed(scan.id) as directory:
        (directory / "manifest.json").write_text("{}")
        assert f"{scan.id} is still running" in cli("scan", "--resume", "--data", tmp_path / "data")
    assert "no readable scan" in cli("scan", "--resume", "--data", tmp_path / "data")


def test_resuming_with_another_selection(cli: Cli, tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    scan = world.prepare(0)
    path = scan.run()
    path.rename(world.data.partial(scan.id))
    text = cli("scan", "--resume", "--services", "s3", "--data", tmp_path / "data")
    assert "selects other services (all)" in text
    assert "are for account 123456789012" in cli("scan", "--resume", "--data", tmp_path / "data")


def test_places_where_nothing_can_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write" in cli("scan", "--data", tmp_path / "file", "--regions", "eu-west-1")
    assert "cannot write" in cli("scan", "--data", "/proc/nothing", "--regions", "eu-west-1")
    below = tmp_path / "file" / "reports"
    assert "--output" in cli("scan", "--format", "json", "--output", below)
    assert not (tmp_path / "partywall-data").exists(), "told before the scan, not after it"
    World(tmp_path / "data").prepare(0).run()
    assert "--output" in cli("report", "--data", tmp_path / "data", "--output", below)
    target = tmp_path / "file" / "x.csv"
    query = ("query", "select 1 as one", "--data", tmp_path / "data", "--format", "csv", "--output", target)
    assert "cannot write" in cli(*query)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("scan", "--format", "pdf"), "html"),
        (("scan", "--severity", "hihg"), "high"),
        (("scan", "--services", "s33"), "s3"),
        (("scan", "--checks", "s3-bucket-versioning-enable"), "s3-bucket-versioning-enabled"),
        (("scan", "--tables", "s3_buckets"), "s3_bucket"),
        (("scan", "--tags", "=x"), "KEY or KEY=VALUE"),
        (("scan", "--fail-on", "worst"), "critical"),
        (("scan", "--fail-on-unknown"), "--fail-on"),
        (("scan", "--max-rate", "0"), "--max-rate"),
        (("scan", "--max-rate", "nan"), "--max-rate"),
        (("scan", "--concurrency", "0"), "--concurrency"),
        (("scan", "--config", "nowhere.yaml"), "nowhere.yaml"),
        (("scan", "--config", "."), "configuration"),
        (("scan", "--checks-dir", "nowhere"), "nowhere"),
        (("findings", "--status", "failed"), "fail"),
        (("policy", "--services", "s33"), "s3"),
        (("checks", "lint"), "directory"),
        (("checks", "lint", "nowhere"), "nowhere"),
        (("tables", "s3_buckets"), "s3_bucket"),
        (("diff", "a", "b"), "no scan"),
        (("report", "--format", "pdf", "--data", "nowhere"), ""),
        (("send", "splunk"), "security-hub"),
    ],
)
def test_words_that_mean_nothing(cli: Cli, arguments: tuple[str, ...], hint: str) -> None:
    assert hint in cli(*arguments)


def test_check_files_that_cannot_be_read(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    file = folder / "mine.yaml"

    def scan(text: str | bytes) -> str:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return cli("scan", "--checks-dir", folder)

    good = {"id": "acme-one", "table": "s3_bucket", "predicate": "versioning = 'Enabled'"}
    assert "cannot read the check file" in scan(b"- id: \xff\xfe\n")
    assert f"{file}:13:7" in scan(CHECK.format(**good) + CHECK.format(**good))
    taken = scan(CHECK.format(**{**good, "id": "s3-bucket-versioning-enabled"}))
    assert f"{file}:1:7" in taken
    assert "taken by the catalogue" in taken
    table = scan(CHECK.format(**{**good, "table": "s3_buckt"}))
    assert f"{file}:3:10" in table
    assert "s3_bucket" in table
    column = scan(CHECK.format(**{**good, "predicate": "versionin = 'Enabled'"}))
    assert f"{file}:4:9" in column
    assert "versioning" in column
    assert f"{file}:4:22" in scan(CHECK.format(**{**good, "predicate": "versioning = 12"}))
    assert f"{file}:1:1" in scan("hello")
    assert f"{file}:3:1: not valid YAML" in scan("- id: x\n  title: [\n")
    assert f"{file}:1:1" in scan("a: b")
    file.unlink()
    file.mkdir()
    assert "cannot read the check file" in cli("scan", "--checks-dir", folder)
