"""The catalogue: every check loads, types, judges its examples, is monotone, and names refs that exist."""

import csv
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from partywall.checks.commands import lint_commands
from partywall.checks.examples import run_examples
from partywall.checks.lint import lint_literals, lint_refs, prove_monotone
from partywall.checks.loader import CompiledCheck, catalogue, compile_check
from partywall.checks.schema import readable
from partywall.sql.dialect import parse
from partywall.tables.registry import all_tables

CHECKS = catalogue()


def _ids(check_id: str) -> str:
    return check_id


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_examples_get_their_verdicts(check_id: str) -> None:
    assert list(run_examples([compile_check(CHECKS[check_id])])) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_unknown_inputs_never_change_a_verdict_but_to_unknown(check_id: str) -> None:
    assert prove_monotone(compile_check(CHECKS[check_id])) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_refs_exist(check_id: str) -> None:
    assert lint_refs(CHECKS[check_id].check) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_compared_texts_are_ones_that_aws_returns(check_id: str) -> None:
    assert lint_literals(compile_check(CHECKS[check_id])) == []


@pytest.mark.parametrize("check_id", CHECKS, ids=_ids)
def test_commands_are_ones_that_the_aws_cli_takes(check_id: str) -> None:
    assert lint_commands(CHECKS[check_id].check.fix.cli) == []


def test_aliases_are_no_ids() -> None:
    aliases = [alias for loaded in CHECKS.values() for alias in loaded.check.aliases]
    assert not {*aliases} & {*CHECKS}
    assert len(aliases) == len({*aliases})


@pytest.mark.parametrize(
    ("table", "predicate", "named"),
    [
        ("s3_bucket", "versioning = 'enabled'", "'enabled'"),
        ("acm_certificate", "status <> 'EXPIRE'", "'EXPIRE'"),
        ("acm_certificate", "starts_with(key_algorithm, 'RSA-')", "'RSA-'"),
        ("accessanalyzer_region", "any_match(analyzers, a -> a.status IN ('ACTIVE', 'ON'))", "'ON'"),
    ],
)
def test_a_text_that_aws_never_returns_is_named(table: str, predicate: str, named: str) -> None:
    check = next(c.check for c in CHECKS.values())
    declared = all_tables()[table]
    passes = parse(predicate, readable(declared))
    faults = lint_literals(CompiledCheck(check, declared, None, passes, None))
    assert len(faults) == 1
    assert named in faults[0]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws s3bucket put-thing", "no service s3bucket"),
        ("aws config describe-config-rules", "no service config"),
        ("aws s3api put-versioning --bucket NAME", "no operation put-versioning"),
        ("aws s3api put-bucket-versioning --bucket NAME", "needs --versioning-configuration"),
        ("aws kms enable-key-rotation --key ID", "no option --key"),
        ("aws rds modify-db-instance --db-instance-identifier DB --storage-encrypted", "--storage-encrypted"),
        (
            "aws rds modify-db-instance --db-instance-identifier DB --deletion-protection true",
            "takes no value",
        ),
        ("aws iam update-access-key --access-key-id ID --status Off", "'Off' is none of"),
        (
            "aws s3api put-bucket-versioning --bucket B --versioning-configuration State=Enabled",
            "no member State",
        ),
        (
            "aws s3api put-bucket-versioning --bucket B --versioning-configuration Status=On",
            "'On' is none of",
        ),
        (
            'aws s3api put-bucket-versioning --bucket B --versioning-configuration \'{"Status": "On"}\'',
            "'On' is none of",
        ),
        ("aws sts get-caller-identity, then look", "no operation get-caller-identity,"),
        ("aws sts get-caller-identity now", "'now' is the value of no option"),
    ],
)
def test_a_command_that_the_aws_cli_would_refuse_is_named(command: str, fault: str) -> None:
    assert fault in "\n".join(lint_commands(command))


def test_commands_stand_among_remarks_and_in_chains() -> None:
    text = """# first look
aws sts get-caller-identity --query Account && aws kms enable-key-rotation \\
  --key-id ID --rotation-period-in-days 90
aws s3 rm s3://NAME --recursive; aws kms no-such-thing
"""
    assert lint_commands(text) == ["aws kms no-such-thing: the service kms has no operation no-such-thing"]


def test_ids_said_to_have_no_counterpart_have_none() -> None:
    unmapped = _generator().unmapped()
    claimed = {(source, ref) for source, refs in unmapped.items() for ref in refs}
    standing = {(s, ref) for c in CHECKS.values() for s in c.check.refs for ref in c.check.ref_ids(s)}
    assert claimed
    assert claimed & standing == set()


def test_coverage_counts_every_id_once() -> None:
    page = _generator().coverage()["coverage.md"]
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| [")]
    assert len(rows) == 8
    for row in rows:
        ids, standing, left = (int(cell) for cell in row[3:6])
        assert ids == standing + left
        assert standing > 0


# Checks that take another severity than Security Hub's control, and why.
REASONED = {
    "iam-policy-unattached-no-admin": "gives nobody anything today",
    "vpc-security-group-unused-admin-ports-closed": "exposes nothing today",
    "s3-bucket-event-notifications": "most buckets have nobody who would listen",
}
CONTROLS = Path(__file__).parents[2] / "shared" / "facts" / "securityhub_controls.tsv"


@pytest.mark.skipif(not CONTROLS.exists(), reason=f"{CONTROLS} is not there")
def test_severities_are_those_of_security_hub_or_reasoned() -> None:
    with CONTROLS.open(encoding="utf-8", newline="") as file:
        theirs = {row["id"]: row["severity"].lower() for row in csv.DictReader(file, delimiter="\t")}
    differ: set[str] = set()
    for check_id, loaded in CHECKS.items():
        severities = {theirs[ref] for ref in loaded.check.ref_ids("securityhub")}
        if severities and loaded.check.severity not in severities:
            differ.add(check_id)
    assert differ == {*REASONED}


def _generator() -> Any:
    path = Path(__file__).parents[1] / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("docs_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
