"""The lean transport against moto's server, against a broken one, and beside plain botocore."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.boto import BotoTransport
from partywall.aws.codec import parse_raw
from partywall.aws.credentials import Credentials
from partywall.aws.models import plain_session
from partywall.aws.transport import LeanTransport, Transport, fingerprint

KEYS = Credentials("AKIAEXAMPLE", "secret", account_id="123456789012")
REGION = "us-east-1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
ALLOW = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    fill(f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


def fill(url: str) -> None:
    """Something in each service, by ordinary calls."""

    session = plain_session()

    def client(service: str) -> Any:
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
        )

    s3 = client("s3")
    s3.create_bucket(Bucket="logs-bucket")
    s3.put_bucket_versioning(Bucket="logs-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="logs-bucket", Tagging={"TagSet": [{"Key": "ünï", "Value": "<&>"}]})
    s3.put_object(Bucket="logs-bucket", Key="a b/ü+c", Body=b"x")
    s3.put_bucket_policy(Bucket="logs-bucket", Policy=TRUST)
    iam = client("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "a", "Value": "b"}])
    iam.put_role_policy(RoleName="worker", PolicyName="inline", PolicyDocument=POLICY)
    iam.create_user(UserName="ann")
    iam.create_access_key(UserName="ann")
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName="open", Description="d", VpcId=vpc)
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)
    ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestination="arn:aws:s3:::logs-bucket",
        LogDestinationType="s3",
    )
    client("sns").create_topic(Name="alerts")
    client("sqs").create_queue(QueueName="jobs")
    client("kms").create_key(Description="k")
    client("logs").create_log_group(logGroupName="/app")
    client("cloudwatch").put_metric_alarm(
        AlarmName="cpu",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="m",
        Namespace="n",
        Period=60,
        Statistic="Sum",
        Threshold=1.5,
    )
    client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(e, c): return 1")
    role = iam.get_role(RoleName="worker")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    client("rds").create_db_instance(
        DBInstanceIdentifier="db",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="passw0rd1",
    )
    client("secretsmanager").create_secret(Name="s", SecretString="x")
    client("ssm").put_parameter(Name="/p", Value="v", Type="String")
    client("ecr").create_repository(repositoryName="app")
    client("ecs").create_cluster(clusterName="c")
    client("eks").create_cluster(name="k", roleArn=role, resourcesVpcConfig={"subnetIds": ["subnet-1"]})
    client("efs").create_file_system(CreationToken="t")
    client("elbv2").create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc)
    client("route53").create_hosted_zone(Name="example.com.", CallerReference="1")
    client("cloudtrail").create_trail(Name="trail", S3BucketName="logs-bucket")
    client("config").put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role})
    client("guardduty").create_detector(Enable=True)
    client("securityhub").enable_security_hub()
    client("organizations").create_organization(FeatureSet="ALL")
    client("acm").request_certificate(DomainName="example.com")
    client("apigateway").create_rest_api(name="api")
    client("apigatewayv2").create_api(Name="http", ProtocolType="HTTP")
    client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "o",
                        "DomainName": "logs-bucket.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "o",
                "ViewerProtocolPolicy": "https-only",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
        }
    )
    client("wafv2").create_web_acl(
        Name="w",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": "m",
        },
    )
    client("events").put_rule(Name="r", ScheduleExpression="rate(5 minutes)")
    client("backup").create_backup_vault(BackupVaultName="v")
    client("autoscaling").create_launch_configuration(
        LaunchConfigurationName="lc", ImageId="ami-12345678", InstanceType="t3.micro"
    )
    client("redshift").create_cluster(
        ClusterIdentifier="rs", NodeType="ra3.large", MasterUsername="u", MasterUserPassword="Passw0rd1"
    )
    client("elasticache").create_cache_cluster(
        CacheClusterId="ec", Engine="redis", NumCacheNodes=1, CacheNodeType="cache.t3.micro"
    )
    client("opensearch").create_domain(DomainName="os-domain")
    client("codebuild").create_project(
        name="project",
        source={"type": "S3", "location": "logs-bucket/x"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )
    client("cloudformation").create_stack(StackName="st", TemplateBody='{"Resources": {}}')
    client("stepfunctions").create_state_machine(
        name="sm", definition='{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}', roleArn=role
    )


NAMES = ["us-east-1", "eu-west-1", "us-west-2"]
# moto writes the present time into these, so no two answers are equal.
VOLATILE = {("rds", "DescribeDBInstances")}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("acm", "ListCertificates", {}),
    ("apigateway", "GetRestApis", {}),
    ("apigateway", "GetAccount", {}),
    ("apigatewayv2", "GetApis", {}),
    ("autoscaling", "DescribeLaunchConfigurations", {}),
    ("backup", "ListBackupVaults", {}),
    ("cloudformation", "DescribeStacks", {}),
    ("cloudformation", "GetTemplate", {"StackName": "st"}),
    ("cloudfront", "ListDistributions", {}),
    ("cloudtrail", "DescribeTrails", {}),
    ("cloudtrail", "GetTrailStatus", {"Name": "trail"}),
    ("cloudwatch", "DescribeAlarms", {}),
    ("codebuild", "ListProjects", {}),
    ("codebuild", "BatchGetProjects", {"names": ["project"]}),
    ("config", "DescribeConfigurationRecorders", {}),
    ("dynamodb", "DescribeTable", {"TableName": "t"}),
    ("dynamodb", "ListTables", {}),
    ("ec2", "DescribeFlowLogs", {}),
    ("ec2", "DescribeNetworkAcls", {}),
    ("ec2", "DescribeRegions", {"AllRegions": True}),
    ("ec2", "DescribeSecurityGroupRules", {}),
    ("ec2", "DescribeSecurityGroups", {"Filters": [{"Name": "group-name", "Values": ["open"]}]}),
    ("ec2", "DescribeVolumes", {}),
    ("ec2", "DescribeVpcs", {"MaxResults": 5}),
    ("ec2", "GetEbsEncryptionByDefault", {}),
    ("ecr", "DescribeRepositories", {}),
    ("ecr", "GetRepositoryPolicy", {"repositoryName": "app"}),
    ("ecs", "DescribeClusters", {"clusters": ["c"], "include": ["SETTINGS"]}),
    ("efs", "DescribeAccessPoints", {}),
    ("eks", "DescribeCluster", {"name": "k"}),
    ("elasticache", "DescribeCacheClusters", {}),
    ("elbv2", "DescribeTargetGroups", {}),
    ("events", "ListRules", {}),
    ("guardduty", "ListDetectors", {}),
    ("iam", "GetAccountAuthorizationDetails", {}),
    ("iam", "GetAccountSummary", {}),
    ("iam", "GetRole", {"RoleName": "worker"}),
    ("iam", "GetRolePolicy", {"RoleName": "worker", "PolicyName": "inline"}),
    ("iam", "GetRole", {"RoleName": "nobody"}),
    ("iam", "ListAccessKeys", {"UserName": "ann"}),
    ("kms", "ListKeys", {}),
    ("lambda", "GetFunctionConfiguration", {"FunctionName": "f"}),
    ("lambda", "GetPolicy", {"FunctionName": "f"}),
    ("lambda", "ListFunctions", {}),
    ("logs", "DescribeLogGroups", {}),
    ("opensearch", "DescribeDomains", {"DomainNames": ["os-domain"]}),
    ("organizations", "DescribeOrganization", {}),
    ("organizations", "ListAccounts", {}),
    ("rds", "DescribeDBInstances", {}),
    ("rds", "DescribeDBInstances", {"DBInstanceIdentifier": "nosuch"}),
    ("redshift", "DescribeClusters", {}),
    ("resourcegroupstaggingapi", "GetResources", {}),
    ("route53", "ListHostedZones", {}),
    ("s3", "GetBucketAcl", {"Bucket": "logs-bucket"}),
    ("s3", "GetBucketLocation", {"Bucket": "logs-bucket"}),
    ("s3", "GetBucketPolicy", {"Bucket": "logs-bucket"}),
    ("s3", "GetBucketTagging", {"Bucket": "logs-bucket"}),
    ("s3", "GetBucketVersioning", {"Bucket": "logs-bucket"}),
    ("s3", "GetBucketWebsite", {"Bucket": "logs-bucket"}),
    ("s3", "GetObject", {"Bucket": "logs-bucket", "Key": "a b/ü+c"}),
    ("s3", "GetPublicAccessBlock", {"Bucket": "logs-bucket"}),
    ("s3", "HeadBucket", {"Bucket": "nosuch-bucket"}),
    ("s3", "HeadObject", {"Bucket": "logs-bucket", "Key": "a b/ü+c"}),
    ("s3", "ListBuckets", {}),
    ("s3", "ListObjectsV2", {"Bucket": "logs-bucket", "Prefix": "a b/"}),
    ("secretsmanager", "ListSecrets", {}),
    ("securityhub", "DescribeHub", {}),
    ("sns", "ListTopics", {}),
    ("sns", "GetTopicAttributes", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:alerts"}),
    ("sqs", "GetQueueUrl", {"QueueName": "nosuch"}),
    ("sqs", "ListQueues", {}),
    ("ssm", "DescribeParameters", {}),
    ("stepfunctions", "ListStateMachines", {}),
    ("sts", "GetCallerIdentity", {}),
    ("wafv2", "ListWebACLs", {"Scope": "REGIONAL"}),
]


async def outcome(transport: Transport, service: str, operation: str, params: dict[str, Any]) -> Any:
    try:
        return await transport.call(service, REGION, KEYS, operation, params)
    except CallFailed as failed:
        return failed.code, failed.message, failed.status, failed.outcome


def replayed(kept: tuple[str, str, int, Any, bytes]) -> dict[str, Any]:
    service, operation, status, headers, body = kept
    return parse_raw(service, operation, status, dict(headers), body)


def test_both_transports_answer_alike(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    seen: dict[str, tuple[str, str, int, Any, bytes]] = {}
    peer: dict[str, tuple[str, str, int, Any, bytes]] = {}

    def observer(kept: dict[str, Any]) -> Any:
        def observe(key: str, service: str, region: str, operation: str, params: Any, *answer: Any) -> None:
            kept[key] = (service, operation, *answer)

        return observe

    async def run() -> list[tuple[Any, Any]]:
        lean, plain = LeanTransport(observer=observer(seen)), BotoTransport(observer=observer(peer))
        pairs = [(await outcome(lean, *call), await outcome(plain, *call)) for call in CALLS]
        await asyncio.gather(lean.close(), plain.close())
        return pairs

    errors: set[str] = set()
    for call, (ours, theirs) in zip(CALLS, asyncio.run(run()), strict=True):
        key = fingerprint("123456789012", call[0], REGION, *call[1:])
        assert ours == theirs or call[:2] in VOLATILE, call
        if isinstance(ours, tuple):
            errors.add(f"{call[0]}:{call[1]} {ours[0]}")
        if isinstance(ours, dict) and call[1] != "GetObject":
            # The recorders' copies give the same again, whether from our own client or from botocore.
            assert replayed(seen[key]) == ours
            assert replayed(peer[key]) == theirs
    assert errors == {
        "ecr:GetRepositoryPolicy RepositoryPolicyNotFoundException",
        "iam:GetRole NoSuchEntity",
        "lambda:GetPolicy ResourceNotFoundException",
        "rds:DescribeDBInstances DBInstanceNotFound",
        "s3:GetBucketWebsite NoSuchWebsiteConfiguration",
        "s3:GetPublicAccessBlock NoSuchPublicAccessBlockConfiguration",
        "s3:HeadBucket 404",
        "sqs:GetQueueUrl AWS.SimpleQueueService.NonExistentQueue",
    }
    assert len({service for service, _, _ in CALLS}) >= 40


def test_many_calls_at_once_share_connections(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)

    async def run() -> list[Any]:
        lean = LeanTransport(limit_per_host=5)
        calls = [
            outcome(lean, "ec2", "DescribeRegions", {"RegionNames": NAMES[: 1 + n % 3]}) for n in range(30)
        ]
        answers = await asyncio.gather(*calls)
        await lean.close()
        return answers

    assert [len(answer["Regions"]) for answer in asyncio.run(run())] == [1 + n % 3 for n in range(30)]


@contextmanager
def raw_server(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """A server that sends exactly these bytes for a request, then closes; None hangs up at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                request = peer.recv(65536)
                told = answer(request) if request else None
                if told is not None:
                    peer.sendall(told)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    # Closing a socket does not wake its accept.
    socket.create_connection(listener.getsockname()).close()
    listener.close()
    thread.join(5)


def reply(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def ask(url: str, kind: type[Any], service: str = "kms", operation: str = "ListKeys", **options: Any) -> Any:
    async def run() -> Any:
        transport = kind(**options)
        try:
            return await outcome(transport, service, operation, {})
        finally:
            await transport.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        return asyncio.run(run())


@pytest.mark.parametrize("kind", [LeanTransport, BotoTransport])
def test_a_connection_cut_is_never_an_empty_answer(kind: type[Any]) -> None:
    whole = b'{"Keys": [{"KeyId": "a"}]}'
    with raw_server(lambda _: reply("200 OK", whole)) as url:
        assert ask(url, kind) == {"Keys": [{"KeyId": "a"}]}
    with raw_server(lambda _: None) as url:
        assert ask(url, kind)[0] in ("ConnectionCut", "ConnectionFailed")
    with raw_server(lambda _: reply("200 OK", whole[:12], length=len(whole))) as url:
        assert ask(url, kind)[0] in ("ConnectionCut", "MalformedAnswer")
    with raw_server(lambda _: reply("200 OK", whole[:12])) as url:
        assert ask(url, kind)[0] == "MalformedAnswer"
    with raw_server(lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + whole[:12]) as url:
        assert ask(url, kind)[0] in ("ConnectionCut", "MalformedAnswer")
    with raw_server(lambda _: b"nonsense\r\n\r\n") as url:
        assert ask(url, kind)[0] in ("ConnectionCut", "ConnectionFailed")


@pytest.mark.parametrize("kind", [LeanTransport, BotoTransport])
def test_nobody_listening(kind: type[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}", kind)[0] == "ConnectionFailed"


@pytest.mark.parametrize("kind", [LeanTransport, BotoTransport])
def test_a_server_that_says_nothing_times_out(kind: type[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = ask(f"http://127.0.0.1:{listener.getsockname()[1]}", kind, read_timeout=0.2)
    assert answer[0] == "Timeout"
    assert answer[3] is Outcome.ERROR


def test_a_host_without_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code = ask("http://no-such-host.invalid", LeanTransport)[0]
    assert code == "EndpointUnresolved"


def test_compressed_answers_are_read() -> None:
    body = gzip.compress(b'{"Keys": []}')
    with raw_server(lambda _: reply("200 OK", body, "Content-Encoding: gzip")) as url:
        assert ask(url, LeanTransport) == {"Keys": []}


def test_a_tls_certificate_is_checked() -> None:
    import ssl

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(b"HTTP/1.1 400 not TLS\r\n\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        code = ask(f"https://127.0.0.1:{listener.getsockname()[1]}", LeanTransport)[0]
        thread.join(5)
    assert code == "TlsFailed"
    lean = LeanTransport()
    context = lean._tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context is lean._tls_context()


def test_the_ca_bundle_of_the_environment_is_used(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(OSError, match="No such file"):
        LeanTransport()._tls_context()


def test_a_bucket_in_another_region_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    moved = b"<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>"

    def answer(request: bytes) -> bytes:
        region = request.split(b"Credential=")[1].split(b"/")[2].decode()
        asked.append(region)
        if region == "eu-west-1":
            return reply(
                "200 OK", b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            )
        return reply("301 Moved Permanently", moved, "x-amz-bucket-region: eu-west-1")

    async def run(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        lean = LeanTransport()
        for _ in range(2):
            found = await lean.call("s3", "us-east-1", KEYS, "GetBucketVersioning", {"Bucket": "b-b"})
            assert found == {"Status": "Enabled"}
        await lean.close()

    with raw_server(answer) as url:
        asyncio.run(run(url))
    assert asked == ["us-east-1", "eu-west-1", "eu-west-1"]


def test_unknown_names_are_invalid_requests() -> None:
    assert ask("http://127.0.0.1:9", LeanTransport, "nosuch", "ListX")[0] == "InvalidRequest"
    assert ask("http://127.0.0.1:9", LeanTransport, "kms", "ListNothing")[0] == "InvalidRequest"


def test_fingerprints_are_stable_and_apart() -> None:
    one = fingerprint("1", "s3", "r", "Op", {"a": 1, "b": [2]})
    assert one == fingerprint("1", "s3", "r", "Op", {"b": [2], "a": 1})
    assert (
        len(
            {
                one,
                fingerprint("2", "s3", "r", "Op", {"a": 1, "b": [2]}),
                fingerprint("1", "s3", "r", "Op", {}),
            }
        )
        == 3
    )
