"""Worlds from files: the output of `aws iam get-account-authorization-details`, as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict, cast
from urllib.parse import unquote

import msgspec
import orjson

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.evaluate import Layer
from partywall.analysis.iam.managed import managed_policy
from partywall.analysis.iam.people import Grouping, People, Person, customer_managed
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.world import Account, Held, Identity, World
from partywall.errors import UserError

_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_NOT_IN_FILE = "the files hold no service or resource control policies and no policies of resources but roles"


# The shapes of GetAccountAuthorizationDetails (IAM API Reference), as far as they are read.
class _Inline(TypedDict, total=False):
    PolicyName: str
    PolicyDocument: Any


class _Attached(TypedDict, total=False):
    PolicyArn: str


class _Boundary(TypedDict, total=False):
    PermissionsBoundaryArn: str


class _Tag(TypedDict):
    Key: str
    Value: str


class _Version(TypedDict, total=False):
    VersionId: str
    IsDefaultVersion: bool
    Document: Any


class _Entry(TypedDict):
    Arn: Annotated[str, msgspec.Meta(pattern=r"^arn:[a-z-]+:iam::([0-9]{12}|aws):[a-z-]+/.")]
    AttachedManagedPolicies: NotRequired[list[_Attached] | None]
    PermissionsBoundary: NotRequired[_Boundary | None]
    Tags: NotRequired[list[_Tag] | None]


class _User(_Entry):
    UserId: NotRequired[str | None]
    GroupList: NotRequired[list[str] | None]
    UserPolicyList: NotRequired[list[_Inline] | None]


class _Group(_Entry):
    GroupPolicyList: NotRequired[list[_Inline] | None]


class _Role(_Entry):
    RoleId: NotRequired[str | None]
    RolePolicyList: NotRequired[list[_Inline] | None]
    AssumeRolePolicyDocument: NotRequired[Any]


class _Managed(_Entry):
    PolicyVersionList: NotRequired[list[_Version] | None]


class _Details(TypedDict, total=False):
    UserDetailList: list[_User] | None
    GroupDetailList: list[_Group] | None
    RoleDetailList: list[_Role] | None
    Policies: list[_Managed] | None


def load(paths: Iterable[Path], *, strict: bool = False) -> World:
    """The world of one file per account, or of several answers (pages) of one.

    What such files cannot hold (SCPs, RCPs, policies of resources other than roles) is assumed not to be
    there, and said in `World.assumptions`; with `strict` it counts as unread. Key policies and resources of
    other accounts are unread in either case. Raises UserError for a file that is something else.
    """
    return people(paths, strict=strict).world


def people(paths: Iterable[Path], *, strict: bool = False) -> People:
    """The users, roles and groups of such files, with the world of `load`. Files tell of no passwords."""
    world = World()
    world.assume_no_resource_policy = not strict
    world.assumptions.append(
        f"{_NOT_IN_FILE}: {'what they may say stays open' if strict else 'taken to be none'}"
    )
    details = [_read(path) for path in paths]
    documents: dict[str, str | None] = {}
    made = People(world)
    for detail in details:
        for policy in detail["Policies"]:
            arn = policy["Arn"]
            documents[arn] = _default(policy)
            if arn.split(":")[4] != "aws":
                others = [v for v in policy.get("PolicyVersionList") or () if not v.get("IsDefaultVersion")]
                made.versions[arn] = (
                    None
                    if any("Document" not in v for v in others)
                    else [
                        world.policy(text(v["Document"]), f"{arn} {v.get('VersionId', '')}", principal=False)
                        for v in others
                    ]
                )
    groups: dict[str, Mapping[str, Any]] = {
        group["Arn"]: group for detail in details for group in detail["GroupDetailList"]
    }
    reader = _Reader(made, documents)
    for arn, group in groups.items():
        missing: set[Layer] = set()
        held = reader.attached(group, "Group", f"group {arn.rpartition('/')[2]}: ", missing)
        made.groups.append(Grouping(arn, world.policy_set(held), bool(missing)))
    unread = frozenset((Layer.SCP, Layer.RCP)) if strict else frozenset[Layer]()
    for detail in details:
        for user in detail["UserDetailList"]:
            reader.identity(user, "User", groups)
        for role in detail["RoleDetailList"]:
            reader.identity(role, "Role", {})
    for id_ in {i.principal.account for i in world.identities.values()} | {
        arn.split(":")[4] for arn in groups
    }:
        world.accounts[id_] = Account(id_, unread=unread)
        partition = next(
            (a.split(":")[1] for a in (*world.identities, *groups) if a.split(":")[4] == id_), "aws"
        )
        root = f"arn:{partition}:iam::{id_}:root"
        world.identities[root] = Identity(principal(root))
    if reader.offline:
        world.assumptions.append(
            f"{len(reader.offline)} AWS managed policies are not in the files: their kept copies stand in"
        )
    return made


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        raw: Any = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path} is not JSON ({error}): give what aws iam {_COMMAND} wrote") from error
    if not isinstance(raw, dict) or not any(key in raw for key in _LISTS):
        raise UserError(f"{path} holds none of {', '.join(_LISTS)}: give what aws iam {_COMMAND} wrote")
    try:
        read = msgspec.convert(raw, _Details)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is not what aws iam {_COMMAND} writes: {error}") from error
    return {key: cast("list[dict[str, Any]]", read.get(key) or []) for key in _LISTS}


_COMMAND = "get-account-authorization-details"


def text(document: Any) -> str:
    """A policy document as text, whether it was given decoded, as JSON or URL-encoded."""
    if isinstance(document, str):
        return unquote(document) if document.lstrip()[:1] == "%" else document
    return orjson.dumps(document).decode()


def _default(policy: Mapping[str, Any]) -> str | None:
    """The document in force; None where no version is the default, or several claim to be."""
    found = [v for v in policy.get("PolicyVersionList") or () if v.get("IsDefaultVersion")]
    return text(found[0]["Document"]) if len(found) == 1 and "Document" in found[0] else None


def _managed(raw: Mapping[str, Any]) -> tuple[str, ...]:
    listed = raw.get("AttachedManagedPolicies") or ()
    return customer_managed([{"arn": str(a.get("PolicyArn", ""))} for a in listed])


class _Reader:
    """Turns users and roles into identities of a world."""

    def __init__(self, people: People, documents: Mapping[str, str | None]) -> None:
        self.people = people
        self.world = people.world
        self.documents = documents
        self.offline: set[str] = set()

    def managed(self, arn: str) -> Policy | None:
        """A managed policy by ARN; None where its document is nowhere."""
        document = self.documents.get(arn)
        if document is None and (kept := managed_policy(arn)) is not None:
            self.offline.add(arn)
            document = kept.document
        return None if document is None else self.world.policy(document, arn, principal=False)

    def identity(self, raw: Mapping[str, Any], kind: str, groups: Mapping[str, Mapping[str, Any]]) -> None:
        """Adds a UserDetailList or RoleDetailList entry."""
        arn = str(raw["Arn"])
        unread: set[Layer] = set()
        policies = self.attached(raw, kind, "", unread)
        managed = _managed(raw)
        joined: list[str] = []
        account = arn.split(":")[4]
        names = [str(name) for name in raw.get("GroupList") or ()]
        for name in names:
            group = next(
                (g for a, g in groups.items() if a.split(":")[4] == account and a.rpartition("/")[2] == name),
                None,
            )
            if group is None:
                unread.add(Layer.IDENTITY)
            else:
                policies += self.attached(group, "Group", f"group {name}: ", unread)
                managed += _managed(group)
                joined.append(str(group["Arn"]))
        boundary = None
        if bound := (raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"):
            found = self.managed(bound)
            if found is None:
                unread.add(Layer.BOUNDARY)
            else:
                boundary = self.world.policy_set((found,))
        tags = {str(t["Key"]): str(t["Value"]) for t in raw.get("Tags") or ()}
        who = principal(arn, unique_id=str(raw.get(f"{kind}Id") or ""), tags=tags)
        identity = self.world.identities[arn] = Identity(
            who, self.world.policy_set(policies), boundary, tuple(names), frozenset(unread)
        )
        trusted = None
        if kind == "Role":
            trust = raw.get("AssumeRolePolicyDocument")
            parsed = (
                None if trust is None else self.world.policy(text(trust), f"trust of {arn}", principal=True)
            )
            trusted = self.world.policy_set((parsed,)) if parsed else None
            self.world.resources[arn] = Held(arn, account, trusted, parsed is None, tags=tags)
        self.people.persons.append(Person(identity, trusted, tuple(dict.fromkeys(managed)), tuple(joined)))

    def attached(self, raw: Mapping[str, Any], kind: str, prefix: str, unread: set[Layer]) -> list[Policy]:
        """The policies of a UserDetailList, GroupDetailList or RoleDetailList entry."""
        found: list[Policy] = []
        for inline in raw.get(f"{kind}PolicyList") or ():
            name = f"{prefix}inline {inline.get('PolicyName', '')}"
            found.append(self.world.policy(text(inline.get("PolicyDocument", "")), name, principal=False))
        for attached in raw.get("AttachedManagedPolicies") or ():
            policy = self.managed(str(attached.get("PolicyArn", "")))
            if policy is None:
                unread.add(Layer.IDENTITY)
            else:
                found.append(policy)
        return found
