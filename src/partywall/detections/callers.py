"""What a caller is: a person at the console or a command line, infrastructure as code, CI, a machine.

Fields as CloudTrail's user guide has them ("CloudTrail userIdentity element"). A user agent is the
caller's own word: it may make a finding milder, never end it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

KINDS: Final = (
    "root",
    "console",
    "person",
    "iac",
    "ci",
    "instance",
    "function",
    "container",
    "service",
    "external",
    "anonymous",
    "unknown",
)
"""person: a user or session on a command line or an SDK, as far as can be told; external: another account."""

WORD: Final = {
    "root": "the root user",
    "console": "a person in the console",
    "person": "a user or session on a command line or SDK",
    "iac": "infrastructure as code",
    "ci": "a CI pipeline",
    "instance": "an instance",
    "function": "a function",
    "container": "a container",
    "service": "an AWS service",
    "external": "another account",
    "anonymous": "somebody without credentials",
    "unknown": "a caller of unknown kind",
}

MACHINES: Final = frozenset(["iac", "ci", "instance", "function", "container", "service"])

_IAC: Final = re.compile(
    r"Terraform|OpenTofu|Pulumi|aws-cdk|CloudFormation|Crossplane|[Aa]nsible|aws-sam-cli|StackSets|\beksctl"
)
_CI_ROLE: Final = re.compile(
    r"(?i)(github|gitlab|codebuild|codepipeline|jenkins|circleci|buildkite|bitbucket|argocd|spacelift|atlantis"
    r"|(^|[-_/])(ci|cd|cicd|deploy(er|ment)?|pipeline)([-_/]|$))"
)
_FEDERATED_CI: Final = re.compile(r"token\.actions\.githubusercontent|gitlab|circleci|bitbucket|buildkite")
_INSTANCE: Final = re.compile(r"/i-[0-9a-f]{8,17}$")
_BROWSER: Final = re.compile(
    r"^(Mozilla/5\.0|console\.amazonaws\.com|signin\.amazonaws\.com|S3Console|AWS-Console)"
)


def kind_of(identity: Mapping[str, Any], agent: str = "", address: str = "", console: bool = False) -> str:
    """The kind of a caller, by the flat names of the log table: `type`, `arn`, `invokedBy`, `issuer` …

    `identity` maps the names below `userIdentity.` (dotted) to their texts or None.
    """
    session = "sessionContext."
    return _kind(
        identity.get("type") or "",
        identity.get("arn") or "",
        identity.get("principalId") or "",
        identity.get("invokedBy") or "",
        identity.get(session + "sessionIssuer.arn") or "",
        identity.get(session + "ec2RoleDelivery") or "",
        identity.get(session + "webIdFederationData.federatedProvider")
        or identity.get("identityProvider")
        or "",
        agent or "",
        address or "",
        console,
    )


@lru_cache(maxsize=20_000)
def _kind(
    kind: str,
    arn: str,
    principal: str,
    invoked: str,
    issuer: str,
    delivery: str,
    federated: str,
    agent: str,
    address: str,
    console: bool,
) -> str:
    if kind == "AWSService" or ":role/aws-service-role/" in issuer:
        return "service"
    if invoked and invoked != "AWS Internal":
        return "iac" if invoked.startswith("cloudformation") else "service"
    if address.endswith(".amazonaws.com") and agent.endswith(".amazonaws.com"):
        return "iac" if address.startswith("cloudformation") else "service"
    if kind == "Root":
        return "root"
    if kind == "AWSAccount":
        return "anonymous" if principal in ("", "anonymous") or "ANONYMOUS" in principal else "external"
    if delivery or _INSTANCE.search(arn):
        return "instance"
    if console or _BROWSER.match(agent):
        return "console"
    if "exec-env/AWS_Lambda" in agent:
        return "function"
    if "exec-env/AWS_ECS" in agent:
        return "container"
    if _IAC.search(agent):
        return "iac"
    if _FEDERATED_CI.search(federated) or _CI_ROLE.search(issuer.rpartition("role/")[2]):
        return "ci"
    return "person" if kind else "unknown"
