"""The sample organisation "Brightwater", a logistics company of some years, made by ordinary AWS calls.

Three accounts (management, production, sandbox), three regions, good and bad settings mixed as teams and
years leave them. Everything is fixed: two seedings of fresh emulators give the same settings.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from partywall.demo.desk import Clients, Desk, admin, allow, deny, policy, tags

MANAGEMENT_KEY = ("AKIABRIGHTWATER00001", "the-emulator-checks-no-signature")
ROLE = "OrganizationAccountAccessRole"


@dataclass
class SampleAccount:
    """An account to scan: enter it with `role_arn`, or with `access_key_id` where that is empty."""

    name: str
    account_id: str
    role_arn: str
    access_key_id: str = ""
    secret_access_key: str = ""


@dataclass
class SeedSummary:
    """What the seeding made: things created per service, by botocore's service names, and the accounts."""

    accounts: list[SampleAccount]
    regions: tuple[str, ...]
    created: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def total(self) -> int:
        """How many things were created in all."""
        return sum(self.created.values())


def _organisation(desk: Desk) -> dict[str, str]:
    """Create the organisation; the answer is account ids by name."""
    org = desk.at("organizations", "us-east-1")
    org.create_organization(FeatureSet="ALL")
    root = org.list_roots()["Roots"][0]["Id"]
    units: dict[str, str] = {}
    for name in ("Workloads", "Sandbox", "Security"):
        made = org.create_organizational_unit(ParentId=root, Name=name, Tags=tags("platform", "all"))
        units[name] = made["OrganizationalUnit"]["Id"]
    accounts: dict[str, str] = {}
    for name, unit in (("production", "Workloads"), ("sandbox", "Sandbox")):
        status = org.create_account(
            Email=f"aws+{name}@brightwater.example",
            AccountName=f"brightwater-{name}",
            Tags=tags("platform", name),
        )["CreateAccountStatus"]
        accounts[name] = status["AccountId"]
        org.move_account(AccountId=accounts[name], SourceParentId=root, DestinationParentId=units[unit])
    org.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    guard = org.create_policy(
        Name="protect-trails",
        Description="Nobody turns off the trail",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(deny(["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"])),
    )["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=guard, TargetId=units["Workloads"])
    org.create_policy(
        Name="no-root",
        Description="Deny the root user (not attached yet)",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(deny("*", Condition={"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}})),
    )
    for service in ("guardduty.amazonaws.com", "config.amazonaws.com", "cloudtrail.amazonaws.com"):
        org.enable_aws_service_access(ServicePrincipal=service)
    org.register_delegated_administrator(
        AccountId=accounts["production"], ServicePrincipal="guardduty.amazonaws.com"
    )
    return accounts


def _enter(clients: Clients, management: Desk, name: str, account: str) -> Desk:
    """A desk in a member account, by way of its OrganizationAccountAccessRole."""
    role = f"arn:aws:iam::{account}:role/{ROLE}"
    sts = management.at("sts", "us-east-1")
    keys = sts.assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    return Desk(clients, account, name, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def _access_role(desk: Desk, management: str) -> None:
    """The role that AWS Organizations makes in each account that it creates, and moto does not."""
    iam = desk.at("iam")
    if any(role["RoleName"] == ROLE for role in iam.list_roles()["Roles"]):
        return
    principal = {"AWS": f"arn:aws:iam::{management}:root"}
    trusted = allow("sts:AssumeRole", Principal=principal)
    del trusted["Resource"]
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=policy(trusted))
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def _steps() -> list[Callable[[Desk], None]]:
    from partywall.demo.seed_compute import seed_compute
    from partywall.demo.seed_data import seed_data
    from partywall.demo.seed_detection import seed_detection
    from partywall.demo.seed_edge import seed_edge
    from partywall.demo.seed_identity import seed_identity
    from partywall.demo.seed_keys import seed_hsm, seed_keys
    from partywall.demo.seed_messaging import seed_messaging
    from partywall.demo.seed_network import seed_network
    from partywall.demo.seed_reach import seed_reach
    from partywall.demo.seed_review import seed_review
    from partywall.demo.seed_storage import seed_storage
    from partywall.demo.seed_variant_apps import seed_variant_apps
    from partywall.demo.seed_variants import seed_variants
    from partywall.demo.seed_wide_apps import seed_wide_apps
    from partywall.demo.seed_wide_compute import seed_wide_compute
    from partywall.demo.seed_wide_data import seed_wide_data
    from partywall.demo.seed_wide_edge import seed_wide_edge
    from partywall.demo.seed_wide_watch import seed_wide_watch

    return [
        seed_identity,
        seed_keys,
        seed_network,
        seed_hsm,
        seed_storage,
        seed_messaging,
        seed_compute,
        seed_data,
        seed_edge,
        seed_detection,
        seed_review,
        seed_wide_data,
        seed_wide_edge,
        seed_wide_compute,
        seed_wide_watch,
        seed_wide_apps,
        seed_variants,
        seed_variant_apps,
        seed_reach,
    ]


def seed(url: str) -> SeedSummary:
    """Fill a fresh emulator at `url` with the sample organisation.

    Raises botocore.exceptions.ClientError where the emulator refuses a step, as it does when it was
    filled before, and urllib.error.URLError where none answers.
    """
    from partywall.demo.desk import REGIONS
    from partywall.demo.seed_attack import seed_attack
    from partywall.demo.seed_reach import seed_between

    # moto draws ids from one generator; a fixed start makes them the same in every run.
    urllib.request.urlopen(f"{url}/moto-api/seed?a=20190311", data=b"", timeout=30).close()
    clients = Clients(url)
    sts = clients.client("sts", "us-east-1", *MANAGEMENT_KEY, None)
    management = Desk(clients, sts.get_caller_identity()["Account"], "management", *MANAGEMENT_KEY)
    members = _organisation(management)
    desks = [management, *(_enter(clients, management, name, id_) for name, id_ in members.items())]
    for desk in desks:
        if desk is not management:
            _access_role(desk, management.account)
        for step in _steps():
            step(desk)
    seed_between(desks)
    seed_attack(desks)
    filled: list[dict[str, Any]] = [entry for desk in desks for entry in desk.answers]
    admin(url, "fake", filled)
    admin(url, "state", [entry for desk in desks for entry in desk.states])
    admin(url, "age", [entry for desk in desks for entry in desk.ages])
    accounts = [
        SampleAccount(
            desk.name,
            desk.account,
            "" if desk is management else f"arn:aws:iam::{desk.account}:role/{ROLE}",
            *(MANAGEMENT_KEY if desk is management else ()),
        )
        for desk in desks
    ]
    return SeedSummary(accounts, REGIONS, dict(sorted(clients.created.items())))
