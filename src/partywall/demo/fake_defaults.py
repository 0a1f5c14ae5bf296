"""What AWS answers for services and features that an account does not use: empty lists, defaults, not found.

Each table names operations that moto lacks or answers in a wrong shape; the lists are from probing moto 5.2
with every read operation of the services that partywall scans.
"""

from __future__ import annotations

from typing import Any

from partywall.demo.fake_answers import AWS_REPORTS, FIRST_DAY, REGIONS, not_found
from partywall.demo.protocol import AwsError
from partywall.demo.shapes import output_shape

# Listings that answer an empty list where nothing was created.
EMPTY: dict[str, str] = {
    "acm": "ListAcmeAccounts ListAcmeDomainValidations ListAcmeEndpoints ListAcmeExternalAccountBindings "
    "ListTagsForResource ListCertificateDomainValidations",
    "apigateway": "GetClientCertificates GetDocumentationParts GetDocumentationVersions "
    "GetDomainNameAccessAssociations",
    "apigatewayv2": "GetAuthorizers GetDeployments GetModels GetRouteResponses ListPortals "
    "ListPortalProducts ListRoutingRules",
    "artifact": "ListCustomerAgreements ListComplianceInquiries ListTagsForResource",
    "autoscaling": "DescribeInstanceRefreshes DescribeNotificationConfigurations DescribeTrafficSources",
    "backup": "ListBackupJobs ListBackupJobSummaries ListBackupPlanVersions ListCopyJobs "
    "ListCopyJobSummaries ListFrameworks ListIndexedRecoveryPoints ListLegalHolds ListProtectedResources "
    "ListProtectedResourcesByBackupVault ListRecoveryPointsByBackupVault ListRecoveryPointsByLegalHold "
    "ListRecoveryPointsByResource ListReportJobs ListRestoreAccessBackupVaults ListRestoreJobs "
    "ListRestoreJobSummaries ListRestoreTestingPlans ListRestoreTestingSelections ListScanJobs "
    "ListScanJobSummaries ListTieringConfigurations ListBackupPlanTemplates",
    "bedrock-agentcore-control": "ListCodeInterpreters",
    "cloudtrail": "ListChannels ListEventDataStores ListImports ListDashboards ListPublicKeys",
    "cloudwatch": "DescribeAlarmHistory DescribeAnomalyDetectors ListMetricStreams ListManagedInsightRules",
    "codebuild": "BatchGetBuildBatches BatchGetFleets BatchGetReportGroups BatchGetReports ListBuildBatches "
    "ListBuildBatchesForProject ListFleets ListReportGroups ListReports ListSandboxes ListSharedProjects "
    "ListSharedReportGroups ListSourceCredentials",
    "config": "DescribeComplianceByConfigRule DescribeComplianceByResource "
    "DescribeConfigRuleEvaluationStatus DescribeConformancePacks DescribeConformancePackStatus "
    "DescribeOrganizationConfigRules DescribeOrganizationConfigRuleStatuses "
    "DescribePendingAggregationRequests DescribeRemediationConfigurations "
    "GetComplianceDetailsByConfigRule GetComplianceDetailsByResource "
    "GetComplianceSummaryByResourceType GetDiscoveredResourceCounts ListConformancePackComplianceScores "
    "ListResourceEvaluations ListStoredQueries",
    "directconnect": "DescribeDirectConnectGateways DescribeDirectConnectGatewayAssociations "
    "DescribeDirectConnectGatewayAssociationProposals DescribeDirectConnectGatewayAttachments "
    "DescribeHostedConnections DescribeInterconnects DescribeVirtualGateways DescribeVirtualInterfaces "
    "ListResiliencyGroups",
    "dynamodb": "ListContributorInsights ListGlobalTables DescribeKinesisStreamingDestination",
    "ec2": "DescribeAccountVpcEncryptionControl DescribeAddressTransfers DescribeBundleTasks "
    "DescribeByoipCidrs DescribeCapacityReservations DescribeCapacityReservationFleets "
    "DescribeClientVpnEndpoints DescribeClientVpnAuthorizationRules DescribeClientVpnConnections "
    "DescribeClientVpnRoutes DescribeClientVpnTargetNetworks DescribeCoipPools DescribeConversionTasks "
    "DescribeExportImageTasks DescribeExportTasks DescribeFastLaunchImages DescribeFastSnapshotRestores "
    "DescribeFpgaImages DescribeHostReservations DescribeImportImageTasks DescribeImportSnapshotTasks "
    "DescribeInstanceConnectEndpoints DescribeInstanceEventWindows "
    "DescribeIpams DescribeIpamPools DescribeIpamScopes DescribeIpamResourceDiscoveries "
    "DescribeIpamResourceDiscoveryAssociations DescribeIpv6Pools DescribeLocalGateways "
    "DescribeLocalGatewayRouteTables DescribeLockedSnapshots DescribeMacHosts DescribeMovingAddresses "
    "DescribeNetworkInsightsAccessScopes DescribeNetworkInsightsAccessScopeAnalyses "
    "DescribeNetworkInsightsAnalyses DescribeNetworkInsightsPaths DescribeNetworkInterfacePermissions "
    "DescribePlacementGroups DescribePublicIpv4Pools DescribeReplaceRootVolumeTasks "
    "DescribeReservedInstances DescribeReservedInstancesListings DescribeReservedInstancesModifications "
    "DescribeRouteServers DescribeRouteServerEndpoints DescribeRouteServerPeers "
    "DescribeScheduledInstances DescribeSecurityGroupVpcAssociations DescribeStaleSecurityGroups "
    "DescribeStoreImageTasks DescribeTrafficMirrorFilterRules DescribeTransitGatewayConnects "
    "DescribeTransitGatewayConnectPeers DescribeTransitGatewayMulticastDomains "
    "DescribeTransitGatewayPolicyTables DescribeTransitGatewayRouteTableAnnouncements "
    "DescribeTrunkInterfaceAssociations DescribeVerifiedAccessEndpoints DescribeVerifiedAccessGroups "
    "DescribeVerifiedAccessInstances DescribeVerifiedAccessInstanceLoggingConfigurations "
    "DescribeVerifiedAccessTrustProviders DescribeVpcEndpointAssociations "
    "DescribeVpcEndpointConnectionNotifications DescribeVpcEndpointConnections "
    "DescribeVpcEncryptionControls GetTransitGatewayAttachmentPropagations "
    "GetTransitGatewayPrefixListReferences ListImagesInRecycleBin ListSnapshotsInRecycleBin "
    "ListVolumesInRecycleBin",
    "ecr": "DescribePullThroughCacheRules DescribeRepositoryCreationTemplates ListPullTimeUpdateExclusions",
    "ecs": "ListServiceDeployments ListServicesByNamespace",
    "efs": "DescribeReplicationConfigurations",
    "eks": "ListAccessEntries ListAddons ListAssociatedAccessPolicies ListEksAnywhereSubscriptions "
    "ListIdentityProviderConfigs ListInsights ListPodIdentityAssociations ListUpdates ListCapabilities",
    "elasticache": "DescribeCacheSecurityGroups DescribeEvents DescribeGlobalReplicationGroups "
    "DescribeReservedCacheNodes DescribeServerlessCaches DescribeServerlessCacheSnapshots "
    "DescribeServiceUpdates DescribeUpdateActions DescribeUserGroups DescribeCacheParameterGroups "
    "DescribeCacheParameters",
    "elbv2": "DescribeTrustStores DescribeTrustStoreAssociations DescribeTrustStoreRevocations",
    "events": "ListEndpoints ListEventSources",
    "glue": "GetClassifiers GetCatalogs ListBlueprints ListMLTransforms ListSchemas ListUsageProfiles "
    "ListDevEndpoints GetUserDefinedFunctions ListDataQualityRulesets ListDataQualityResults",
    "iam": "ListDelegationRequests ListInstanceProfileTags ListMFADeviceTags "
    "ListPoliciesGrantingServiceAccess ListSAMLProviderTags ListServerCertificateTags "
    "ListServiceSpecificCredentials",
    "kms": "DescribeCustomKeyStores",
    "lambda": "ListCapacityProviders ListCodeSigningConfigs ListFunctionsByCodeSigningConfig "
    "ListProvisionedConcurrencyConfigs",
    "lightsail": "GetActiveNames GetAlarms GetBuckets GetCertificates GetContactMethods GetContainerServices "
    "GetDiskSnapshots GetDisks GetDistributions GetDomains GetExportSnapshotRecords GetInstanceSnapshots "
    "GetInstances GetKeyPairs GetLoadBalancers GetOperations GetRelationalDatabaseSnapshots "
    "GetRelationalDatabases GetStaticIps GetCloudFormationStackRecords",
    "logs": "DescribeAccountPolicies DescribeConfigurationTemplates DescribeFieldIndexes "
    "DescribeIndexPolicies DescribeQueryDefinitions ListAnomalies ListIntegrations "
    "ListLogAnomalyDetectors ListScheduledQueries",
    "network-firewall": "ListTLSInspectionConfigurations ListVpcEndpointAssociations ListAnalysisReports",
    "opensearch": "DescribePackages DescribeReservedInstances DescribeInboundConnections "
    "DescribeOutboundConnections ListApplications ListDataSources ListDomainMaintenances "
    "ListPackagesForDomain ListScheduledActions ListVpcEndpointAccess ListVpcEndpoints "
    "ListVpcEndpointsForDomain DescribeDomainAutoTunes",
    "organizations": "ListHandshakesForAccount ListHandshakesForOrganization "
    "ListInboundResponsibilityTransfers ListOutboundResponsibilityTransfers "
    "ListAccountsWithInvalidEffectivePolicy",
    "rds": "DescribeDBClusterAutomatedBackups DescribeDBClusterBacktracks DescribeDBClusterEndpoints "
    "DescribeDBProxyEndpoints DescribeDBRecommendations DescribeIntegrations "
    "DescribePendingMaintenanceActions DescribeReservedDBInstances DescribeTenantDatabases "
    "DescribeDBSnapshotTenantDatabases",
    "redshift": "DescribeAuthenticationProfiles DescribeCustomDomainAssociations DescribeDataShares "
    "DescribeEndpointAccess DescribeEndpointAuthorization DescribeEvents DescribeEventSubscriptions "
    "DescribeHsmClientCertificates DescribeHsmConfigurations DescribeIntegrations DescribeReservedNodes "
    "DescribeScheduledActions DescribeSnapshotSchedules DescribeUsageLimits ListRecommendations",
    "resource-explorer-2": "ListIndexes ListIndexesForMembers ListManagedViews ListViews",
    "route53": "ListCidrCollections ListTrafficPolicies ListTrafficPolicyInstances "
    "ListVPCAssociationAuthorizations",
    "route53resolver": "ListFirewallConfigs ListFirewallDomainLists ListFirewallRuleGroupAssociations "
    "ListFirewallRuleGroups ListOutpostResolvers ListResolverConfigs",
    "shield": "ListAttacks ListProtectionGroups",
    "sns": "ListOriginationNumbers ListSMSSandboxPhoneNumbers",
    "sqs": "ListMessageMoveTasks",
    "ssm": "DescribeActivations DescribeAssociationExecutions DescribeAutomationExecutions "
    "DescribeAvailablePatches DescribeEffectiveInstanceAssociations DescribeInstanceAssociationsStatus "
    "DescribeInstancePatches DescribeInstanceProperties DescribeInventoryDeletions DescribeOpsItems "
    "DescribePatchGroups DescribePatchProperties DescribeSessions GetInventory ListAssociations "
    "ListAssociationVersions ListCommandInvocations ListNodes ListOpsMetadata ListResourceDataSync "
    "GetResourcePolicies DescribeMaintenanceWindowExecutions",
    "stepfunctions": "ListStateMachineVersions",
    "waf": "ListByteMatchSets ListGeoMatchSets ListIPSets ListLoggingConfigurations ListRateBasedRules "
    "ListRegexMatchSets ListRegexPatternSets ListRuleGroups ListRules ListSizeConstraintSets "
    "ListSqlInjectionMatchSets ListSubscribedRuleGroups ListWebACLs ListXssMatchSets "
    "ListActivatedRulesInRuleGroup",
    "waf-regional": "ListByteMatchSets ListGeoMatchSets ListIPSets ListLoggingConfigurations "
    "ListRateBasedRules ListRegexMatchSets ListRegexPatternSets ListRuleGroups ListRules "
    "ListSizeConstraintSets ListSqlInjectionMatchSets ListSubscribedRuleGroups ListWebACLs "
    "ListXssMatchSets ListActivatedRulesInRuleGroup ListResourcesForWebACL",
    "wafv2": "ListAPIKeys ListAvailableManagedRuleGroups ListManagedRuleSets ListResourcesForWebACL",
    "wellarchitected": "ListWorkloads ListNotifications ListProfiles ListReviewTemplates "
    "ListShareInvitations ListLensShares ListWorkloadShares ListMilestones ListProfileNotifications",
}

# Lookups that fail in an account that does not have the thing: code, message, HTTP status, operations.
MISSING: list[tuple[str, str, str, int, str]] = [
    ("accessanalyzer", "ResourceNotFoundException", "The requested resource was not found.", 404,
     "GetAccessPreview GetArchiveRule GetGeneratedPolicy GetFindingRecommendation"),
    ("apigatewayv2", "NotFoundException", "Invalid resource identifier specified", 404, "GetDeployment"),
    ("backup", "ResourceNotFoundException", "The requested resource was not found.", 400,
     "DescribeFramework DescribeRecoveryPoint DescribeProtectedResource GetBackupVaultNotifications "
     "GetBackupVaultAccessPolicy GetLegalHold GetRestoreTestingPlan DescribeBackupJob"),
    ("cloudtrail", "ResourceNotFoundException", "The requested resource was not found.", 400,
     "GetResourcePolicy"),
    ("codebuild", "ResourceNotFoundException", "The requested resource was not found.", 400,
     "GetResourcePolicy"),
    ("config", "NoSuchConformancePackException", "The specified conformance pack does not exist.", 400,
     "DescribeConformancePackCompliance GetConformancePackComplianceSummary"),
    ("ecr", "SigningConfigurationNotFoundException", "No signing configuration exists for the registry.", 400,
     "GetSigningConfiguration"),
    ("ec2", "InvalidSpotDatafeed.NotFound", "Spot datafeed subscription does not exist.", 400,
     "DescribeSpotDatafeedSubscription"),
    ("elbv2", "ResourceNotFound", "The resource policy was not found.", 400, "GetResourcePolicy"),
    ("eks", "ResourceNotFoundException", "No resource found.", 404,
     "DescribeAccessEntry DescribeAddon DescribeIdentityProviderConfig DescribePodIdentityAssociation "
     "DescribeUpdate DescribeInsight"),
    ("iam", "NoSuchEntity", "The requested entity cannot be found.", 404,
     "GetDelegationRequest GetRoleTemplateVersion"),
    ("lambda", "ResourceNotFoundException", "The resource you requested does not exist.", 404,
     "GetCodeSigningConfig GetProvisionedConcurrencyConfig"),
    ("logs", "ResourceNotFoundException", "The specified resource does not exist.", 400, "GetTransformer"),
    ("organizations", "ResourcePolicyNotFoundException", "No resource policy exists.", 400,
     "DescribeResourcePolicy"),
    ("redshift", "ResourceNotFoundFault", "No resource policy exists.", 404, "GetResourcePolicy"),
    ("resource-explorer-2", "ResourceNotFoundException", "Index not found.", 404, "GetIndex GetView"),
    ("shield", "ResourceNotFoundException", "The referenced resource does not exist.", 400,
     "DescribeProtectionGroup DescribeAttack"),
    ("waf", "WAFNonexistentItemException", "The referenced item does not exist.", 400,
     "GetByteMatchSet GetIPSet GetRule GetRateBasedRule GetRuleGroup GetWebACL GetLoggingConfiguration "
     "GetPermissionPolicy"),
    ("waf-regional", "WAFNonexistentItemException", "The referenced item does not exist.", 400,
     "GetByteMatchSet GetIPSet GetRule GetRateBasedRule GetRuleGroup GetWebACL GetLoggingConfiguration "
     "GetPermissionPolicy GetWebACLForResource"),
    ("wafv2", "WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource "
     "doesn't exist.", 400, "GetPermissionPolicy"),
    ("wellarchitected", "ResourceNotFoundException", "The requested resource was not found.", 404,
     "GetWorkload GetLensReview GetAnswer GetMilestone ListAnswers ListLensReviews"),
]  # fmt: skip

# Defaults of an account that nobody has changed.
CONSTANT: dict[str, dict[str, Any]] = {
    "account": {"ListRegions": {"Regions": REGIONS}},
    "artifact": {"ListReports": {"reports": AWS_REPORTS}, "GetAccountSettings": {"accountSettings": {}}},
    "backup": {
        "DescribeGlobalSettings": {"GlobalSettings": {"isCrossAccountBackupEnabled": "false"}},
        "DescribeRegionSettings": {
            "ResourceTypeOptInPreference": dict.fromkeys(
                ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "FSx", "RDS", "Redshift", "S3"), True
            ),
            "ResourceTypeManagementPreference": {"DynamoDB": True, "EFS": True},
        },
    },
    "cloudtrail": {"GetEventConfiguration": {"MaxEventSize": "Standard", "ContextKeySelectors": []}},
    "ec2": {
        "GetDefaultCreditSpecification": {
            "InstanceFamilyCreditSpecification": {"InstanceFamily": "t3", "CpuCredits": "unlimited"}
        },
        "GetEbsDefaultKmsKeyId": {"KmsKeyId": "alias/aws/ebs"},
    },
    "ecr": {"GetAccountSetting": {"name": "BASIC_SCAN_TYPE_VERSION", "value": "AWS_NATIVE"}},
    "efs": {
        "DescribeAccountPreferences": {
            "ResourceIdPreference": {"ResourceIdType": "LONG_ID", "Resources": []}
        }
    },
    "iam": {"ListOrganizationsFeatures": {"EnabledFeatures": []}},
    "lambda": {
        "GetAccountSettings": {
            "AccountLimit": {
                "TotalCodeSize": 80530636800,
                "CodeSizeUnzipped": 262144000,
                "CodeSizeZipped": 52428800,
                "ConcurrentExecutions": 1000,
                "UnreservedConcurrentExecutions": 1000,
            },
            "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 0},
        },
        "GetFunctionRecursionConfig": {"RecursiveLoop": "Terminate"},
    },
    "resource-explorer-2": {"GetDefaultView": {}},
    "shield": {"DescribeDRTAccess": {}, "DescribeEmergencyContactSettings": {}},
    "sns": {"GetSMSSandboxAccountStatus": {"IsInSandbox": True}, "GetDataProtectionPolicy": {}},
    "wellarchitected": {
        "ListLenses": {
            "LensSummaries": [
                {
                    "LensAlias": "wellarchitected",
                    "LensArn": "arn:aws:wellarchitected::aws:lens/wellarchitected",
                    "LensName": "AWS Well-Architected Framework",
                    "LensType": "AWS_OFFICIAL",
                    "LensVersion": "2024-06-27",
                    "LensStatus": "CURRENT",
                    "Owner": "aws",
                    "CreatedAt": FIRST_DAY,
                    "UpdatedAt": FIRST_DAY,
                }
            ]
        },
        "GetGlobalSettings": {"OrganizationSharingStatus": "DISABLED",
                              "DiscoveryIntegrationStatus": "DISABLED"},
    },
}  # fmt: skip


def _blank(shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _empty_of(shape)
    blanks: dict[str, Any] = {"list": [], "map": {}, "boolean": False, "integer": 0, "long": 0, "double": 0.0}
    return blanks.get(kind, "")


def _empty_of(shape: Any) -> dict[str, Any]:
    """The members that an empty answer has: every list, and what else the shape requires."""
    return {
        name: _blank(member)
        for name, member in shape.members.items()
        if member.type_name == "list" or name in shape.required_members
    }


def empty(service: str, operation: str) -> Any:
    """A handler that answers what an operation does where there is nothing."""
    # The shape is read when first asked, for loading every service's model takes seconds.
    return lambda _asked: _empty_of(output_shape(service, operation))  # type: ignore[no-any-return]


def _all() -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {}
    for service, names in EMPTY.items():
        answers.setdefault(service, {}).update({name: empty(service, name) for name in names.split()})
    for service, code, message, status, names in MISSING:
        error = AwsError(code, message, status)
        answers.setdefault(service, {}).update({name: not_found(error) for name in names.split()})
    for service, constants in CONSTANT.items():
        answers.setdefault(service, {}).update(constants)
    return answers


ANSWERS = _all()
