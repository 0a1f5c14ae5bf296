"""How the sample organisation is filled: ordinary AWS calls of one account, and answers put into the fake."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

HOME = "eu-west-1"
"""The region where the organisation keeps most of what it has."""
REGIONS = ("eu-west-1", "us-east-1", "eu-central-1")

_CREATING = (
    *("Create", "Run", "Register", "Import", "Allocate", "Request", "Publish", "PutMetric", "PutRule"),
    *("PutParameter", "PutImage", "EnableMacie", "EnableSecurityHub", "PutConfig", "PutDelivery"),
)


def admin(url: str, what: str, body: Any) -> Any:
    """Ask the emulator's own interface.

    Raises ValueError with what it minds of the request, and urllib.error.URLError where none answers.
    """
    request = urllib.request.Request(
        f"{url}/_partywall/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise ValueError(error.read().decode()) from None


class Clients:
    """AWS clients of one endpoint, made once per account, service and region."""

    def __init__(self, url: str) -> None:
        from partywall.aws.models import plain_session

        self.url = url
        self.created: Counter[str] = Counter()
        self._session: Any = plain_session()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str, key: str, secret: str, token: str | None) -> Any:
        """A botocore client that signs with the given credentials."""
        from botocore.config import Config

        with self._lock:
            found = self._clients.get((service, region, key))
            if found is None:
                found = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.url,
                    aws_access_key_id=key,
                    aws_secret_access_key=secret,
                    aws_session_token=token,
                    config=Config(
                        retries={"max_attempts": 1},
                        s3={"addressing_style": "path"},
                        max_pool_connections=20,
                    ),
                )
                found.meta.events.register("after-call", self._count)
                found.meta.events.register("before-send.s3-control", self._unprefix)
                self._clients[service, region, key] = found
            return found

    def _unprefix(self, request: Any, **_: Any) -> None:
        # botocore puts the account before the host's name, which a loopback address does not resolve with.
        request.url = self.url + urllib.parse.urlsplit(request.url)._replace(scheme="", netloc="").geturl()

    def _count(self, http_response: Any, model: Any, parsed: Any, **_: Any) -> None:
        if http_response.status_code < 300 and str(model.name).startswith(_CREATING):
            made = len(parsed.get("Instances") or [0]) if model.name == "RunInstances" else 1
            self.created[str(model.service_model.service_name)] += made


@dataclass
class Desk:
    """One account of the organisation as its engineers see it.

    `at` gives a client, `put` fills the fake, `ids` keeps what later steps need, by a name of our own.
    """

    clients: Clients
    account: str
    name: str
    key: str
    secret: str
    token: str | None = None
    ids: dict[str, str] = field(default_factory=dict[str, str])
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    ages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    states: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def at(self, service: str, region: str = HOME) -> Any:
        """A client of a service in a region."""
        return self.clients.client(service, region, self.key, self.secret, self.token)

    def put(
        self, service: str, operation: str, answer: Any, region: str = "*", when: dict[str, Any] | None = None
    ) -> None:
        """Let the fake answer an operation in this account from the end of the seeding on."""
        self.answers.append(
            {
                "account": self.account,
                "region": region,
                "service": service,
                "operation": operation,
                "answer": answer,
                "when": when,
            }
        )

    def keep(self, service: str, key: str, value: Any, region: str = HOME) -> None:
        """Set what the fake keeps of a service in a region where no write operation does; see the fakes."""
        self.states.append(
            {"account": self.account, "region": region, "service": service, "key": key, "value": value}
        )

    def age(self, kind: str, name: str, days: float, region: str = HOME) -> None:
        """Make something look as old as it would be in a company of some years; see `aging`."""
        self.ages.append(
            {"kind": kind, "account": self.account, "region": region, "name": name, "days": days}
        )

    def arn(self, service: str, resource: str, region: str = HOME) -> str:
        """An ARN of this account."""
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"


def tags(team: str, env: str, **more: str) -> list[dict[str, str]]:
    """Tags as a list of Key and Value, which most services take."""
    return [{"Key": k, "Value": v} for k, v in tag_map(team, env, **more).items()]


def tag_map(team: str, env: str, **more: str) -> dict[str, str]:
    """Tags as a map, which younger services take."""
    return {"team": team, "env": env, **{k.replace("_", "-"): v for k, v in more.items()}}


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of the given statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows; Principal, Condition and Sid go in `more`."""
    return cast(dict[str, Any], {"Effect": "Allow", "Action": action, "Resource": resource, **more})


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement that denies."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(*principals: dict[str, Any], **condition: Any) -> str:
    """A role's trust policy for the given principals, all under one condition."""
    statements: list[dict[str, Any]] = []
    for principal in principals:
        action = "sts:AssumeRoleWithWebIdentity" if "Federated" in principal else "sts:AssumeRole"
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
        if condition:
            statement["Condition"] = condition
        statements.append(statement)
    return policy(*statements)
