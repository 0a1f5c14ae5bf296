"""Amazon Cognito: user pools with their clients, and identity pools."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Str,
    StrMap,
    Struct,
    Table,
    Timestamp,
)

_POOL = {"UserPoolId": "pool_id"}

user_pool = Table(
    "cognito_user_pool",
    service="cognito",
    scope="regional",
    resource_type="AWS::Cognito::UserPool",
    doc="A user pool: an application's own users and how they sign in.",
    rows=Call("cognito-idp:ListUserPools", {"MaxResults": 60}, at="UserPools"),
    arn="arn:{partition}:cognito-idp:{region}:{account_id}:userpool/{pool_id}",
    title="Name",
    tags="pool.UserPoolTags",
    calls={
        "pool": Call("cognito-idp:DescribeUserPool", _POOL, at="UserPool"),
        "risk": Call(
            "cognito-idp:DescribeRiskConfiguration",
            _POOL,
            at="RiskConfiguration",
            absent=("UserPoolAddOnNotEnabledException",),
        ),
        "acl": Call(
            "wafv2:GetWebACLForResource",
            {"ResourceArn": "arn"},
            at="WebACL",
            absent=("WAFNonexistentItemException",),
        ),
    },
    columns=(
        Column("pool_id", Str, "Id"),
        Column("created_at", Timestamp, "CreationDate"),
        Column("mfa", Enum("OFF", "ON", "OPTIONAL"), "pool.MfaConfiguration", "OFF"),
        Column("first_factors", List(Str), "pool.Policies.SignInPolicy.AllowedFirstAuthFactors"),
        Column("password_min_length", Int, "pool.Policies.PasswordPolicy.MinimumLength", 8),
        Column("password_uppercase", Bool, "pool.Policies.PasswordPolicy.RequireUppercase", False),
        Column("password_lowercase", Bool, "pool.Policies.PasswordPolicy.RequireLowercase", False),
        Column("password_numbers", Bool, "pool.Policies.PasswordPolicy.RequireNumbers", False),
        Column("password_symbols", Bool, "pool.Policies.PasswordPolicy.RequireSymbols", False),
        Column("password_history", Int, "pool.Policies.PasswordPolicy.PasswordHistorySize", 0),
        Column(
            "temporary_password_days", Int, "pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays", 7
        ),
        Column("deletion_protection", Enum("ACTIVE", "INACTIVE"), "pool.DeletionProtection", "INACTIVE"),
        Column(
            "threat_protection",
            Enum("OFF", "AUDIT", "ENFORCED"),
            "pool.UserPoolAddOns.AdvancedSecurityMode",
            "OFF",
            doc="Threat protection of standard sign-in (formerly advanced security).",
        ),
        Column(
            "custom_threat_protection",
            Enum("OFF", "AUDIT", "ENFORCED"),
            "pool.UserPoolAddOns.AdvancedSecurityAdditionalFlows.CustomAuthMode",
            "OFF",
            doc="Threat protection of sign-in by custom challenges.",
        ),
        Column("tier", Enum("LITE", "ESSENTIALS", "PLUS"), "pool.UserPoolTier", ""),
        Column("custom_auth_lambda", Str, "pool.LambdaConfig.DefineAuthChallenge", ""),
        Column("admin_create_only", Bool, "pool.AdminCreateUserConfig.AllowAdminCreateUserOnly", False),
        Column("recovery_mechanisms", List(Str), "pool.AccountRecoverySetting.RecoveryMechanisms[].Name"),
        Column("estimated_users", Int, "pool.EstimatedNumberOfUsers", 0),
        Column("domain", Str, "pool.Domain", ""),
        Column("custom_domain", Str, "pool.CustomDomain", ""),
        Column(
            "compromised_credentials_action",
            Enum("BLOCK", "NO_ACTION", "none"),
            "risk.CompromisedCredentialsRiskConfiguration.Actions.EventAction",
            "none",
        ),
        Column(
            "high_risk_action",
            Str,
            "risk.AccountTakeoverRiskConfiguration.Actions.HighAction.EventAction",
            "none",
            doc="What a sign-in of high risk meets: BLOCK, MFA_REQUIRED, MFA_IF_CONFIGURED, NO_ACTION; none.",
        ),
        Column("web_acl_arn", Str, "acl.ARN", "", doc="Empty: no web ACL of AWS WAF."),
    ),
    relations=(
        Relation(
            "clients",
            "cognito_user_pool_client",
            ("name", "custom_auth"),
            {"account_id": "account_id", "region": "region", "pool_id": "pool_id"},
            doc="The pool's app clients.",
        ),
    ),
)

client = Table(
    "cognito_user_pool_client",
    service="cognito",
    scope="regional",
    resource_type="AWS::Cognito::UserPoolClient",
    doc="An app client of a user pool. Its secret is never read into the table.",
    parent="cognito_user_pool",
    rows=Call(
        "cognito-idp:ListUserPoolClients",
        {"UserPoolId": "@parent.pool_id", "MaxResults": 60},
        at="UserPoolClients",
    ),
    arn="{parent.arn}/client/{client_id}",
    title="ClientName",
    calls={
        "client": Call(
            "cognito-idp:DescribeUserPoolClient",
            {"UserPoolId": "pool_id", "ClientId": "client_id"},
            at="UserPoolClient",
        ),
    },
    columns=(
        Column("client_id", Str, "ClientId"),
        Column("pool_id", Str, "@parent.pool_id"),
        Column("auth_flows", List(Str), "client.ExplicitAuthFlows"),
        Column(
            "custom_auth",
            Bool,
            "client.ExplicitAuthFlows",
            False,
            doc="Sign-in by custom challenges is allowed.",
            fn=lambda v: any(f in ("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY") for f in v),
        ),
        Column("oauth_enabled", Bool, "client.AllowedOAuthFlowsUserPoolClient", False),
        Column("oauth_flows", List(Str), "client.AllowedOAuthFlows"),
        Column("callback_urls", List(Str), "client.CallbackURLs"),
        Column(
            "prevent_user_existence_errors",
            Enum("LEGACY", "ENABLED"),
            "client.PreventUserExistenceErrors",
            "LEGACY",
        ),
        Column("token_revocation_enabled", Bool, "client.EnableTokenRevocation", False),
        Column(
            "refresh_token_rotation",
            Enum("ENABLED", "DISABLED"),
            "client.RefreshTokenRotation.Feature",
            "DISABLED",
        ),
    ),
)

identity_pool = Table(
    "cognito_identity_pool",
    service="cognito",
    scope="regional",
    resource_type="AWS::Cognito::IdentityPool",
    doc="An identity pool: gives an application's users AWS credentials.",
    rows=Call("cognito-identity:ListIdentityPools", {"MaxResults": 60}, at="IdentityPools"),
    arn="arn:{partition}:cognito-identity:{region}:{account_id}:identitypool/{pool_id}",
    title="IdentityPoolName",
    tags="pool.IdentityPoolTags",
    calls={
        "pool": Call("cognito-identity:DescribeIdentityPool", {"IdentityPoolId": "pool_id"}),
        "roles": Call("cognito-identity:GetIdentityPoolRoles", {"IdentityPoolId": "pool_id"}),
    },
    columns=(
        Column("pool_id", Str, "IdentityPoolId"),
        Column("allows_unauthenticated", Bool, "pool.AllowUnauthenticatedIdentities", False),
        Column(
            "allows_classic_flow",
            Bool,
            "pool.AllowClassicFlow",
            False,
            doc="Users choose the role themselves, and no scope-down policy applies to guests.",
        ),
        Column(
            "user_pool_providers",
            List(
                Struct(
                    Field("provider_name", Str, "ProviderName", ""),
                    Field("server_side_token_check", Bool, "ServerSideTokenCheck", False),
                )
            ),
            "pool.CognitoIdentityProviders",
        ),
        Column("roles", StrMap, "roles.Roles", doc="authenticated and unauthenticated to role ARN."),
        Column("unauthenticated_role", Str, "roles.Roles.unauthenticated", ""),
    ),
)

TABLES = (user_pool, client, identity_pool)
