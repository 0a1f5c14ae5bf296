"""What surrounds functions, containers, builds and sign-in: layers, nodes, add-ons, identity pools."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags
from partywall.demo.fake_answers import ago, digest

_PARTNER = "464622532012"


def _functions(desk: Desk) -> None:
    functions = desk.at("lambda")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("python/shared.py"), "NAME = 'brightwater'\n")
    for name, public in (("shared-tools", False), ("open-geo", True)):
        functions.publish_layer_version(
            LayerName=name, Content={"ZipFile": buffer.getvalue()}, CompatibleRuntimes=["python3.13"]
        )
        functions.add_layer_version_permission(
            LayerName=name,
            VersionNumber=1,
            StatementId="use",
            Action="lambda:GetLayerVersion",
            Principal="*" if public else _PARTNER,
        )
    layer = desk.arn("lambda", "layer:shared-tools:1")
    functions.create_function(
        FunctionName="invoice-render",
        Runtime="python3.13",
        Role=desk.ids["role/orders-lambda"],
        Handler="handler.handler",
        Code={"ZipFile": buffer.getvalue()},
        Layers=[layer],
        KMSKeyArn=desk.ids[f"key/data/{HOME}"],
        Environment={"Variables": {"STAGE": "prod"}},
        DeadLetterConfig={"TargetArn": desk.arn("sqs", "orders-dead")},
        Tags=tag_map("shop", desk.name),
    )
    for stream, kept in (("positions", True), ("clicks", False)):
        to = {"OnFailure": {"Destination": desk.arn("sqs", "orders-dead")}}
        functions.create_event_source_mapping(
            EventSourceArn=desk.arn("kinesis", f"stream/{stream}"),
            FunctionName="orders-export",
            StartingPosition="LATEST",
            **({"DestinationConfig": to} if kept else {}),
        )
    configs = [
        {
            "CodeSigningConfigId": f"csc-{digest(name)[:17]}",
            "CodeSigningConfigArn": desk.arn("lambda", f"code-signing-config:csc-{digest(name)[:17]}"),
            "Description": name,
            "AllowedPublishers": {
                "SigningProfileVersionArns": [desk.arn("signer", f"/signing-profiles/{name}/1")]
            },
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": action},
            "LastModified": ago(200),
        }
        for name, action in (("release", "Enforce"), ("trial", "Warn"))
    ]
    desk.put("lambda", "ListCodeSigningConfigs", {"CodeSigningConfigs": configs}, HOME)


def _registries(desk: Desk) -> None:
    secret = desk.arn("secretsmanager", "secret:ecr-pullthroughcache/docker-hub")
    rules = [
        {
            "ecrRepositoryPrefix": prefix,
            "upstreamRegistryUrl": url,
            "upstreamRegistry": name,
            "registryId": desk.account,
            "createdAt": ago(300),
            **({"credentialArn": secret} if name == "docker-hub" else {}),
        }
        for prefix, url, name in (
            ("docker-hub", "registry-1.docker.io", "docker-hub"),
            ("github", "ghcr.io", "github-container-registry"),
        )
    ]
    desk.put("ecr", "DescribePullThroughCacheRules", {"pullThroughCacheRules": rules}, HOME)
    listed: list[dict[str, Any]] = []
    for name, everyone in (("edi-client", False), ("old-samples", True)):
        arn = desk.arn("ecr-public", f"repository/{name}", "")
        listed.append(
            {
                "repositoryArn": arn,
                "registryId": desk.account,
                "repositoryName": name,
                "repositoryUri": f"public.ecr.aws/brightwater/{name}",
                "createdAt": ago(800),
            }
        )
        owned = {"tags": tags("edi", desk.name) if not everyone else []}
        desk.put("ecr-public", "ListTagsForResource", owned, when={"resourceArn": arn})
        pushers = allow("ecr-public:PutImage", Principal="*")
        del pushers["Resource"]
        answer: dict[str, Any] = {"policyText": policy(pushers)}
        if not everyone:
            message = f"Repository policy does not exist for the repository with name '{name}'"
            answer = {"Error": {"Code": "RepositoryPolicyNotFoundException", "Message": message}}
        desk.put("ecr-public", "GetRepositoryPolicy", answer, when={"repositoryName": name})
    desk.put("ecr-public", "DescribeRepositories", {"repositories": listed})


def _container_nodes(desk: Desk) -> None:
    ecs = desk.at("ecs")
    for name, group, protected in (
        ("shop-nodes", "shop-web", "ENABLED"),
        ("old-nodes", "old-workers", "DISABLED"),
    ):
        ecs.create_capacity_provider(
            name=name,
            autoScalingGroupProvider={
                "autoScalingGroupArn": desk.arn(
                    "autoscaling",
                    f"autoScalingGroup:{digest(group)[:8]}:autoScalingGroupName/{group}",
                ),
                "managedScaling": {"status": "ENABLED", "targetCapacity": 90},
                "managedTerminationProtection": protected,
            },
            tags=[{"key": "team", "value": "web"}],
        )
    ecs.create_cluster(
        clusterName="tracking",
        settings=[{"name": "containerInsights", "value": "enhanced"}],
        configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}},
        tags=[{"key": "team", "value": "telemetry"}],
    )
    cluster = desk.arn("ecs", "cluster/legacy")
    nodes = [
        {
            "containerInstanceArn": desk.arn("ecs", f"container-instance/legacy/{digest(name)}"),
            "ec2InstanceId": desk.ids[f"instance/{name}"],
            "version": 3,
            "versionInfo": {
                "agentVersion": version,
                "agentHash": "0c2f1a9e",
                "dockerVersion": "DockerVersion: 20.10",
            },
            "status": "ACTIVE",
            "agentConnected": connected,
            "runningTasksCount": int(connected),
            "pendingTasksCount": 0,
            "registeredAt": ago(200),
            "tags": [],
        }
        for name, version, connected in (("batch-1", "1.98.0", True), ("legacy-erp", "1.40.0", False))
    ]
    arns = [node["containerInstanceArn"] for node in nodes]
    when = {"cluster": cluster}
    desk.put("ecs", "ListContainerInstances", {"containerInstanceArns": arns}, HOME, when)
    desk.keep("ecs", "container_instances", {"legacy": len(arns)})
    described = {"containerInstances": nodes, "failures": []}
    desk.put("ecs", "DescribeContainerInstances", described, HOME, when)


def _kubernetes(desk: Desk) -> None:
    eks = desk.at("eks")
    eks.create_fargate_profile(
        clusterName="platform",
        fargateProfileName="jobs",
        podExecutionRoleArn=desk.ids["role/ecs-task-execution"],
        subnets=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
        selectors=[{"namespace": "jobs"}],
        tags=tag_map("platform", desk.name),
    )
    modes = {"platform": "API", "data-science": "API_AND_CONFIG_MAP"}
    kept: dict[str, dict[str, Any]] = {
        name: {"accessConfig": {"authenticationMode": mode}} for name, mode in modes.items()
    }
    kept["platform"] |= {"upgradePolicy": {"supportType": "STANDARD"}, "deletionProtection": True}
    desk.keep("eks", "clusters", kept)
    admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    entries = {
        "platform": (
            (f"arn:aws:iam::{desk.account}:role/OrganizationAccountAccessRole", admin),
            (f"arn:aws:iam::{desk.account}:user/ci-deploy", view),
        ),
        "data-science": (
            (f"arn:aws:iam::{desk.account}:user/legacy-erp", admin),
            (f"arn:aws:iam::{_PARTNER}:role/consultants", view),
        ),
    }
    for cluster, members in entries.items():
        when = {"clusterName": cluster}
        desk.put("eks", "ListAccessEntries", {"accessEntries": [who for who, _ in members]}, HOME, when)
        for who, what in members:
            granted = {
                "policyArn": what,
                "accessScope": {"type": "cluster", "namespaces": []},
                "associatedAt": ago(100),
                "modifiedAt": ago(100),
            }
            answer = {"clusterName": cluster, "principalArn": who, "associatedAccessPolicies": [granted]}
            desk.put("eks", "ListAssociatedAccessPolicies", answer, HOME, {**when, "principalArn": who})
    addons = {
        "platform": (("vpc-cni", "ACTIVE", '{"enableNetworkPolicy": "true"}'), ("coredns", "ACTIVE", "")),
        "data-science": (("vpc-cni", "ACTIVE", ""), ("kube-proxy", "DEGRADED", "")),
    }
    for cluster, parts in addons.items():
        when = {"clusterName": cluster}
        desk.put("eks", "ListAddons", {"addons": [name for name, _, _ in parts]}, HOME, when)
        for name, status, values in parts:
            issue = {"code": "InsufficientNumberOfReplicas", "message": "too few replicas", "resourceIds": []}
            addon = {
                "addonName": name,
                "clusterName": cluster,
                "status": status,
                "addonVersion": "v1.20.1-eksbuild.1",
                "health": {"issues": [issue] if status == "DEGRADED" else []},
                "addonArn": desk.arn("eks", f"addon/{cluster}/{name}/{digest(cluster, name)[:16]}"),
                "createdAt": ago(300),
                "publisher": "eks",
                "owner": "aws",
                "configurationValues": values,
                "tags": tag_map("platform", desk.name),
            }
            desk.put("eks", "DescribeAddon", {"addon": addon}, HOME, {**when, "addonName": name})


def _events(desk: Desk) -> None:
    events = desk.at("events")
    for name, key in (("payments", "API_KEY"), ("carrier", "BASIC")):
        secret: dict[str, Any] = {
            "ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "not-a-real-one"}
        }
        if key == "BASIC":
            secret = {"BasicAuthParameters": {"Username": "edi", "Password": "not-a-real-one"}}
        made = events.create_connection(Name=name, AuthorizationType=key, AuthParameters=secret)
        events.create_api_destination(
            Name=name,
            ConnectionArn=made["ConnectionArn"],
            InvocationEndpoint=f"https://{name}.example/hook",
            HttpMethod="POST",
        )
    events.create_archive(
        ArchiveName="orders", EventSourceArn=desk.arn("events", "event-bus/orders"), RetentionDays=30
    )
    endpoints = [
        {
            "Name": name,
            "Arn": desk.arn("events", f"endpoint/{name}"),
            "RoutingConfig": {
                "FailoverConfig": {
                    "Primary": {"HealthCheck": f"arn:aws:route53:::healthcheck/{digest(name)}"},
                    "Secondary": {"Route": "eu-central-1"},
                }
            },
            "ReplicationConfig": {"State": state},
            "EventBuses": [
                {"EventBusArn": desk.arn("events", "event-bus/orders", region)}
                for region in (HOME, "eu-central-1")
            ],
            "EndpointId": f"{digest(name)[:10]}.veo",
            "State": "ACTIVE",
        }
        for name, state in (("orders", "ENABLED"), ("partner", "DISABLED"))
    ]
    desk.put("events", "ListEndpoints", {"Endpoints": endpoints}, HOME)


def _builds(desk: Desk) -> None:
    codebuild = desk.at("codebuild")
    codebuild.create_project(
        name="shop-tests",
        source={
            "type": "S3",
            "location": "brightwater-build-artifacts/shop.zip",
            "buildspec": "version: 0.2\nphases:\n  build:\n    commands: [make test]\n",
        },
        artifacts={"type": "S3", "location": "brightwater-build-artifacts"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        logsConfig={
            "cloudWatchLogs": {"status": "ENABLED", "groupName": "/build/shop"},
            "s3Logs": {"status": "ENABLED", "location": "brightwater-logs-prod/build"},
        },
        serviceRole=desk.ids["role/codebuild-deploy"],
        tags=[{"key": "team", "value": "shop"}],
    )
    groups: list[dict[str, Any]] = []
    for name, plain in (("shop-coverage", False), ("legacy-tests", True)):
        groups.append(
            {
                "arn": desk.arn("codebuild", f"report-group/{name}"),
                "name": name,
                "type": "TEST" if plain else "CODE_COVERAGE",
                "exportConfig": {
                    "exportConfigType": "S3",
                    "s3Destination": {
                        "bucket": "brightwater-build-artifacts",
                        "path": name,
                        "packaging": "ZIP",
                        "encryptionDisabled": plain,
                    },
                },
                "created": ago(400),
                "lastModified": ago(400),
                "tags": [{"key": "team", "value": "shop"}],
                "status": "ACTIVE",
            }
        )
    desk.put("codebuild", "ListReportGroups", {"reportGroups": [g["arn"] for g in groups]}, HOME)
    described = {"reportGroups": groups, "reportGroupsNotFound": []}
    desk.put("codebuild", "BatchGetReportGroups", described, HOME)
    credentials = [
        {
            "arn": desk.arn("codebuild", f"token/{kind}"),
            "serverType": kind,
            "authType": how,
            "resource": resource,
        }
        for kind, how, resource in (
            ("github", "CODECONNECTIONS", desk.arn("codeconnections", "connection/6f1d3c9e")),
            ("bitbucket", "PERSONAL_ACCESS_TOKEN", ""),
        )
    ]
    for credential in credentials:
        credential["serverType"] = credential["serverType"].upper()
    desk.put("codebuild", "ListSourceCredentials", {"sourceCredentialsInfos": credentials}, HOME)


def _sign_in(desk: Desk) -> None:
    users = desk.at("cognito-idp")
    pool = users.create_user_pool(
        PoolName="staff",
        MfaConfiguration="ON",
        DeletionProtection="ACTIVE",
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED"},
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 16,
                "RequireUppercase": True,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "TemporaryPasswordValidityDays": 1,
            }
        },
        UserPoolTags=tag_map("platform", desk.name),
    )["UserPool"]["Id"]
    client = users.create_user_pool_client(
        UserPoolId=pool,
        ClientName="console",
        PreventUserExistenceErrors="ENABLED",
        EnableTokenRevocation=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=["https://console.brightwater.example/signed-in"],
    )["UserPoolClient"]["ClientId"]
    action = {"Notify": False, "EventAction": "BLOCK"}
    risk = {
        "UserPoolId": pool,
        "CompromisedCredentialsRiskConfiguration": {
            "EventFilter": ["SIGN_IN"],
            "Actions": {"EventAction": "BLOCK"},
        },
        "AccountTakeoverRiskConfiguration": {"Actions": {"HighAction": action}},
    }
    desk.put(
        "cognito-idp", "DescribeRiskConfiguration", {"RiskConfiguration": risk}, HOME, {"UserPoolId": pool}
    )
    pools = desk.at("cognito-identity")
    for name, open_to_guests in (("console", False), ("mobile-app", True)):
        made = pools.create_identity_pool(
            IdentityPoolName=name,
            AllowUnauthenticatedIdentities=open_to_guests,
            AllowClassicFlow=open_to_guests,
            CognitoIdentityProviders=[
                {
                    "ProviderName": f"cognito-idp.{HOME}.amazonaws.com/{pool}",
                    "ClientId": client,
                    "ServerSideTokenCheck": not open_to_guests,
                }
            ],
        )["IdentityPoolId"]
        roles = {"authenticated": desk.ids["role/orders-lambda"]}
        if open_to_guests:
            roles["unauthenticated"] = desk.ids["role/image-resizer-lambda"]
        answer = {"IdentityPoolId": made, "Roles": roles}
        desk.put("cognito-identity", "GetIdentityPoolRoles", answer, HOME, {"IdentityPoolId": made})


def _beanstalk(desk: Desk) -> None:
    beanstalk = desk.at("elasticbeanstalk")
    for name, good in (("shop-admin", True), ("old-portal", False)):
        beanstalk.create_application(ApplicationName=name)
        beanstalk.create_environment(
            ApplicationName=name,
            EnvironmentName=f"{name}-prod",
            SolutionStackName="64bit Amazon Linux 2023 v4.7.0 running Python 3.13",
            Tags=tags("web", desk.name),
        )
        space = "aws:elasticbeanstalk"
        options = [
            (f"{space}:healthreporting:system", "SystemType", "enhanced" if good else "basic"),
            (f"{space}:managedactions", "ManagedActionsEnabled", str(good).lower()),
            (f"{space}:managedactions:platformupdate", "UpdateLevel", "minor" if good else ""),
            (f"{space}:cloudwatch:logs", "StreamLogs", str(good).lower()),
            ("aws:autoscaling:launchconfiguration", "DisableIMDSv1", str(good).lower()),
            (f"{space}:application:environment", "STAGE" if good else "DB_PASSWORD", "not-a-real-one"),
        ]
        settings = {
            "ApplicationName": name,
            "EnvironmentName": f"{name}-prod",
            "DeploymentStatus": "deployed",
            "OptionSettings": [
                {"Namespace": where, "OptionName": option, "Value": value} for where, option, value in options
            ],
        }
        answer = {"ConfigurationSettings": [settings]}
        when = {"EnvironmentName": f"{name}-prod"}
        desk.put("elasticbeanstalk", "DescribeConfigurationSettings", answer, HOME, when)


def _managed(desk: Desk) -> None:
    associations = [
        {
            "Name": document,
            "AssociationId": f"{digest(name)[:8]}-0000-4000-8000-{digest(name)[:12]}",
            "AssociationName": name,
            "AssociationVersion": "1",
            "ScheduleExpression": "rate(1 day)",
            "LastExecutionDate": ago(0.5),
            "Targets": [{"Key": "tag:env", "Values": [desk.name]}],
            "Overview": {"Status": status, "DetailedStatus": status},
        }
        for name, document, status in (
            ("inventory", "AWS-GatherSoftwareInventory", "Success"),
            ("patch-scan", "AWS-RunPatchBaseline", "Failed"),
        )
    ]
    desk.put("ssm", "ListAssociations", {"Associations": associations}, HOME)
    ssm = desk.at("ssm")
    ssm.create_patch_baseline(
        Name="ubuntu",
        OperatingSystem="UBUNTU",
        ApprovalRules={
            "PatchRules": [
                {
                    "PatchFilterGroup": {"PatchFilters": [{"Key": "PRODUCT", "Values": ["*"]}]},
                    "ApproveAfterDays": 3,
                }
            ]
        },
    )
    content = {"schemaVersion": "2.2", "description": "rotate", "mainSteps": []}
    ssm.create_document(
        Name="rotate-logs",
        DocumentType="Command",
        Content=json.dumps(content),
        Tags=tags("platform", desk.name),
    )


def seed_wide_compute(desk: Desk) -> None:
    """Fill what surrounds production's compute; needs instances, functions, clusters and queues."""
    if desk.name != "production":
        return
    for step in (
        _functions,
        _registries,
        _container_nodes,
        _kubernetes,
        _events,
        _builds,
        _sign_in,
        _beanstalk,
        _managed,
    ):
        step(desk)
