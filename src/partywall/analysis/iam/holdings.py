"""Which resources of a scan hold a role's credentials, and which listings of them did not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.iam.people import People

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = Mapping[str, Any]
Roles = tuple[str, ...] | None
"""Role ARNs or names; None where it is not known which."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A resource and the ARNs of the roles it holds: none, or None where that was not read."""

    kind: str
    arn: str
    account: str
    roles: Roles


@dataclass(slots=True)
class Holders:
    """All holders of a scan; `unlisted`: kind -> the (account, Region or "*") where they were not listed."""

    found: list[Holder]
    unlisted: dict[str, set[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where holders of one kind are read.

    `kind` is as in escalation.yaml. `services`: one of these must be able to assume the role (a service's
    name, or `oidc` for an OpenID Connect provider). `shape` is an ARN from the service on, with *
    for what differs. `tables` gives the columns read; the first table's rows are the holders.
    """

    kind: str
    services: tuple[str, ...]
    shape: str
    tables: Mapping[str, tuple[str, ...]]
    roles: Callable[[Row, _Read], Roles]


def _one(column: str) -> Callable[[Row, _Read], Roles]:
    def read(row: Row, _all: _Read) -> Roles:
        value = row[column]
        return None if value is None else (value,) if value else ()

    return read


def _profile(column: str) -> Callable[[Row, _Read], Roles]:
    """The role of the instance profile (ARN or name) that a column names."""

    def read(row: Row, all_: _Read) -> Roles:
        named = row[column]
        if not named:
            return None if named is None else ()
        return all_.profile(row["account_id"], named)

    return read


def _profile_of_user(row: Row, all_: _Read) -> Roles:
    """A Studio profile's own execution role or, where it has none, its domain's."""
    own = row["execution_role"]
    if own is None or own:
        return None if own is None else (own,)
    return all_.one("sagemaker_domain", row, {"domain_id": row["domain_id"]}, "default_execution_role")


def _of_task(row: Row, _all: _Read) -> Roles:
    """The role given when the task was started or, where none was, its definition's."""
    override, own = row["override_role_arn"], row["task_role_arn"]
    if override is None or (not override and own is None):
        return None
    return (override,) if override else (own,) if own else ()


def _of_cluster(row: Row, all_: _Read) -> Roles:
    """The roles that pods and nodes of an EKS cluster run with."""
    found: list[str] = []
    issuer = row["oidc_issuer"]
    if issuer is None:
        return None
    if issuer:
        found += all_.federated(row["account_id"], issuer.removeprefix("https://"))
    parts = (
        ("eks_nodegroup", "node_role_arn"),
        ("eks_addon", "service_account_role_arn"),
        ("eks_pod_identity_association", "role_arn"),
    )
    for table, column in parts:
        roles = all_.many(table, row, {"cluster_name": row["name"]}, column)
        if roles is None:
            return None
        found += roles
    return tuple(dict.fromkeys(found))


_HERE: Final = ("account_id", "region", "arn")
_PROFILES: Final = {"iam_instance_profile": ("account_id", "arn", "name", "role_arns")}


def _plain(kind: str, service: str, shape: str, table: str, column: str) -> Source:
    return Source(kind, (service,), shape, {table: (*_HERE, column)}, _one(column))


SOURCES: Final = (
    _plain("lambda-function", "lambda.amazonaws.com", "lambda:*:*:function:*", "lambda_function", "role"),
    Source(
        "ec2-instance",
        ("ec2.amazonaws.com",),
        "ec2:*:*:instance/*",
        {"ec2_instance": (*_HERE, "instance_profile_arn"), **_PROFILES},
        _profile("instance_profile_arn"),
    ),
    Source(
        "launch-template",
        ("ec2.amazonaws.com",),
        "ec2:*:*:launch-template/*",
        {"ec2_launch_template": (*_HERE, "instance_profile"), **_PROFILES},
        _profile("instance_profile"),
    ),
    Source(
        "emr-cluster",
        ("ec2.amazonaws.com",),
        "elasticmapreduce:*:*:cluster/*",
        {"emr_cluster": (*_HERE, "instance_profile"), **_PROFILES},
        _profile("instance_profile"),
    ),
    Source(
        "ecs-task",
        ("ecs-tasks.amazonaws.com",),
        "ecs:*:*:task/*",
        {"ecs_task": (*_HERE, "override_role_arn", "task_role_arn")},
        _of_task,
    ),
    _plain(
        "batch-job-definition",
        "ecs-tasks.amazonaws.com",
        "batch:*:*:job-definition/*",
        "batch_job_definition",
        "job_role_arn",
    ),
    _plain(
        "codebuild-project",
        "codebuild.amazonaws.com",
        "codebuild:*:*:project/*",
        "codebuild_project",
        "service_role",
    ),
    _plain(
        "cloudformation-stack",
        "cloudformation.amazonaws.com",
        "cloudformation:*:*:stack/*",
        "cloudformation_stack",
        "role_arn",
    ),
    _plain(
        "glue-dev-endpoint", "glue.amazonaws.com", "glue:*:*:devEndpoint/*", "glue_dev_endpoint", "role_arn"
    ),
    _plain("glue-session", "glue.amazonaws.com", "glue:*:*:session/*", "glue_session", "role"),
    _plain(
        "sagemaker-notebook",
        "sagemaker.amazonaws.com",
        "sagemaker:*:*:notebook-instance/*",
        "sagemaker_notebook_instance",
        "role_arn",
    ),
    Source(
        "sagemaker-user-profile",
        ("sagemaker.amazonaws.com",),
        "sagemaker:*:*:user-profile/*",
        {
            "sagemaker_user_profile": (*_HERE, "execution_role", "domain_id"),
            "sagemaker_domain": ("account_id", "region", "domain_id", "default_execution_role"),
        },
        _profile_of_user,
    ),
    _plain(
        "apprunner-service",
        "tasks.apprunner.amazonaws.com",
        "apprunner:*:*:service/*",
        "apprunner_service",
        "instance_role_arn",
    ),
    _plain(
        "state-machine",
        "states.amazonaws.com",
        "states:*:*:stateMachine:*",
        "stepfunctions_state_machine",
        "role_arn",
    ),
    _plain(
        "agentcore-code-interpreter",
        "bedrock-agentcore.amazonaws.com",
        "bedrock-agentcore:*:*:code-interpreter-custom/*",
        "bedrock_agentcore_code_interpreter",
        "execution_role_arn",
    ),
    Source(
        "eks-cluster",
        ("ec2.amazonaws.com", "pods.eks.amazonaws.com", "oidc"),
        "eks:*:*:cluster/*",
        {
            "eks_cluster": (*_HERE, "name", "oidc_issuer"),
            "eks_nodegroup": ("account_id", "region", "cluster_name", "node_role_arn"),
            "eks_addon": ("account_id", "region", "cluster_name", "service_account_role_arn"),
            "eks_pod_identity_association": ("account_id", "region", "cluster_name", "role_arn"),
        },
        _of_cluster,
    ),
)
NOT_LOOKED_AT: Final = frozenset(("data-pipeline",))
"""Kinds of holders that no table lists: paths over them are not found."""


def services_of(kind: str) -> tuple[str, ...]:
    """Who must be able to assume the role of a holder, one of them."""
    return next(s.services for s in SOURCES if s.kind == kind)


def read(lake: Lake, people: People) -> Holders:
    """All holders of a scan's accounts."""
    all_ = _Read(lake, people)
    found: list[Holder] = []
    unlisted: dict[str, set[tuple[str, str]]] = {}
    for source in SOURCES:
        main = next(iter(source.tables))
        for row in all_.rows(main, source.tables[main]):
            if row["arn"] is None:
                continue
            roles = source.roles(row, all_)
            if roles is not None:
                roles = tuple(all_.role(row["account_id"], role) for role in roles)
            found.append(Holder(source.kind, row["arn"], row["account_id"], roles))
        if open_ := lake.source.incomplete.get(main):
            unlisted[source.kind] = set(open_)
    return Holders(found, unlisted)


class _Read:
    """Rows of a scan, read once, and looked up by what they have in common."""

    def __init__(self, lake: Lake, people: People) -> None:
        self._lake = lake
        self._people = people
        self._rows: dict[str, list[Row]] = {}
        self._roles: dict[tuple[str, str], str] = {}
        self._federated: dict[tuple[str, str], list[str]] | None = None
        for person in people.persons:
            who = person.identity.principal
            if ":role/" in who.arn:
                self._roles[who.account, who.arn.rpartition("/")[2]] = who.arn
        self._columns: dict[str, tuple[str, ...]] = {}
        for source in SOURCES:
            for table, columns in source.tables.items():
                self._columns[table] = tuple(dict.fromkeys((*self._columns.get(table, ()), *columns)))

    def rows(self, table: str, columns: Iterable[str] = ()) -> list[Row]:
        """The rows of a table with all columns that any source reads of it."""
        found = self._rows.get(table)
        if found is None:
            from partywall.tables.registry import table as find

            wanted = self._columns.get(table, tuple(columns))
            stored = self._lake.source.stored(find(table), wanted)
            found = self._rows[table] = self._lake.arrow(stored).to_pylist()
        return found

    def role(self, account: str, named: str) -> str:
        """The ARN of a role given by ARN or by name (some services take either)."""
        if named.startswith("arn:"):
            return named
        return self._roles.get((account, named.rpartition("/")[2]), named)

    def profile(self, account: str, named: str) -> Roles:
        """The roles of an instance profile given by ARN or by name; None where it was not read."""
        for row in self.rows("iam_instance_profile"):
            if row["arn"] == named or (row["account_id"] == account and row["name"] == named):
                return None if row["role_arns"] is None else tuple(row["role_arns"])
        # One that is gone hands out nothing; one whose listing did not answer may.
        return None if self._open("iam_instance_profile", account, "*") else ()

    def one(self, table: str, row: Row, where: Mapping[str, str], column: str) -> Roles:
        """The value of a column in the one row of a table that matches."""
        found = self.many(table, row, where, column)
        return None if found is None else tuple(found)

    def many(self, table: str, row: Row, where: Mapping[str, str], column: str) -> list[str] | None:
        """The values of a column in the rows of a table that match; None where some may not be known."""
        if self._open(table, row["account_id"], row["region"]):
            return None
        wanted = {**where, "account_id": row["account_id"], "region": row["region"]}
        values = [r[column] for r in self.rows(table) if all(r[k] == v for k, v in wanted.items())]
        return None if None in values else [v for v in values if v]

    def _open(self, table: str, account: str, region: str) -> bool:
        places = self._lake.source.incomplete.get(table, ())
        return any((a == account and region in (r, "*")) or (a, r) == (account, "*") for a, r in places)

    def federated(self, account: str, issuer: str) -> list[str]:
        """The roles of an account that trust an OpenID Connect issuer."""
        if self._federated is None:
            self._federated = {}
            for person in self._people.persons:
                who = person.identity.principal
                for policy in person.trust.policies if person.trust is not None else ():
                    for statement in policy.statements:
                        for kind, text in statement.principal.named if statement.principal else ():
                            if kind == "Federated" and statement.allow and ":oidc-provider/" in text:
                                key = (who.account, text.partition(":oidc-provider/")[2])
                                self._federated.setdefault(key, []).append(who.arn)
        return self._federated.get((account, issuer), [])
