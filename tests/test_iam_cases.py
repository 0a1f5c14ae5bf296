"""Cases of AWS's documentation, each block naming its page, against the IAM engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Layer, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.operators import holds
from partywall.analysis.iam.principal import Kind, Principal, principal

CASES: Final = Path(__file__).parent / "iam_cases"
ACCOUNT, OTHER, MANAGEMENT = "111122223333", "444455556666", "999999999999"
IAM, STS = f"arn:aws:iam::{ACCOUNT}", f"arn:aws:sts::{ACCOUNT}"
SESSION = f"{STS}:assumed-role/Role/Session"

WHO: Final[dict[str, Principal]] = {
    "user": principal(f"{IAM}:user/User", unique_id="AIDAUSER", fields={"canonical_id": "c0ffee"}),
    "role": principal(f"{IAM}:role/Role", unique_id="AROAROLE"),
    "session": principal(SESSION, unique_id="AROAROLE"),
    "federated": principal(f"{STS}:federated-user/Fed", user_arn=f"{IAM}:user/User"),
    "root": principal(ACCOUNT),
    "service": principal("sns.amazonaws.com"),
    "anonymous": principal("*"),
    "canonical": Principal(Kind.CANONICAL, "79a59df900b949e5"),
    "management": principal(f"arn:aws:iam::{ACCOUNT}:user/User", management=True),
    "linked": principal(f"{IAM}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
    "saml": principal(f"{IAM}:saml-provider/Idp"),
    "web": principal(f"{IAM}:oidc-provider/token.example.com"),
}
NAMES: Final[dict[str, Any]] = {
    "*": "*",
    "aws*": {"AWS": "*"},
    "account": {"AWS": f"{IAM}:root"},
    "accountid": {"AWS": ACCOUNT},
    "otheraccount": {"AWS": MANAGEMENT},
    "user": {"AWS": f"{IAM}:user/User"},
    "userid": {"AWS": "AIDAUSER"},
    "feduser": {"AWS": f"{IAM}:user/User"},
    "otheruser": {"AWS": f"{IAM}:user/Eve"},
    "role": {"AWS": f"{IAM}:role/Role"},
    "roleid": {"AWS": "AROAROLE"},
    "session": {"AWS": SESSION},
    "othersession": {"AWS": f"{STS}:assumed-role/Role/Eve"},
    "federated": {"AWS": f"{STS}:federated-user/Fed"},
    "service": {"Service": "sns.amazonaws.com"},
    "otherservice": {"Service": "ec2.amazonaws.com"},
    "canonical": {"CanonicalUser": "79a59df900b949e5"},
    "canonicalaccount": {"CanonicalUser": "c0ffee"},
    "saml": {"Federated": f"{IAM}:saml-provider/Idp"},
    "web": {"Federated": f"{IAM}:oidc-provider/token.example.com"},
}
ON: Final = {
    "s3": ("s3:GetObject", "arn:aws:s3:::bucket/key"),
    "bucketpolicy": ("s3:PutBucketPolicy", "arn:aws:s3:::bucket"),
    "sqs": ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:{0}:queue"),
    "sns": ("sns:Publish", "arn:aws:sns:eu-west-1:{0}:topic"),
    "secret": ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:{0}:secret:s"),
    "table": ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:{0}:table/t"),
    "kms": ("kms:Decrypt", "arn:aws:kms:eu-west-1:{0}:key/k"),
    "retire": ("kms:RetireGrant", "arn:aws:kms:eu-west-1:{0}:key/k"),
    "keys": ("kms:ListKeys", "*"),
    "role": ("sts:AssumeRole", "arn:aws:iam::{0}:role/Target"),
    "saml": ("sts:AssumeRoleWithSAML", "arn:aws:iam::{0}:role/Target"),
    "web": ("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::{0}:role/Target"),
    "caller": ("sts:GetCallerIdentity", "*"),
    "token": ("sts:GetSessionToken", "*"),
}


def _blocks(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((CASES / name).read_text())


def _statement(spec: str, action: str) -> dict[str, Any]:
    effect, _, name = spec.partition(":")
    made: dict[str, Any] = {
        "Effect": "Deny" if "deny" in effect else "Allow",
        "Action": "support:*" if effect == "other" else action,
        "Resource": "*",
    }
    assert effect in ("allow", "deny", "other", "open", "opendeny", "notdeny"), spec
    if effect.startswith("open"):
        made["Condition"] = {"StringEquals": {"test:open": "x"}}
    if effect == "notdeny":
        made["NotPrincipal"] = {"AWS": [], "Service": []}
        for one in name.split("|"):
            for kind, text in NAMES[one].items():
                made["NotPrincipal"][kind].append(text)
    elif name:
        made["Principal"] = NAMES[name]
    return made


def _set(spec: str, action: str, name: str) -> PolicySet:
    statements = [_statement(s, action) for s in spec.split("+")]
    return PolicySet([parse({"Version": "2012-10-17", "Statement": statements}, name)])


def _decision(line: str) -> tuple[str, str]:
    asked, _, wanted = line.rpartition(" -> ")
    who, *pairs = asked.split()
    given = dict(p.split("=", 1) for p in pairs)
    owner = OTHER if given.pop("in", "") == "other" else ACCOUNT
    action, arn = ON[given.pop("on", "s3")]
    management = given.pop("resourceof", "") == "management"
    resource = Resource(arn.format(owner), owner, management=management)
    blocked = {"yes": True, "unknown": None, "": False}[given.pop("blocked", "")]
    unread = frozenset(Layer[x.upper()] for x in given.pop("unread", "").split(",") if x)
    levels = {
        f"{k}s": tuple(_set(s, action, k) for s in given.pop(k).split(","))
        for k in ("scp", "rcp")
        if k in given
    }
    layers = {k: _set(v, action, k) for k, v in given.items()}
    policies = Policies(public_blocked=blocked, unread=unread, **levels, **layers)
    found = decide(Request(WHO[who], action, resource), policies)
    assert (found.outcome == "depends") == bool(found.residual), line
    return str(found.outcome), wanted


EVALUATION: Final = [
    pytest.param(line, id=line)
    for block in _blocks("evaluation.yaml")
    for line in block["cases"].strip().splitlines()
]
OPERATORS: Final = [
    pytest.param(block.get("version", "2012-10-17"), *case, id=f"{n}-{i}-{case[0]}")
    for n, block in enumerate(_blocks("operators.yaml"))
    for i, case in enumerate(block["cases"])
]
STATEMENTS: Final = [
    pytest.param(block, case, id=f"{n}-{i}")
    for n, block in enumerate([*_blocks("statements.yaml"), *_blocks("questions.yaml")])
    for i, case in enumerate(block["cases"])
]


@pytest.mark.parametrize("line", EVALUATION)
def test_decisions_follow_the_evaluation_logic(line: str) -> None:
    found, wanted = _decision(line)
    assert found == wanted


@pytest.mark.parametrize(("version", "operator", "values", "request_values", "wanted"), OPERATORS)
def test_operators(
    version: str, operator: str, values: list[Any], request_values: list[str] | str, wanted: bool | None
) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {operator: {"Test:Key": values}},
    }
    policy = parse({"Version": version, "Statement": statement})
    assert not policy.problems
    known: dict[str, Any] = {"aws:username": "Bob", "test:star": "a*", "test:many": ["x", "y"]}
    missing = ["test:empty", "test:number"]
    if isinstance(request_values, list):
        known["test:KEY"] = request_values
    elif request_values == "missing":
        missing.append("test:key")
    (condition,) = policy.statements[0].conditions
    assert holds(condition, Context(known, missing=missing)) is wanted


@pytest.mark.parametrize(("block", "case"), STATEMENTS)
def test_statements(block: dict[str, Any], case: dict[str, Any]) -> None:
    """A whole document as an identity policy (or a resource policy, where it names a principal)."""
    given = {**block.get("base", {}), **case.get("statement", {})}
    if not given.keys() & {"Resource", "NotResource", "Principal"}:
        given["Resource"] = "*"
    document = case.get("document") or {
        "Version": case.get("version", "2012-10-17"),
        "Statement": {"Effect": "Allow", "Action": "*", **given},
    }
    who = principal(case["who"], **case.get("known", {})) if "who" in case else WHO["user"]
    layer = PolicySet([parse(document)])
    by_resource = "'Principal'" in str(document)
    policies = Policies(resource=layer) if by_resource else Policies(identity=layer)
    context = Context(
        case.get("context"), missing=case.get("missing", ()), complete=case.get("complete", False)
    )
    resource = Resource(case.get("resource", "*"), case.get("owner", ACCOUNT), tags=case.get("tags"))
    found = decide(Request(who, case.get("action", "s3:GetObject"), resource, context), policies)
    assert found.outcome == case["want"]


def test_every_block_names_its_page_and_the_table_is_large() -> None:
    names = ("evaluation.yaml", "operators.yaml", "statements.yaml", "questions.yaml")
    assert all(block["page"] for name in names for block in _blocks(name))
    assert len(EVALUATION) + len(OPERATORS) + len(STATEMENTS) >= 850
    assert len({p.id for p in EVALUATION}) == len(EVALUATION)
