"""Instances, images, functions, containers and builds."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from partywall.demo.desk import HOME, Desk, policy, tag_map, tags

_IMAGE = "ami-04681a1dbd79675a5"  # Amazon Linux 2, in moto in every region.
_USER_DATA = "#!/bin/sh\nexport DB_PASSWORD=not-a-real-one\nservice shop start\n"


def function_code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), "def handler(event, context):\n    return event\n")
    return buffer.getvalue()


# name: image, type, subnet, groups, public address, IMDSv2 required, profile, age in days, more settings.
_INSTANCES: list[tuple[str, str, str, list[str], bool, bool, str, int]] = [
    ("web-1", "t3.medium", "main-private-a", ["web"], False, True, "web-instance", 40),
    ("web-2", "t3.medium", "main-private-b", ["web"], False, True, "web-instance", 40),
    ("batch-1", "m5.large", "main-private-a", ["batch"], False, True, "batch-instance", 200),
    ("bastion", "t3.micro", "main-public-a", ["bastion"], True, True, "", 310),
    (
        "legacy-erp",
        "m4.xlarge",
        "legacy-public-a",
        ["legacy-ssh-anywhere", "legacy-mysql-open"],
        True,
        False,
        "batch-instance",
        1400,
    ),
    ("legacy-ftp", "t2.small", "legacy-public-b", ["legacy-all-traffic"], True, False, "", 1650),
    ("legacy-mongo", "m4.large", "legacy-private-a", ["legacy-mongo"], False, False, "", 1300),
]


def _instances(desk: Desk) -> None:
    ec2 = desk.at("ec2")
    ec2.create_key_pair(KeyName="ops-2018", TagSpecifications=[])
    ec2.create_key_pair(KeyName="ops-ed25519", KeyType="ed25519")
    chosen = (
        _INSTANCES
        if desk.name == "production"
        else [
            ("try-out", "t2.large", "legacy-public-a", ["legacy-ssh-anywhere"], True, False, "", 90),
            ("workshop", "t3.small", "main-public-a", ["bastion"], True, True, "web-instance", 12),
        ]
    )
    for name, kind, subnet, groups, public, strict, profile, days in chosen:
        legacy = name.startswith("legacy")
        made = ec2.run_instances(
            ImageId=_IMAGE,
            InstanceType=kind,
            MinCount=1,
            MaxCount=1,
            KeyName="ops-2018" if legacy else "ops-ed25519",
            UserData=_USER_DATA if legacy else "",
            Monitoring={"Enabled": not legacy},
            EbsOptimized=not legacy,
            SubnetId=desk.ids[f"subnet/{subnet}/{HOME}"],
            SecurityGroupIds=[desk.ids[f"sg/{group}/{HOME}"] for group in groups],
            MetadataOptions={
                "HttpTokens": "required" if strict else "optional",
                "HttpEndpoint": "enabled",
                "HttpPutResponseHopLimit": 1 if strict else 3,
            },
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [
                        {"Key": "Name", "Value": name},
                        *tags("platform", desk.name),
                        *([] if legacy else [{"Key": "backup", "Value": "daily"}]),
                    ],
                }
            ],
            **({"IamInstanceProfile": {"Name": profile}} if profile else {}),
        )["Instances"][0]["InstanceId"]
        desk.ids[f"instance/{name}"] = made
        desk.age("instance", made, days)
        if public and subnet.startswith("main"):
            # The tidy subnets give no addresses by themselves, the legacy ones do.
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            ec2.associate_address(InstanceId=made, AllocationId=address)
    ec2.modify_instance_attribute(
        InstanceId=next(v for k, v in desk.ids.items() if k.startswith("instance/")),
        DisableApiTermination={"Value": True},
    )
    stopped = desk.ids.get("instance/legacy-mongo")
    if stopped:
        ec2.stop_instances(InstanceIds=[stopped])


def _volumes(desk: Desk) -> None:
    ec2 = desk.at("ec2")
    for name, size, encrypted in (
        ("orders-archive", 200, True),
        ("erp-data", 500, False),
        ("orphan", 80, False),
    ):
        volume = ec2.create_volume(
            AvailabilityZone=f"{HOME}a",
            Size=size,
            Encrypted=encrypted,
            VolumeType="gp3",
            TagSpecifications=[
                {
                    "ResourceType": "volume",
                    "Tags": [{"Key": "Name", "Value": name}, *tags("platform", desk.name)],
                }
            ],
        )["VolumeId"]
        snapshot = ec2.create_snapshot(VolumeId=volume, Description=f"{name} before migration")["SnapshotId"]
        desk.age("snapshot", snapshot, 30 if encrypted else 1100)
        desk.ids[f"snapshot/{name}"] = snapshot
    ec2.modify_snapshot_attribute(
        SnapshotId=desk.ids["snapshot/erp-data"],
        Attribute="createVolumePermission",
        OperationType="add",
        GroupNames=["all"],
    )
    ec2.modify_snapshot_attribute(
        SnapshotId=desk.ids["snapshot/orphan"],
        Attribute="createVolumePermission",
        OperationType="add",
        UserIds=["464622532012"],
    )
    for name, public in (("golden-2024", False), ("erp-template", True)):
        made = ec2.create_image(InstanceId=desk.ids["instance/web-1"], Name=name)["ImageId"]
        if public:
            ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"Group": "all"}]})
    ec2.enable_ebs_encryption_by_default()
    desk.at("ec2", "eu-central-1").enable_ebs_encryption_by_default()
    ec2.enable_snapshot_block_public_access(State="block-new-sharing")
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
    frankfurt = desk.at("ec2", "eu-central-1")
    frankfurt.enable_snapshot_block_public_access(State="block-all-sharing")
    frankfurt.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")


def _scaling(desk: Desk) -> None:
    ec2 = desk.at("ec2")
    for name, tokens, public in (("shop-web", "required", False), ("old-workers", "optional", True)):
        ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={
                "ImageId": _IMAGE,
                "InstanceType": "t3.medium",
                "MetadataOptions": {"HttpTokens": tokens},
                "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": public}],
            },
        )
    scaling = desk.at("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName="workers-2018",
        ImageId=_IMAGE,
        InstanceType="t2.small",
        AssociatePublicIpAddress=True,
        UserData=_USER_DATA,
    )
    zones = {"main": "main-private-a,main-private-b", "single": "main-private-a"}
    for name, source, where, health in (
        ("shop-web", {"LaunchTemplate": {"LaunchTemplateName": "shop-web"}}, "main", "ELB"),
        ("old-workers", {"LaunchConfigurationName": "workers-2018"}, "single", "EC2"),
    ):
        subnets = [desk.ids[f"subnet/{s}/{HOME}"] for s in zones[where].split(",")]
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=6,
            DesiredCapacity=0,
            HealthCheckType=health,
            VPCZoneIdentifier=",".join(subnets),
            **source,
            Tags=[
                {**t, "ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
                for t in tags("web", desk.name)
            ],
        )


# name: runtime, role, settings.
_FUNCTIONS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("orders-api", "python3.12", "orders-lambda", {"TracingConfig": {"Mode": "Active"}}),
    ("orders-export", "python3.13", "orders-lambda", {"Timeout": 300}),
    ("image-resizer", "nodejs16.x", "image-resizer-lambda", {}),
    (
        "legacy-invoice",
        "python3.7",
        "image-resizer-lambda",
        {"Environment": {"Variables": {"DB_PASSWORD": "not-a-real-one", "STAGE": "prod"}}},
    ),
    ("track-webhook", "nodejs20.x", "orders-lambda", {}),
    ("nightly-report", "java8.al2", "orders-lambda", {"MemorySize": 1024}),
]


def _functions(desk: Desk) -> None:
    functions = desk.at("lambda")
    for name, runtime, role, more in _FUNCTIONS:
        functions.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=desk.ids[f"role/{role}"],
            Handler="handler.handler",
            Code={"ZipFile": function_code()},
            Tags=tag_map("shop", desk.name),
            **more,
        )
    functions.update_function_configuration(
        FunctionName="orders-api",
        VpcConfig={
            "SubnetIds": [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
            "SecurityGroupIds": [desk.ids[f"sg/web/{HOME}"]],
        },
    )
    functions.create_function_url_config(FunctionName="track-webhook", AuthType="NONE")
    functions.create_function_url_config(FunctionName="orders-export", AuthType="AWS_IAM")
    functions.add_permission(
        FunctionName="track-webhook",
        StatementId="public-url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    functions.add_permission(
        FunctionName="legacy-invoice", StatementId="everyone", Action="lambda:InvokeFunction", Principal="*"
    )
    functions.add_permission(
        FunctionName="image-resizer",
        StatementId="bucket",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceAccount=desk.account,
        SourceArn="arn:aws:s3:::brightwater-www-prod",
    )
    functions.put_function_concurrency(FunctionName="orders-api", ReservedConcurrentExecutions=50)
    functions.put_runtime_management_config(
        FunctionName="nightly-report",
        UpdateRuntimeOn="Manual",
        RuntimeVersionArn=f"arn:aws:lambda:{HOME}::runtime:7b620fc2e66107a1046b140b9d320295811af3ad5d4c6a011fad1fa65127e9e6",
    )


def _registries(desk: Desk) -> None:
    ecr = desk.at("ecr")
    for name, scan, tagging, kms in (
        ("shop/web", True, "IMMUTABLE", True),
        ("shop/worker", True, "MUTABLE", False),
        ("legacy/erp", False, "MUTABLE", False),
    ):
        encryption = {"encryptionType": "KMS", "kmsKey": desk.ids[f"key/data/{HOME}"]}
        ecr.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": scan},
            imageTagMutability=tagging,
            encryptionConfiguration=encryption if kms else {"encryptionType": "AES256"},
            tags=tags("shop", desk.name),
        )
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 7023,
            "digest": "sha256:" + "b" * 64,
        },
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": 32654,
                "digest": "sha256:" + "e" * 64,
            }
        ],
    }
    ecr.put_image(repositoryName="shop/web", imageTag="2026-11-01", imageManifest=json.dumps(manifest))
    ecr.start_image_scan(repositoryName="shop/web", imageId={"imageTag": "2026-11-01"})
    pull = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    ecr.set_repository_policy(repositoryName="legacy/erp", policyText=policy(pull))
    ecr.put_lifecycle_policy(
        repositoryName="shop/web",
        lifecyclePolicyText=json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {
                            "tagStatus": "untagged",
                            "countType": "sinceImagePushed",
                            "countUnit": "days",
                            "countNumber": 14,
                        },
                        "action": {"type": "expire"},
                    }
                ]
            }
        ),
    )


def _containers(desk: Desk) -> None:
    ecs = desk.at("ecs")
    ecs.create_cluster(clusterName="shop", settings=[{"name": "containerInsights", "value": "enabled"}])
    ecs.create_cluster(clusterName="legacy")
    role = desk.ids["role/ecs-task-execution"]
    for family, container, more in (
        (
            "shop-web",
            {
                "readonlyRootFilesystem": True,
                "user": "1000",
                "secrets": [{"name": "DB", "valueFrom": desk.arn("secretsmanager", "secret:shop/orders-db")}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/shop"}},
            },
            {"requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024", "networkMode": "awsvpc"},
        ),
        (
            "legacy-cron",
            {
                "privileged": True,
                "user": "root",
                "environment": [
                    {"name": "AWS_SECRET_ACCESS_KEY", "value": "not-a-real-one"},
                    {"name": "DB_PASSWORD", "value": "hunter2"},
                ],
            },
            {"networkMode": "host", "pidMode": "host"},
        ),
    ):
        ecs.register_task_definition(
            family=family,
            executionRoleArn=role,
            taskRoleArn=role,
            **more,
            containerDefinitions=[
                {"name": family, "image": "shop/web", "memory": 512, "essential": True, **container}
            ],
        )
    network = {
        "awsvpcConfiguration": {
            "subnets": [desk.ids[f"subnet/main-private-a/{HOME}"]],
            "securityGroups": [desk.ids[f"sg/web/{HOME}"]],
            "assignPublicIp": "DISABLED",
        }
    }
    ecs.create_service(
        cluster="shop",
        serviceName="web",
        taskDefinition="shop-web",
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration=network,
        enableExecuteCommand=True,
    )
    ecs.create_service(
        cluster="legacy", serviceName="cron", taskDefinition="legacy-cron", desiredCount=1, launchType="EC2"
    )
    eks = desk.at("eks")
    subnets = [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"]
    for name, version, public, cidrs, logging in (
        ("platform", "1.33", False, ["10.0.0.0/8"], True),
        ("data-science", "1.24", True, ["0.0.0.0/0"], False),
    ):
        eks.create_cluster(
            name=name,
            version=version,
            roleArn=desk.ids["role/eks-cluster"],
            resourcesVpcConfig={
                "subnetIds": subnets,
                "endpointPublicAccess": public,
                "endpointPrivateAccess": not public,
                "publicAccessCidrs": cidrs,
            },
            logging={"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": logging}]},
            tags=tag_map("platform", desk.name),
            **(
                {
                    "encryptionConfig": [
                        {"resources": ["secrets"], "provider": {"keyArn": desk.ids[f"key/data/{HOME}"]}}
                    ]
                }
                if logging
                else {}
            ),
        )
        eks.create_nodegroup(
            clusterName=name,
            nodegroupName="workers",
            subnets=subnets,
            nodeRole=desk.ids["role/web-instance"],
            **({"remoteAccess": {"ec2SshKey": "ops-2018"}} if public else {}),
        )


def _builds(desk: Desk) -> None:
    codebuild = desk.at("codebuild")
    for name, privileged, variables in (
        ("shop-deploy", False, [{"name": "STAGE", "value": "prod", "type": "PLAINTEXT"}]),
        (
            "legacy-image",
            True,
            [{"name": "AWS_SECRET_ACCESS_KEY", "value": "not-a-real-one", "type": "PLAINTEXT"}],
        ),
    ):
        codebuild.create_project(
            name=name,
            source={"type": "GITHUB", "location": "https://github.com/brightwater/shop"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": privileged,
                "environmentVariables": variables,
            },
            serviceRole=desk.ids["role/codebuild-deploy"],
            tags=[{"key": "team", "value": "platform"}],
        )


def seed_compute(desk: Desk) -> None:
    """Fill the compute of production and sandbox; needs identity, keys and network."""
    if desk.name == "management":
        return
    _instances(desk)
    if desk.name == "sandbox":
        functions = desk.at("lambda")
        for name, runtime in (("try-bedrock", "python3.13"), ("old-hack", "nodejs12.x")):
            functions.create_function(
                FunctionName=name,
                Runtime=runtime,
                Role=desk.ids["role/image-resizer-lambda"],
                Handler="handler.handler",
                Code={"ZipFile": function_code()},
            )
        return
    _volumes(desk)
    _scaling(desk)
    _functions(desk)
    _registries(desk)
    _containers(desk)
    _builds(desk)
