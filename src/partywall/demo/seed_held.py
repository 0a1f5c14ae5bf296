"""What runs with a role and hands its credentials to whoever may run code in it: tasks, sessions, pods."""

from __future__ import annotations

from partywall.demo.desk import HOME, Desk, tag_map
from partywall.demo.fake_answers import ago, digest


def seed_held(desk: Desk) -> None:
    """Fill production's running holders of roles; needs its clusters, its Studio domain and its roles."""
    _tasks(desk)
    _pods(desk)
    _notebooks(desk)
    _interpreters(desk)


def _tasks(desk: Desk) -> None:
    cluster = desk.arn("ecs", "cluster/shop")
    made = desk.arn("ecs", f"task/shop/{digest('web')}")
    desk.keep("ecs", "running_tasks", {"shop": 1})
    task = {
        "taskArn": made,
        "clusterArn": cluster,
        "taskDefinitionArn": desk.arn("ecs", "task-definition/shop-web:1"),
        "group": "service:web",
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "launchType": "FARGATE",
        "enableExecuteCommand": True,
        "overrides": {"containerOverrides": []},
        "startedAt": ago(2),
        "tags": [{"key": k, "value": v} for k, v in tag_map("web", desk.name).items()],
    }
    desk.put("ecs", "ListTasks", {"taskArns": [made]}, HOME, {"cluster": cluster})
    desk.put("ecs", "DescribeTasks", {"tasks": [task], "failures": []}, HOME, {"cluster": cluster})


def _pods(desk: Desk) -> None:
    made = f"a-{digest('deployer')[:16]}"
    association = {
        "clusterName": "platform",
        "namespace": "ci",
        "serviceAccount": "deployer",
        "associationArn": desk.arn("eks", f"podidentityassociation/platform/{made}"),
        "associationId": made,
    }
    when = {"clusterName": "platform"}
    desk.put("eks", "ListPodIdentityAssociations", {"associations": [association]}, HOME, when)
    described = {
        **association,
        "roleArn": desk.ids["role/codebuild-deploy"],
        "createdAt": ago(90),
        "modifiedAt": ago(90),
        "tags": tag_map("platform", desk.name),
    }
    one = {**when, "associationId": made}
    desk.put("eks", "DescribePodIdentityAssociation", {"association": described}, HOME, one)


def _notebooks(desk: Desk) -> None:
    session = {"Id": "telemetry-adhoc", "Status": "READY", "Role": "glue-etl", "CreatedOn": ago(1)}
    desk.put("glue", "ListSessions", {"Ids": ["telemetry-adhoc"], "Sessions": [session]}, HOME)
    for domain in desk.at("sagemaker").list_domains()["Domains"]:
        id_ = domain["DomainId"]
        profile = {"DomainId": id_, "UserProfileName": "li-chen", "Status": "InService"}
        profile |= {"CreationTime": ago(200), "LastModifiedTime": ago(20)}
        when = {"DomainIdEquals": id_}
        desk.put("sagemaker", "ListUserProfiles", {"UserProfiles": [profile]}, HOME, when)
        one = {"DomainId": id_, "UserProfileName": "li-chen"}
        desk.put("sagemaker", "DescribeUserProfile", profile, HOME, one)


def _interpreters(desk: Desk) -> None:
    made = "fleet_planner-Ab3dEf6hIj"
    summary = {
        "codeInterpreterId": made,
        "codeInterpreterArn": desk.arn("bedrock-agentcore", f"code-interpreter-custom/{made}"),
        "name": "fleet_planner",
        "status": "READY",
        "createdAt": ago(60),
        "lastUpdatedAt": ago(60),
    }
    service = "bedrock-agentcore-control"
    desk.put(service, "ListCodeInterpreters", {"codeInterpreterSummaries": [summary]}, HOME)
    described = {
        **summary,
        "executionRoleArn": desk.ids["role/glue-etl"],
        "networkConfiguration": {"networkMode": "PUBLIC"},
    }
    desk.put(service, "GetCodeInterpreter", described, HOME, {"codeInterpreterId": made})
