"""Production's rarer applications: models, containers, desktops, the contact centre, game servers."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, tag_map
from partywall.demo.fake_answers import FIRST_DAY, ago, digest


def _models(desk: Desk) -> None:
    role = desk.ids["role/flow-logs"]
    logging = {
        "cloudWatchConfig": {"logGroupName": "/bedrock/invocations", "roleArn": role},
        "textDataDeliveryEnabled": True,
    }
    desk.put("bedrock", "GetModelInvocationLoggingConfiguration", {"loggingConfig": logging}, HOME)
    listed: list[dict[str, Any]] = []
    for name, good in (("customer-chat", True), ("try-out", False)):
        id_ = digest(name)[:12]
        arn = desk.arn("bedrock", f"guardrail/{id_}")
        both = {
            "name": name,
            "status": "READY",
            "version": "DRAFT",
            "createdAt": FIRST_DAY,
            "updatedAt": ago(9),
        }
        listed.append({"id": id_, "arn": arn, **both})
        attack = {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}
        hate = {"type": "HATE", "inputStrength": "LOW", "outputStrength": "LOW"}
        pii = {"piiEntities": [{"type": "EMAIL", "action": "ANONYMIZE"}]}
        told = {
            "guardrailId": id_,
            "guardrailArn": arn,
            **both,
            "contentPolicy": {"filters": [attack if good else hate]},
            **({"sensitiveInformationPolicy": pii} if good else {}),
            "blockedInputMessaging": "We cannot answer that.",
            "blockedOutputsMessaging": "We cannot answer that.",
        }
        desk.put("bedrock", "GetGuardrail", told, HOME, {"guardrailIdentifier": id_})
    desk.put("bedrock", "ListGuardrails", {"guardrails": listed}, HOME)


def _app_runner(desk: Desk) -> None:
    listed: list[dict[str, Any]] = []
    for name, good in (("parcel-form", True), ("demo-portal", False)):
        basics = {
            "ServiceName": name,
            "ServiceId": digest(name),
            "ServiceArn": desk.arn("apprunner", f"service/{name}/{digest(name)}"),
            "ServiceUrl": f"{digest(name)[:10]}.{HOME}.awsapprunner.com",
            "CreatedAt": FIRST_DAY,
            "UpdatedAt": ago(15 if good else 500),
            "Status": "RUNNING",
        }
        listed.append(basics)
        secret = {"DB_PASSWORD": "not-a-real-one"}
        image = {
            "ImageIdentifier": f"{desk.account}.dkr.ecr.{HOME}.amazonaws.com/{name}:4"
            if good
            else "public.ecr.aws/docker/library/nginx:1.21",
            "ImageRepositoryType": "ECR" if good else "ECR_PUBLIC",
            "ImageConfiguration": {"RuntimeEnvironmentVariables": {} if good else secret},
        }
        told = {
            **basics,
            "SourceConfiguration": {"ImageRepository": image, "AutoDeploymentsEnabled": good},
            "InstanceConfiguration": {"Cpu": "1024", "Memory": "2048"},
            "AutoScalingConfigurationSummary": {"AutoScalingConfigurationName": "DefaultConfiguration"},
            "NetworkConfiguration": {
                "EgressConfiguration": {"EgressType": "VPC" if good else "DEFAULT"},
                "IngressConfiguration": {"IsPubliclyAccessible": True},
            },
        }
        desk.put(
            "apprunner", "DescribeService", {"Service": told}, HOME, {"ServiceArn": basics["ServiceArn"]}
        )
    desk.put("apprunner", "ListServices", {"ServiceSummaryList": listed}, HOME)


def _desktops(desk: Desk) -> None:
    """AppStream, and the directory that people sign in by."""
    fleets: list[dict[str, Any]] = []
    for name, good in (("claims-desk", True), ("legacy-planner", False)):
        image = desk.arn("appstream", f"image/{name}-image")
        fleets.append(
            {
                "Arn": desk.arn("appstream", f"fleet/{name}"),
                "Name": name,
                "ImageArn": image,
                "InstanceType": "stream.standard.medium",
                "FleetType": "ON_DEMAND",
                "ComputeCapacityStatus": {"Desired": 2},
                "MaxUserDurationInSeconds": 28800 if good else 345600,
                "DisconnectTimeoutInSeconds": 300 if good else 3600,
                "IdleDisconnectTimeoutInSeconds": 600 if good else 0,
                "State": "RUNNING",
                "Platform": "WINDOWS_SERVER_2022" if good else "WINDOWS_SERVER_2016",
                "EnableDefaultInternetAccess": not good,
                "DisableIMDSV1": good,
                "CreatedTime": FIRST_DAY,
            }
        )
        told = {
            "Name": f"{name}-image",
            "Arn": image,
            "Visibility": "PRIVATE",
            "CreatedTime": ago(30 if good else 900),
            "PublicBaseImageReleasedDate": ago(45 if good else 950),
            "LatestAppstreamAgentVersion": "TRUE" if good else "FALSE",
        }
        desk.put("appstream", "DescribeImages", {"Images": [told]}, HOME, {"Arns": [image]})
    desk.put("appstream", "DescribeFleets", {"Fleets": fleets}, HOME)
    staff, old = "d-9367a1b2c3", "d-9367a1b2c4"
    radius = {"AuthenticationProtocol": "MS-CHAPv2", "RadiusPort": 1812}
    directories = [
        {
            "DirectoryId": staff,
            "Name": "corp.brightwater.example",
            "Type": "MicrosoftAD",
            "Edition": "Standard",
            "Stage": "Active",
            "OsVersion": "SERVER_2019",
            "LaunchTime": FIRST_DAY,
            "RadiusSettings": radius,
            "RadiusStatus": "Completed",
        },
        {
            "DirectoryId": old,
            "Name": "legacy.brightwater.example",
            "Type": "MicrosoftAD",
            "Edition": "Standard",
            "Stage": "Active",
            "OsVersion": "SERVER_2012",
            "LaunchTime": FIRST_DAY,
        },
    ]
    desk.put("ds", "DescribeDirectories", {"DirectoryDescriptions": directories}, HOME)
    log = {"DirectoryId": staff, "LogGroupName": f"/aws/directoryservice/{staff}"}
    desk.put("ds", "ListLogSubscriptions", {"LogSubscriptions": [log]}, HOME)
    topic = {"DirectoryId": staff, "TopicArn": desk.ids["topic/ops-alerts"], "Status": "Registered"}
    desk.put("ds", "DescribeEventTopics", {"EventTopics": [topic]}, HOME)


def _callers_and_players(desk: Desk) -> None:
    """Amazon Connect and GameLift."""
    # Connect is in a few Regions only.
    where = "eu-central-1"
    key = desk.ids[f"key/data/{where}"]
    listed: list[dict[str, Any]] = []
    for name, good in (("brightwater-support", True), ("brightwater-trial", False)):
        id_ = digest(name)
        told = {
            "Id": id_,
            "Arn": desk.arn("connect", f"instance/{id_}", where),
            "IdentityManagementType": "SAML" if good else "CONNECT_MANAGED",
            "InstanceAlias": name,
            "CreatedTime": FIRST_DAY,
            "InstanceStatus": "ACTIVE",
            "InboundCallsEnabled": True,
            "OutboundCallsEnabled": good,
        }
        listed.append(told)
        mine = {"InstanceId": id_}
        full = {**told, "Tags": tag_map("support", desk.name)}
        desk.put("connect", "DescribeInstance", {"Instance": full}, where, mine)
        flow = {"AttributeType": "CONTACTFLOW_LOGS", "Value": str(good).lower()}
        desk.put("connect", "DescribeInstanceAttribute", {"Attribute": flow}, where, mine)
        lock = {"EncryptionConfig": {"EncryptionType": "KMS", "KeyId": key}} if good else {}
        bucket = {"BucketName": f"{name}-recordings", "BucketPrefix": "calls", **lock}
        stores = {"StorageConfigs": [{"StorageType": "S3", "S3Config": bucket}]}
        desk.put("connect", "ListInstanceStorageConfigs", stores, where, mine)
    desk.put("connect", "ListInstances", {"InstanceSummaryList": listed}, where)
    fleets: list[dict[str, Any]] = []
    for name, good in (("port-tycoon", True), ("port-tycoon-beta", False)):
        id_ = f"fleet-{digest(name)}"
        fleets.append(
            {
                "FleetId": id_,
                "FleetArn": desk.arn("gamelift", f"fleet/{id_}"),
                "Name": name,
                "FleetType": "ON_DEMAND",
                "InstanceType": "c5.large",
                "Status": "ACTIVE",
                "ComputeType": "EC2",
                "OperatingSystem": "AMAZON_LINUX_2023" if good else "WINDOWS_2012",
                "CreationTime": ago(20 if good else 700),
                "CertificateConfiguration": {"CertificateType": "GENERATED" if good else "DISABLED"},
            }
        )
        play = {"FromPort": 7000, "ToPort": 7100, "IpRange": "0.0.0.0/0", "Protocol": "UDP"}
        remote = {"FromPort": 3389, "ToPort": 3389, "IpRange": "0.0.0.0/0", "Protocol": "TCP"}
        ports = {"InboundPermissions": [play] if good else [play, remote]}
        desk.put("gamelift", "DescribeFleetPortSettings", ports, HOME, {"FleetId": id_})
    desk.put("gamelift", "DescribeFleetAttributes", {"FleetAttributes": fleets}, HOME)


def seed_variant_apps(desk: Desk) -> None:
    """Fill production with one good and one bad example of each."""
    if desk.name != "production":
        return
    _models(desk)
    _app_runner(desk)
    _desktops(desk)
    _callers_and_players(desk)
