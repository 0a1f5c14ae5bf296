"""What teams run on top: GraphQL, brokers, batch, pipelines, models, mail, file transfer, desktops."""

from __future__ import annotations

import json
from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags, trust
from partywall.demo.fake_answers import ago, digest
from partywall.demo.seed_held import seed_held

_PARTNER = "464622532012"


def _apis_and_brokers(desk: Desk) -> None:
    appsync = desk.at("appsync")
    role = desk.ids["role/flow-logs"]
    for name, how, cached in (("tracking", "AWS_IAM", True), ("legacy-mobile", "API_KEY", False)):
        good = how == "AWS_IAM"
        api = appsync.create_graphql_api(
            name=name,
            authenticationType=how,
            xrayEnabled=good,
            tags=tag_map("mobile", desk.name),
            **({"logConfig": {"fieldLogLevel": "ERROR", "cloudWatchLogsRoleArn": role}} if good else {}),
            **({"introspectionConfig": "DISABLED", "queryDepthLimit": 8} if good else {}),
        )["graphqlApi"]["apiId"]
        appsync.create_api_cache(
            apiId=api,
            ttl=60,
            apiCachingBehavior="FULL_REQUEST_CACHING",
            type="SMALL",
            atRestEncryptionEnabled=cached,
            transitEncryptionEnabled=cached,
        )
    mq = desk.at("mq")
    for name, engine, mode, good in (
        ("edi", "ACTIVEMQ", "ACTIVE_STANDBY_MULTI_AZ", True),
        ("legacy-erp", "ACTIVEMQ", "SINGLE_INSTANCE", False),
        ("positions", "RABBITMQ", "CLUSTER_MULTI_AZ", True),
        ("labels", "RABBITMQ", "SINGLE_INSTANCE", False),
    ):
        mq.create_broker(
            BrokerName=name,
            EngineType=engine,
            EngineVersion="5.18" if engine == "ACTIVEMQ" else "3.13",
            HostInstanceType="mq.m5.large",
            DeploymentMode=mode,
            AutoMinorVersionUpgrade=good,
            PubliclyAccessible=not good,
            Logs={"General": good, **({"Audit": good} if engine == "ACTIVEMQ" else {})},
            Users=[{"Username": "edi", "Password": "not-a-real-one"}],
            Tags=tag_map("edi", desk.name),
        )


def _batch(desk: Desk) -> None:
    batch = desk.at("batch")
    service = desk.ids["role/batch-service"]
    for name, tagged in (("routing", True), ("scratch", False)):
        environment = batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            state="ENABLED",
            serviceRole=service,
            computeResources={
                "type": "EC2",
                "minvCpus": 0,
                "maxvCpus": 16,
                "instanceTypes": ["c5.large"],
                "subnets": [desk.ids[f"subnet/main-private-a/{HOME}"]],
                "securityGroupIds": [desk.ids[f"sg/batch/{HOME}"]],
                "instanceRole": desk.arn("iam", "instance-profile/batch-instance", ""),
                **({"tags": tag_map("routing", desk.name)} if tagged else {}),
            },
            **({"tags": tag_map("routing", desk.name)} if tagged else {}),
        )["computeEnvironmentArn"]
        batch.create_job_queue(
            jobQueueName=name,
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
            **({"tags": tag_map("routing", desk.name)} if tagged else {}),
        )
        size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        container: dict[str, Any] = {"image": "shop/worker", "resourceRequirements": size}
        if tagged:
            container |= {"command": ["solve"], "privileged": False}
        else:
            variables = [{"name": "DB_PASSWORD", "value": "not-a-real-one"}]
            container |= {"command": ["try"], "privileged": True, "environment": variables}
        batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=container)
    fargate = {
        "image": "shop/worker",
        "command": ["fetch"],
        "executionRoleArn": desk.ids["role/ecs-task-execution"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "networkConfiguration": {"assignPublicIp": "ENABLED"},
    }
    batch.register_job_definition(
        jobDefinitionName="fetch",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=fargate,
    )


def _roles(desk: Desk) -> None:
    iam = desk.at("iam")
    for name in ("batch", "codepipeline"):
        made = iam.create_role(
            RoleName=f"{name}-service",
            AssumeRolePolicyDocument=trust({"Service": f"{name}.amazonaws.com"}),
            Tags=tags("platform", desk.name),
        )
        desk.ids[f"role/{name}-service"] = made["Role"]["Arn"]


def _delivery(desk: Desk) -> None:
    pipelines = desk.at("codepipeline")
    build = {
        "name": "build",
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "shop-tests"},
        "inputArtifacts": [{"name": "source"}],
        "runOrder": 1,
    }
    connected = {
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeStarSourceConnection",
            "version": "1",
        },
        "configuration": {
            "ConnectionArn": desk.arn("codeconnections", "connection/6f1d3c9e"),
            "FullRepositoryId": "brightwater/shop",
            "BranchName": "main",
        },
    }
    token = {
        "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
        "configuration": {"Owner": "brightwater", "Repo": "erp", "Branch": "master", "OAuthToken": "****"},
    }
    for name, source, key in (("shop", connected, True), ("legacy-erp", token, False)):
        store: dict[str, Any] = {"type": "S3", "location": "brightwater-build-artifacts"}
        if key:
            store["encryptionKey"] = {"id": desk.ids[f"key/data/{HOME}"], "type": "KMS"}
        action = {"name": "source", "outputArtifacts": [{"name": "source"}], "runOrder": 1, **source}
        pipelines.create_pipeline(
            pipeline={
                "name": name,
                "roleArn": desk.ids["role/codepipeline-service"],
                "artifactStore": store,
                "stages": [
                    {"name": "Source", "actions": [action]},
                    {"name": "Build", "actions": [build]},
                ],
                "version": 1,
            },
            tags=[{"key": "team", "value": "platform"}],
        )
    stacks = desk.at("cloudformation")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "stack-alerts"}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "stack-work"}}
    version = {"BootstrapVersion": {"Value": "14"}, "DatabasePassword": {"Value": "not-a-real-one"}}
    stacks.create_stack(
        StackName="shop-alerts",
        TemplateBody=json.dumps({"Resources": {"Alerts": topic}}),
        EnableTerminationProtection=True,
        RoleARN=desk.ids["role/codebuild-deploy"],
        NotificationARNs=[desk.ids["topic/ops-alerts"]],
        Tags=tags("platform", desk.name),
    )
    stacks.create_stack(
        StackName="CDKToolkit",
        TemplateBody=json.dumps({"Resources": {"Work": queue}, "Outputs": version}),
    )


def _models(desk: Desk) -> None:
    sage = desk.at("sagemaker")
    role = desk.ids["role/glue-etl"]
    key = {"KmsKeyId": desk.ids[f"key/data/{HOME}"]}
    vpc = {
        "Subnets": [desk.ids[f"subnet/main-private-a/{HOME}"]],
        "SecurityGroupIds": [desk.ids[f"sg/web/{HOME}"]],
    }
    for name, good in (("demand-forecast", True), ("eta-trial", False)):
        image: dict[str, Any] = {"Image": "shop/model"}
        if not good:
            image["Environment"] = {"DB_PASSWORD": "not-a-real-one"}
        sage.create_model(
            ModelName=name,
            ExecutionRoleArn=role,
            PrimaryContainer=image,
            EnableNetworkIsolation=good,
            Tags=tags("data", desk.name),
            **({"VpcConfig": vpc} if good else {}),
        )
        variant = {
            "VariantName": "all",
            "ModelName": name,
            "InitialInstanceCount": 2 if good else 1,
            "InstanceType": "ml.m5.large",
        }
        sage.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], **(key if good else {})
        )
        sage.create_notebook_instance(
            NotebookInstanceName=f"{name}-lab",
            InstanceType="ml.t3.medium",
            RoleArn=role,
            DirectInternetAccess="Disabled" if good else "Enabled",
            RootAccess="Disabled" if good else "Enabled",
            PlatformIdentifier="notebook-al2023-v1" if good else "notebook-al1-v1",
            InstanceMetadataServiceConfiguration={
                "MinimumInstanceMetadataServiceVersion": "2" if good else "1"
            },
            Tags=tags("data", desk.name),
            **(
                {**key, "SubnetId": vpc["Subnets"][0], "SecurityGroupIds": vpc["SecurityGroupIds"]}
                if good
                else {}
            ),
        )
        sage.create_domain(
            DomainName=name,
            AuthMode="SSO" if good else "IAM",
            DefaultUserSettings={"ExecutionRole": role},
            SubnetIds=vpc["Subnets"],
            VpcId=desk.ids[f"vpc/main/{HOME}"],
            AppNetworkAccessType="VpcOnly" if good else "PublicInternetOnly",
        )


def _shares_and_lakes(desk: Desk) -> None:
    ram = desk.at("ram")
    for name, outside in (("backbone", False), ("partner-subnets", True)):
        arn = desk.arn("ec2", f"subnet/{desk.ids[f'subnet/main-private-a/{HOME}']}")
        ram.create_resource_share(
            name=name,
            resourceArns=[arn],
            allowExternalPrincipals=outside,
            principals=[_PARTNER if outside else desk.account],
        )
    lakes: list[dict[str, Any]] = []
    for region, good in ((HOME, True), ("eu-central-1", False)):
        lake: dict[str, Any] = {
            "dataLakeArn": desk.arn("securitylake", "data-lake/default", region),
            "region": region,
            "createStatus": "COMPLETED" if good else "FAILED",
            "encryptionConfiguration": {
                "kmsKeyId": desk.ids[f"key/data/{region}"] if good else "S3_MANAGED_KEY"
            },
            "lifecycleConfiguration": {"expiration": {"days": 730 if good else 14}},
            "s3BucketArn": f"arn:aws:s3:::aws-security-data-lake-{region}-{digest(region)[:20]}",
        }
        lakes.append(lake)
        desk.put("securitylake", "ListDataLakes", {"dataLakes": [lake]}, region)
    events = [
        {
            "arn": f"arn:aws:health:{HOME}::event/{service}/{kind}/{digest(kind)[:12]}",
            "service": service,
            "eventTypeCode": kind,
            "eventTypeCategory": category,
            "region": HOME,
            "startTime": ago(days),
            "lastUpdatedTime": ago(days),
            "statusCode": "open",
            "eventScopeCode": "ACCOUNT_SPECIFIC",
            "actionability": actionability,
        }
        for service, kind, category, days, actionability in (
            ("RDS", "AWS_RDS_SECURITY_NOTIFICATION", "accountNotification", 60, "ACTION_REQUIRED"),
            ("LAMBDA", "AWS_LAMBDA_PLANNED_LIFECYCLE_EVENT", "scheduledChange", 3, "ACTION_REQUIRED"),
            ("RISK", "AWS_RISK_CREDENTIALS_EXPOSED", "issue", 2, "ACTION_REQUIRED"),
        )
    ]
    desk.put("health", "DescribeEvents", {"events": events})


def _files_and_streams(desk: Desk) -> None:
    desk.at("fsx").create_file_system(
        FileSystemType="WINDOWS",
        StorageCapacity=300,
        StorageType="SSD",
        SubnetIds=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
        WindowsConfiguration={
            "DeploymentType": "MULTI_AZ_1",
            "ThroughputCapacity": 32,
            "CopyTagsToBackups": True,
            "AutomaticBackupRetentionDays": 30,
            "AuditLogConfiguration": {
                "FileAccessAuditLogLevel": "SUCCESS_AND_FAILURE",
                "FileShareAccessAuditLogLevel": "DISABLED",
            },
        },
        Tags=[{"Key": "Name", "Value": "office-files"}, *tags("platform", desk.name)],
    )
    firehose = desk.at("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="aws-waf-logs-edi",
        DeliveryStreamType="DirectPut",
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
        ExtendedS3DestinationConfiguration={
            "RoleARN": desk.ids["role/glue-etl"],
            "BucketARN": "arn:aws:s3:::brightwater-logs-prod",
        },
        Tags=tags("web", desk.name),
    )
    firehose.start_delivery_stream_encryption(
        DeliveryStreamName="aws-waf-logs-edi",
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
    )


def _mail(desk: Desk) -> None:
    mail = desk.at("sesv2")
    for name, tls in (("orders", "REQUIRE"), ("newsletter", "OPTIONAL")):
        delivery = {"TlsPolicy": tls}
        mail.create_configuration_set(ConfigurationSetName=name, DeliveryOptions=delivery)
        sent = {
            "ConfigurationSetName": name,
            "DeliveryOptions": delivery,
            "ReputationOptions": {"ReputationMetricsEnabled": tls == "REQUIRE"},
            "SendingOptions": {"SendingEnabled": True},
            "SuppressionOptions": {"SuppressedReasons": ["BOUNCE"]},
        }
        # moto answers what was left out as empty structures where flags belong.
        desk.put("sesv2", "GetConfigurationSet", sent, HOME, {"ConfigurationSetName": name})
    signed: dict[str, Any] = {
        "IdentityType": "DOMAIN",
        "VerificationStatus": "SUCCESS",
        "VerifiedForSendingStatus": True,
        "FeedbackForwardingStatus": True,
        "ConfigurationSetName": "orders",
        "DkimAttributes": {
            "SigningEnabled": True,
            "Status": "SUCCESS",
            "CurrentSigningKeyLength": "RSA_2048_BIT",
        },
        "Policies": {},
    }
    everyone = allow("ses:SendEmail", desk.arn("ses", "identity/legacy.brightwater.example"), Principal="*")
    legacy: dict[str, Any] = {
        **signed,
        "ConfigurationSetName": "newsletter",
        "DkimAttributes": {
            "SigningEnabled": True,
            "Status": "FAILED",
            "CurrentSigningKeyLength": "RSA_1024_BIT",
        },
        "Policies": {"anyone": policy(everyone)},
    }
    identities = {"brightwater.example": signed, "legacy.brightwater.example": legacy}
    for name, identity in identities.items():
        mail.create_email_identity(EmailIdentity=name, Tags=tags("web", desk.name))
        desk.put("sesv2", "GetEmailIdentity", identity, HOME, {"EmailIdentity": name})
    paused = {
        "DedicatedIpAutoWarmupEnabled": False,
        "EnforcementStatus": "PROBATION",
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "SuppressionAttributes": {"SuppressedReasons": []},
    }
    desk.put("sesv2", "GetAccount", paused, "eu-central-1")


def _transfers(desk: Desk) -> None:
    transfer = desk.at("transfer")
    logs = desk.arn("logs", "log-group:/aws/transfer/partners:*")
    for protocols, rules, good in (
        (["SFTP"], "TransferSecurityPolicy-2025-03", True),
        (["FTP", "FTPS"], "TransferSecurityPolicy-2018-11", False),
    ):
        transfer.create_server(
            Protocols=protocols,
            EndpointType="VPC",
            IdentityProviderType="SERVICE_MANAGED",
            SecurityPolicyName=rules,
            Tags=tags("edi", desk.name),
            **({"StructuredLogDestinations": [logs]} if good else {}),
        )
    for name, good in (("carrier", True), ("customs-2016", False)):
        transfer.create_connector(
            Url=f"https://{name}.example/as2",
            AccessRole=desk.ids["role/glue-etl"],
            As2Config={
                "LocalProfileId": f"p-{digest(name)[:17]}",
                "PartnerProfileId": f"p-{digest(name, 'partner')[:17]}",
                "Compression": "DISABLED",
                "EncryptionAlgorithm": "AES256_CBC" if good else "DES_EDE3_CBC",
                "SigningAlgorithm": "SHA256" if good else "SHA1",
                "MdnSigningAlgorithm": "SHA256",
                "MdnResponse": "SYNC",
            },
            Tags=tags("edi", desk.name),
            **({"LoggingRole": desk.ids["role/flow-logs"]} if good else {}),
        )


def _desktops(desk: Desk) -> None:
    directories: list[dict[str, Any]] = []
    machines: list[dict[str, Any]] = []
    for name, good in (("office", True), ("depot", False)):
        directory = f"d-{digest(name)[:10]}"
        directories.append(
            {
                "DirectoryId": directory,
                "DirectoryName": f"{name}.brightwater.example",
                "Alias": name,
                "State": "REGISTERED",
                "DirectoryType": "SIMPLE_AD",
                "ipGroupIds": [f"wsipg-{digest(name)[:9]}"] if good else [],
                "WorkspaceCreationProperties": {
                    "EnableInternetAccess": not good,
                    "UserEnabledAsLocalAdministrator": not good,
                    "EnableMaintenanceMode": good,
                },
            }
        )
        machine = {
            "WorkspaceId": f"ws-{digest(name, 'desk')[:9]}",
            "DirectoryId": directory,
            "UserName": f"{name}-desk",
            "State": "AVAILABLE",
            "SubnetId": desk.ids[f"subnet/main-private-a/{HOME}"],
            "RootVolumeEncryptionEnabled": good,
            "UserVolumeEncryptionEnabled": good,
        }
        if good:
            machine["VolumeEncryptionKey"] = desk.ids[f"key/data/{HOME}"]
        machines.append(machine)
    used = [
        {
            "WorkspaceId": m["WorkspaceId"],
            "ConnectionState": "DISCONNECTED",
            "LastKnownUserConnectionTimestamp": ago(d),
        }
        for m, d in zip(machines, (1, 200), strict=True)
    ]
    desk.put("workspaces", "DescribeWorkspaceDirectories", {"Directories": directories}, HOME)
    desk.put("workspaces", "DescribeWorkspaces", {"Workspaces": machines}, HOME)
    desk.put("workspaces", "DescribeWorkspacesConnectionStatus", {"WorkspacesConnectionStatus": used}, HOME)


def seed_wide_apps(desk: Desk) -> None:
    """Fill what production's teams run on top; needs networks, roles, keys, buckets and topics."""
    if desk.name != "production":
        return
    key = desk.ids[f"key/data/{HOME}"]
    desk.put(
        "xray",
        "GetEncryptionConfig",
        {"EncryptionConfig": {"KeyId": key, "Status": "ACTIVE", "Type": "KMS"}},
        HOME,
    )
    for step in (
        _roles,
        _apis_and_brokers,
        _batch,
        _delivery,
        _models,
        _shares_and_lakes,
        _files_and_streams,
        _mail,
        _transfers,
        _desktops,
        seed_held,
    ):
        step(desk)
