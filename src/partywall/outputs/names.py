"""What a table is called elsewhere: its service, and the resource type of the AWS Security Finding Format."""

from __future__ import annotations

from functools import cache
from typing import Final

# Members of ResourceDetails in botocore's Security Hub model: the resource types that ASFF names (a test
# compares this with the model); "AwsAccount" has no details but is what Security Hub itself uses.
ASFF_TYPES: Final = frozenset(
    """
    AwsAccount AwsAmazonMqBroker AwsApiGatewayRestApi AwsApiGatewayStage AwsApiGatewayV2Api
    AwsApiGatewayV2Stage AwsAppSyncGraphQlApi AwsAthenaWorkGroup AwsAutoScalingAutoScalingGroup
    AwsAutoScalingLaunchConfiguration AwsBackupBackupPlan AwsBackupBackupVault AwsBackupRecoveryPoint
    AwsCertificateManagerCertificate AwsCloudFormationStack AwsCloudFrontDistribution AwsCloudTrailTrail
    AwsCloudWatchAlarm AwsCodeBuildProject AwsDmsEndpoint AwsDmsReplicationInstance
    AwsDmsReplicationTask AwsDynamoDbTable AwsEc2ClientVpnEndpoint AwsEc2Eip AwsEc2Instance
    AwsEc2LaunchTemplate AwsEc2NetworkAcl AwsEc2NetworkInterface AwsEc2RouteTable AwsEc2SecurityGroup
    AwsEc2Subnet AwsEc2TransitGateway AwsEc2Volume AwsEc2Vpc AwsEc2VpcEndpointService
    AwsEc2VpcPeeringConnection AwsEc2VpnConnection AwsEcrContainerImage AwsEcrRepository AwsEcsCluster
    AwsEcsContainer AwsEcsService AwsEcsTask AwsEcsTaskDefinition AwsEfsAccessPoint AwsEksCluster
    AwsElasticBeanstalkEnvironment AwsElasticsearchDomain AwsElbLoadBalancer AwsElbv2LoadBalancer
    AwsEventSchemasRegistry AwsEventsEndpoint AwsEventsEventbus AwsGuardDutyDetector AwsIamAccessKey
    AwsIamGroup AwsIamPolicy AwsIamRole AwsIamUser AwsKinesisStream AwsKmsKey AwsLambdaFunction
    AwsLambdaLayerVersion AwsMskCluster AwsNetworkFirewallFirewall AwsNetworkFirewallFirewallPolicy
    AwsNetworkFirewallRuleGroup AwsOpenSearchServiceDomain AwsRdsDbCluster AwsRdsDbClusterSnapshot
    AwsRdsDbInstance AwsRdsDbSecurityGroup AwsRdsDbSnapshot AwsRdsEventSubscription AwsRedshiftCluster
    AwsRoute53HostedZone AwsS3AccessPoint AwsS3AccountPublicAccessBlock AwsS3Bucket AwsS3Object
    AwsSageMakerNotebookInstance AwsSecretsManagerSecret AwsSnsTopic AwsSqsQueue AwsSsmPatchCompliance
    AwsStepFunctionStateMachine AwsWafRateBasedRule AwsWafRegionalRateBasedRule AwsWafRegionalRule
    AwsWafRegionalRuleGroup AwsWafRegionalWebAcl AwsWafRule AwsWafRuleGroup AwsWafWebAcl
    AwsWafv2RuleGroup AwsWafv2WebAcl AwsXrayEncryptionConfig
    """.split()  # noqa: SIM905
)

_BY_FOLDED: Final = {name.casefold(): name for name in ASFF_TYPES}

# Where ASFF calls a service otherwise than CloudFormation's resource types do.
_SERVICES: Final = {
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "stepfunctions": "stepfunction",
}

# Tables that CloudFormation has no type for, though ASFF has.
_ALIASES: Final = {
    "account": "AwsAccount",
    "ecr_image": "AwsEcrContainerImage",
    "iam_access_key": "AwsIamAccessKey",
    "iam_root": "AwsAccount",
    "rds_cluster_snapshot": "AwsRdsDbClusterSnapshot",
    "rds_snapshot": "AwsRdsDbSnapshot",
    "rds_db_snapshot": "AwsRdsDbSnapshot",
    "rds_db_cluster_snapshot": "AwsRdsDbClusterSnapshot",
    "s3control_public_access_block": "AwsS3AccountPublicAccessBlock",
    "ssm_patch_state": "AwsSsmPatchCompliance",
}


@cache
def service_of(table: str) -> str:
    """The service under which a table's findings are grouped: "s3" for "s3_bucket"."""
    from partywall.tables.registry import all_tables

    declared = all_tables().get(table)
    return declared.service if declared else table.partition("_")[0]


@cache
def asff_type(table: str) -> str:
    """ASFF's resource type for a table's rows: "AwsS3Bucket" for "s3_bucket", "Other" where it names none."""
    from partywall.tables.registry import all_tables

    declared = all_tables().get(table)
    _, _, name = (declared.resource_type if declared else "").casefold().partition("::")
    service, _, kind = name.partition("::")
    folded = f"aws{_SERVICES.get(service, service)}{kind}"
    return _BY_FOLDED.get(folded) or _ALIASES.get(table, "Other")
