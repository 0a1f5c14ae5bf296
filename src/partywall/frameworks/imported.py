"""AWS's own mappings, read with the user's credentials into the user's own data, and shown beside ours.

Security Hub says for each of its controls which requirements underlie it (API reference,
"StandardsControlAssociationSummary"); Control Catalog maps controls to items of frameworks (API reference,
"ListControlMappings"). They are AWS's words to that account: partywall ships none of them, and no state rests
on them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from partywall.errors import UserError
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    from partywall.checks.model import Check
    from partywall.frameworks.model import Framework

FOLDER: Final = "mappings"
SECURITY_HUB: Final = "Security Hub"
CONTROL_CATALOG: Final = "Control Catalog"
# How AWS names frameworks, and ours of the same version; others are kept under AWS's name alone.
_NAMES: Final = (
    (re.compile(r"NIST.*800-53.*r(ev)?\.? ?5", re.IGNORECASE), "nist-800-53-r5"),
    (re.compile(r"NIST.*CSF.*2\.0", re.IGNORECASE), "nist-csf-2.0"),
    (re.compile(r"PCI.?DSS.*4\.0", re.IGNORECASE), "pci-dss-4.0.1"),
    (re.compile(r"CIS AWS .*\bv?([3567]\.0)\b", re.IGNORECASE), r"cis-\1"),
    (re.compile(r"ISO.*27001.*2022", re.IGNORECASE), "iso27001-2022"),
    (re.compile(r"SOC.?2\b", re.IGNORECASE), "soc2-tsc-2017"),
)


class ControlMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A control of Security Hub and an item of a framework that AWS says it serves."""

    control: str
    name: str
    """AWS's name of the framework, with its version."""
    item: str
    by: str


class Unanswered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that did not answer: what it would have told is not known."""

    operation: str
    about: str
    code: str


class Imported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one account was told, in one Region, on one day."""

    account_id: str
    region: str
    read_at: datetime
    mappings: list[ControlMapping]
    unanswered: list[Unanswered]


class Found(msgspec.Struct, frozen=True):
    """A mapping of AWS's that concerns a requirement of ours and a check that stands for its control."""

    check: str
    control: str
    name: str
    item: str
    by: str
    account_id: str
    read_at: datetime


def framework_of(name: str, known: Iterable[str]) -> str:
    """The id of our framework that AWS calls so; "" where there is none of that version."""
    for pattern, target in _NAMES:
        found = pattern.search(name)
        if found and (ident := found.expand(target)) in known:
            return ident
    return ""


def split(requirement: str) -> tuple[str, str]:
    """A related requirement of Security Hub as the framework's name and the item.

    Such as "PCI DSS v4.0.1/2.2.7" and "NIST.800-53.r5 AC-17(2)".
    """
    name, mark, item = requirement.rpartition("/")
    if not mark:
        name, _, item = requirement.strip().rpartition(" ")
    return name.strip(), item.strip()


def read(
    client: Callable[[str], Any],
    account_id: str,
    region: str,
    controls: Iterable[str],
    now: datetime | None = None,
) -> Imported:
    """Asks Security Hub and Control Catalog. `client` gives a botocore client of a service.

    A call that fails is noted, never taken for an empty answer; where the first shows that a service is not
    there for the account at all, no more is asked of it.
    """
    mappings: dict[tuple[str, str, str, str], ControlMapping] = {}
    unanswered: list[Unanswered] = []

    def add(control: str, name: str, item: str, by: str) -> None:
        if name and item:
            mappings[(control, name, item, by)] = ControlMapping(control, name, item, by)

    wanted = list(dict.fromkeys(controls))
    hub = client("securityhub")
    for control in wanted:
        found, failure = _paged(
            hub,
            "list_standards_control_associations",
            "StandardsControlAssociationSummaries",
            SecurityControlId=control,
        )
        for summary in found:
            for requirement in summary.get("RelatedRequirements") or ():
                add(control, *split(requirement), SECURITY_HUB)
        if failure:
            unanswered.append(Unanswered("securityhub:ListStandardsControlAssociations", control, failure))
            if failure in _CLOSED:
                break
    catalog = client("controlcatalog")
    listed, failure = _paged(
        catalog,
        "list_controls",
        "Controls",
        Filter={"Implementations": {"Types": ["AWS::SecurityHub::SecurityControl"]}},
    )
    if failure:
        unanswered.append(Unanswered("controlcatalog:ListControls", "", failure))
    by_arn = {c["Arn"]: (c.get("Implementation") or {}).get("Identifier", "") for c in listed}
    by_arn = {arn: control for arn, control in by_arn.items() if control in set(wanted)}
    if by_arn:
        told, failure = _paged(
            catalog, "list_control_mappings", "ControlMappings", Filter={"MappingTypes": ["FRAMEWORK"]}
        )
        if failure:
            unanswered.append(Unanswered("controlcatalog:ListControlMappings", "", failure))
        for mapping in told:
            framework = (mapping.get("Mapping") or {}).get("Framework") or {}
            if mapping.get("ControlArn") in by_arn:
                control = by_arn[mapping["ControlArn"]]
                add(control, framework.get("Name", ""), framework.get("Item", ""), CONTROL_CATALOG)
    ordered = [mappings[key] for key in sorted(mappings)]
    return Imported(account_id, region, now or datetime.now(UTC), ordered, unanswered)


_CLOSED: Final = ("InvalidAccessException", "AccessDeniedException", "EndpointConnectionError")


def _paged(client: Any, operation: str, member: str, **params: Any) -> tuple[list[dict[str, Any]], str]:
    """The items of all pages, and the code of the failure that ended them ("" for none)."""
    from botocore.exceptions import BotoCoreError, ClientError

    found: list[dict[str, Any]] = []
    token = ""
    while True:
        more: dict[str, Any] = {"NextToken": token} if token else {}
        try:
            answer = getattr(client, operation)(**params, **more)
        except ClientError as error:
            return found, str(error.response.get("Error", {}).get("Code") or "error")
        except BotoCoreError as error:
            return found, type(error).__name__
        found += answer.get(member) or []
        token = answer.get("NextToken") or ""
        if not token:
            return found, ""


def save(data: Path, imported: Imported) -> Path:
    """Keeps what was read as `mappings/ACCOUNT.json` of the data directory, whole or not at all."""
    path = data / FOLDER / f"{imported.account_id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(imported), indent=1))
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    return path


def load(data: Path) -> list[Imported]:
    """All that was imported into a data directory; raises UserError for a file that is damaged."""
    found: list[Imported] = []
    for path in sorted((data / FOLDER).glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Imported))
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise UserError(
                f"{path} holds no imported mappings ({error}): remove it, or import anew"
            ) from error
    return found


def by_requirement(
    imported: Sequence[Imported], frameworks: Mapping[str, Framework], checks: Iterable[Check]
) -> dict[tuple[str, str], list[Found]]:
    """(framework, requirement) -> AWS's mappings of controls for which a check of ours stands."""
    stands: dict[str, list[str]] = {}
    for check in checks:
        for control in check.ref_ids("securityhub"):
            stands.setdefault(control.casefold(), []).append(check.id)
    ids = {f.id: {r.id.casefold(): r.id for r in f.requirements} for f in frameworks.values()}
    found: dict[tuple[str, str], list[Found]] = {}
    for one in imported:
        for mapping in one.mappings:
            framework = framework_of(mapping.name, ids)
            requirement = ids.get(framework, {}).get(mapping.item.casefold())
            for check in stands.get(mapping.control.casefold(), ()) if requirement else ():
                row = Found(
                    check,
                    mapping.control,
                    mapping.name,
                    mapping.item,
                    mapping.by,
                    one.account_id,
                    one.read_at,
                )
                found.setdefault((framework, requirement or ""), []).append(row)
    return found
