"""Sample architectures as CloudFormation templates, in the manner of AWS's public ones.

The templates are whole; moto makes the resources of the types that it knows and leaves the others out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack that was created: its status and the logical ids of its resources, made and left out."""

    name: str
    status: str
    made: tuple[str, ...]
    left_out: tuple[str, ...]


def templates() -> dict[str, str]:
    """The templates' texts by name."""
    folder = Path(__file__).parent
    return {path.stem: path.read_text() for path in sorted(folder.glob("*.yaml"))}


def _logical_ids(text: str) -> list[str]:
    """The ids under Resources, told by their indentation, which needs no reader of CloudFormation's tags."""
    inside = text.partition("\nResources:\n")[2].partition("\nOutputs:\n")[0]
    return [
        line.strip().rstrip(":") for line in inside.splitlines() if line[:2] == "  " and line[2:3].isalpha()
    ]


def _sandbox(clients: Any, key: str, secret: str) -> tuple[str, str, str | None]:
    """Credentials for the sandbox account where the organisation has one, else for the caller's own."""
    from botocore.exceptions import ClientError

    try:
        listed = clients.client("organizations", "us-east-1", key, secret, None).list_accounts()
    except ClientError:
        return key, secret, None
    for account in listed["Accounts"]:
        if account["Name"].endswith("sandbox"):
            role = f"arn:aws:iam::{account['Id']}:role/OrganizationAccountAccessRole"
            sts = clients.client("sts", "us-east-1", key, secret, None)
            keys = sts.assume_role(RoleArn=role, RoleSessionName="samples")["Credentials"]
            return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    return key, secret, None


def deploy_samples(emulator_url: str) -> list[Deployed]:
    """Create each template as a stack in REGION, in the sandbox account if there is one.

    Raises botocore.exceptions.ClientError where the emulator refuses a stack.
    """
    from partywall.demo.desk import Clients
    from partywall.demo.organisation import MANAGEMENT_KEY

    clients = Clients(emulator_url)
    credentials = _sandbox(clients, *MANAGEMENT_KEY)
    cloudformation = clients.client("cloudformation", REGION, *credentials)
    deployed: list[Deployed] = []
    for name, text in templates().items():
        stack = f"sample-{name}"
        cloudformation.create_stack(StackName=stack, TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"])
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        listed = cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
        made = {resource["LogicalResourceId"] for resource in listed}
        ids = _logical_ids(text)
        deployed.append(
            Deployed(
                stack,
                status,
                tuple(i for i in ids if i in made),
                tuple(i for i in ids if i not in made),
            )
        )
    return deployed
