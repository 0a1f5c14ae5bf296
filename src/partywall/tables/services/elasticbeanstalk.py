"""AWS Elastic Beanstalk: environments."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import secret_variables
from partywall.tables.spec import Bool, Call, Column, Enum, List, Str, Table, Timestamp
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]
_OPTIONS = "settings.ConfigurationSettings[].OptionSettings[]"


def _option(namespace: str, name: str) -> Any:
    """A function from an environment's options to the value of one; None where it is not set."""

    def read(options: list[Element]) -> Any:
        return next(
            (
                o.get("Value")
                for o in options
                if (o.get("Namespace"), o.get("OptionName")) == (namespace, name)
            ),
            None,
        )

    return read


def _secrets(options: list[Element]) -> list[str]:
    namespace = "aws:elasticbeanstalk:application:environment"
    return secret_variables(
        {str(o.get("OptionName")): o.get("Value") for o in options if o.get("Namespace") == namespace}
    )


environment = Table(
    "elasticbeanstalk_environment",
    service="elasticbeanstalk",
    scope="regional",
    resource_type="AWS::ElasticBeanstalk::Environment",
    doc="An environment. Values of its properties are not kept.",
    rows=Call("elasticbeanstalk:DescribeEnvironments", {"IncludeDeleted": False}, at="Environments"),
    arn="EnvironmentArn",
    title="EnvironmentName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("elasticbeanstalk:environment"),
        "settings": Call(
            "elasticbeanstalk:DescribeConfigurationSettings",
            {"ApplicationName": "application_name", "EnvironmentName": "name"},
        ),
        "platform": Call(
            "elasticbeanstalk:DescribePlatformVersion",
            {"PlatformArn": "platform_arn"},
            at="PlatformDescription",
            when=lambda row: row["platform_arn"] != "",
        ),
    },
    columns=(
        Column("application_name", Str, "ApplicationName"),
        Column("status", Str, "Status", ""),
        Column("health", Str, "Health", "", doc="Green, Yellow, Red or Grey."),
        Column("platform_arn", Str, "PlatformArn", ""),
        Column("solution_stack_name", Str, "SolutionStackName", ""),
        Column(
            "platform_branch_state",
            Str,
            "platform.PlatformBranchLifecycleState",
            "",
            doc="Of the platform branch: supported, deprecated, retired, beta; empty: AWS tells of none.",
            fn=str.lower,
        ),
        Column("tier", Enum("WebServer", "Worker"), "Tier.Name", "WebServer"),
        Column(
            "health_reporting",
            Enum("basic", "enhanced"),
            _OPTIONS,
            "basic",
            fn=_option("aws:elasticbeanstalk:healthreporting:system", "SystemType"),
        ),
        Column(
            "managed_updates",
            Bool,
            _OPTIONS,
            False,
            fn=_option("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled"),
        ),
        Column(
            "update_level",
            Enum("minor", "patch", ""),
            _OPTIONS,
            "",
            fn=_option("aws:elasticbeanstalk:managedactions:platformupdate", "UpdateLevel"),
        ),
        Column(
            "stream_logs",
            Bool,
            _OPTIONS,
            False,
            fn=_option("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs"),
        ),
        Column(
            "disable_imdsv1",
            Bool,
            _OPTIONS,
            False,
            fn=_option("aws:autoscaling:launchconfiguration", "DisableIMDSv1"),
        ),
        Column(
            "property_secrets", List(Str), _OPTIONS, fn=_secrets, doc="Names of properties with credentials."
        ),
        Column("created_at", Timestamp, "DateCreated"),
        Column("updated_at", Timestamp, "DateUpdated"),
    ),
)

TABLES = (environment,)
