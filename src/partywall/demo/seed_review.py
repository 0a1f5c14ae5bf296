"""What people look after: managed instances and their patches, architecture reviews, agreements, contacts."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk
from partywall.demo.fake_answers import ago


def _managed_instances(desk: Desk) -> None:
    """Systems Manager sees some of the instances; the legacy ones run no agent."""
    if desk.name != "production":
        return
    ssm = desk.at("ssm")
    names = ("web-1", "web-2", "batch-1", "bastion")
    states: list[dict[str, Any]] = []
    instances: list[dict[str, Any]] = []
    for name in names:
        instance = desk.ids[f"instance/{name}"]
        behind = name == "batch-1"
        instances.append(
            {
                "InstanceId": instance,
                "PingStatus": "ConnectionLost" if name == "bastion" else "Online",
                "LastPingDateTime": ago(20 if name == "bastion" else 0),
                "AgentVersion": "3.3.1142.0",
                "IsLatestVersion": not behind,
                "PlatformType": "Linux",
                "PlatformName": "Amazon Linux",
                "PlatformVersion": "2" if behind else "2023",
                "ResourceType": "EC2Instance",
                "IPAddress": "10.20.10.11",
                "ComputerName": name,
                "AssociationStatus": "Success",
            }
        )
        states.append(
            {
                "InstanceId": instance,
                "PatchGroup": "default",
                "BaselineId": "pb-0e392de35e7c563b7",
                "InstalledCount": 210,
                "InstalledOtherCount": 4,
                "InstalledPendingRebootCount": int(behind),
                "MissingCount": 9 if behind else 0,
                "FailedCount": int(behind),
                "NotApplicableCount": 800,
                "OperationStartTime": ago(2),
                "OperationEndTime": ago(2),
                "Operation": "Scan",
                "CriticalNonCompliantCount": 2 if behind else 0,
                "SecurityNonCompliantCount": 5 if behind else 0,
                "OtherNonCompliantCount": 2 if behind else 0,
            }
        )
        ssm.put_compliance_items(
            ResourceId=instance,
            ResourceType="ManagedInstance",
            ComplianceType="Patch",
            ExecutionSummary={"ExecutionTime": 1790000000},
            Items=[
                {
                    "Id": "kernel",
                    "Title": "kernel",
                    "Severity": "CRITICAL",
                    "Status": "NON_COMPLIANT" if behind else "COMPLIANT",
                }
            ],
        )
    desk.put("ssm", "DescribeInstanceInformation", {"InstanceInformationList": instances}, HOME)
    desk.put("ssm", "DescribeInstancePatchStates", {"InstancePatchStates": states}, HOME)
    ssm.create_patch_baseline(Name="amazon-linux", OperatingSystem="AMAZON_LINUX_2023")
    ssm.create_document(
        Name="restart-shop",
        DocumentType="Command",
        DocumentFormat="YAML",
        Content=(
            "schemaVersion: '2.2'\ndescription: restart\nmainSteps:\n- action: aws:runShellScript\n"
            "  name: restart\n  inputs:\n    runCommand:\n    - systemctl restart shop\n"
        ),
    )
    ssm.modify_document_permission(Name="restart-shop", PermissionType="Share", AccountIdsToAdd=["all"])


def _reviews(desk: Desk) -> None:
    if desk.name != "production":
        return
    workload = "9d4a7c1e5b6f40a1a2b3c4d5e6f70819"
    arn = desk.arn("wellarchitected", f"workload/{workload}")
    risks = {"HIGH": 4, "MEDIUM": 7, "NONE": 31, "UNANSWERED": 16}
    summary = {
        "WorkloadId": workload,
        "WorkloadArn": arn,
        "WorkloadName": "shop",
        "Owner": desk.account,
        "UpdatedAt": ago(420),
        "Lenses": ["wellarchitected"],
        "RiskCounts": risks,
        "ImprovementStatus": "IN_PROGRESS",
    }
    desk.put("wellarchitected", "ListWorkloads", {"WorkloadSummaries": [summary]}, HOME)
    desk.put(
        "wellarchitected",
        "GetWorkload",
        {
            "Workload": {
                **summary,
                "Environment": "PRODUCTION",
                "AwsRegions": [HOME],
                "AccountIds": [desk.account],
                "Description": "web shop",
                "ReviewOwner": "platform@brightwater.example",
            }
        },
        HOME,
        {"WorkloadId": workload},
    )
    lens = {
        "LensAlias": "wellarchitected",
        "LensArn": "arn:aws:wellarchitected::aws:lens/wellarchitected",
        "LensName": "AWS Well-Architected Framework",
        "LensVersion": "2024-06-27",
        "LensStatus": "CURRENT",
        "UpdatedAt": ago(420),
        "RiskCounts": risks,
    }
    desk.put(
        "wellarchitected", "ListLensReviews", {"WorkloadId": workload, "LensReviewSummaries": [lens]}, HOME
    )
    answers = [
        {
            "QuestionId": name,
            "PillarId": "security",
            "QuestionTitle": title,
            "IsApplicable": True,
            "Risk": risk,
            "SelectedChoices": [],
        }
        for name, title, risk in (
            ("securely-operate", "How do you securely operate your workload?", "MEDIUM"),
            ("identities", "How do you manage identities for people and machines?", "HIGH"),
            ("permissions", "How do you manage permissions for people and machines?", "HIGH"),
            ("detect-investigate-events", "How do you detect and investigate security events?", "NONE"),
        )
    ]
    desk.put(
        "wellarchitected",
        "ListAnswers",
        {"WorkloadId": workload, "LensAlias": "wellarchitected", "AnswerSummaries": answers},
        HOME,
    )


def _evidence(desk: Desk) -> None:
    """Agreements with AWS, and who to call."""
    account = desk.at("account", "us-east-1")
    for kind in {"production": ("SECURITY", "OPERATIONS", "BILLING"), "management": ("BILLING",)}.get(
        desk.name, ()
    ):
        account.put_alternate_contact(
            AlternateContactType=kind,
            Name="Maria Keller",
            Title="Head of Platform",
            EmailAddress=f"{kind.lower()}@brightwater.example",
            PhoneNumber="+353 1 000 0000",
        )
    if desk.name == "management":
        desk.put(
            "artifact",
            "ListCustomerAgreements",
            {
                "customerAgreements": [
                    {
                        "name": "AWS Organizations GDPR Data Processing Addendum",
                        "state": "ACTIVE",
                        "type": "DEFAULT",
                        "effectiveStart": ago(900),
                        "acceptanceTerms": [],
                        "terminateTerms": [],
                    }
                ]
            },
        )
        desk.put("fms", "GetAdminAccount", {"AdminAccount": desk.account, "RoleStatus": "READY"})
        desk.put("fms", "ListPolicies", {"PolicyList": []})
    if desk.name == "production":
        index = {"Arn": desk.arn("resource-explorer-2", "index/1d2c"), "Region": HOME, "Type": "AGGREGATOR"}
        desk.put("resource-explorer-2", "ListIndexes", {"Indexes": [index]})
        desk.put(
            "lightsail",
            "GetInstances",
            {
                "instances": [
                    {
                        "name": "old-blog",
                        "arn": desk.arn("lightsail", "Instance/old-blog"),
                        "createdAt": ago(2200),
                        "blueprintId": "wordpress",
                        "publicIpAddress": "198.51.100.44",
                        "tags": [],
                        "location": {"availabilityZone": f"{HOME}a", "regionName": HOME},
                        "resourceType": "Instance",
                        "networking": {
                            "ports": [
                                {
                                    "fromPort": 22,
                                    "toPort": 22,
                                    "protocol": "tcp",
                                    "accessType": "Public",
                                    "cidrs": ["0.0.0.0/0"],
                                }
                            ]
                        },
                    }
                ]
            },
            HOME,
        )


def seed_review(desk: Desk) -> None:
    """Fill patch state, reviews and evidence of one account; needs its instances."""
    _managed_instances(desk)
    _reviews(desk)
    _evidence(desk)
