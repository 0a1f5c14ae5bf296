"""The configuration file `partywall.yaml`: parameters of checks, checks left out, accepted risks, intents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from partywall.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from partywall.analysis.network.intent import Intents
    from partywall.findings.exceptions import RiskException
    from partywall.findings.owners import OwnerRule

DEFAULT: Final = Path("partywall.yaml")
_KEYS: Final = ("params", "disable", "exceptions", "owners", "variants", "phi_tags", "intents")


@dataclass(frozen=True, slots=True)
class Config:
    """What a user set: check id -> parameter -> value; ids of checks left out; accepted risks; variants."""

    params: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    disable: frozenset[str] = frozenset()
    exceptions: list[RiskException] = field(default_factory=list["RiskException"])
    variants: dict[str, str] = field(default_factory=dict[str, str])
    """Glob of ARNs -> id of a variant of the responsibility model, which then holds for such resources."""
    phi_tags: tuple[str, ...] = ()
    """KEY or KEY=VALUE by which a resource is known to hold health information; empty for the usual ones."""
    intents: Intents | None = None
    """What may, must and must not reach what, held against the network on each scan."""
    owners: list[OwnerRule] = field(default_factory=list["OwnerRule"])
    """Whose a finding is that nobody was assigned."""


def load(path: Path | None, data: Path | None = None) -> Config:
    """The configuration at `path`, or at ./partywall.yaml where it exists, else an empty one.

    With a data directory, the exceptions that people approved in its state hold besides those of the file.
    Raises UserError with file and line for what it cannot read.
    """
    found = _load(path)
    if data is None:
        return found
    from partywall.state.places import exists

    if not exists(data):
        return found
    from partywall.state.store import Store

    with Store.open(data) as store:
        return replace(found, exceptions=[*found.exceptions, *store.approved()])


def _load(path: Path | None) -> Config:
    import yaml

    from partywall.findings.exceptions import parse
    from partywall.findings.owners import parse as parse_owners

    if path is None:
        if not DEFAULT.exists():
            return Config()
        path = DEFAULT
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the configuration {path}: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(f"{where}: not valid YAML: {error.problem}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: a configuration is a map with the keys {', '.join(_KEYS)}")
    entries = cast("dict[str, Any]", data)
    for key in entries:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS, f"; known are {', '.join(_KEYS)}")
            raise UserError(f"{path}: unknown key {key!r}{hint}")
    params = entries.get("params") or {}
    if not isinstance(params, dict) or not all(
        isinstance(v, dict) for v in cast("dict[Any, Any]", params).values()
    ):
        raise UserError(f"{path}: `params` maps a check id to its parameters, such as {{max_age_days: 60}}")
    disabled = entries.get("disable") or []
    if not isinstance(disabled, list):
        raise UserError(f"{path}: `disable` is a list of check ids")
    phi_tags = entries.get("phi_tags") or []
    if not isinstance(phi_tags, list):
        raise UserError(f"{path}: `phi_tags` is a list of tags such as data-classification=phi")
    return Config(
        cast("dict[str, dict[str, Any]]", params),
        frozenset(str(i) for i in cast("list[Any]", disabled)),
        parse(entries.get("exceptions") or [], str(path)),
        _variants(entries.get("variants") or {}, path),
        tuple(str(tag) for tag in cast("list[Any]", phi_tags)),
        _intents(entries.get("intents"), path),
        parse_owners(entries.get("owners") or [], str(path)),
    )


def _intents(given: Any, path: Path) -> Intents | None:
    if given is None:
        return None
    from partywall.analysis.network.intent import of_config

    return of_config(given, path)


def _variants(given: Any, path: Path) -> dict[str, str]:
    """The variants that a user set. Raises UserError for one that the responsibility model lacks."""
    if not isinstance(given, dict):
        raise UserError(f"{path}: `variants` maps globs of ARNs to ids of the table service_variant")
    from partywall.responsibility.loader import model

    found = {str(glob): str(variant) for glob, variant in cast("dict[Any, Any]", given).items()}
    for variant in found.values():
        try:
            model().variant(variant)
        except UserError as error:
            raise UserError(f"{path}: in `variants`: {error}") from None
    return found


def validate(config: Config, checks: Collection[Any], place: str = "the configuration") -> None:
    """Raises UserError for a check id or parameter in the configuration that no check has."""
    known = {c.id: c for c in checks}
    for check_id in [*config.params, *config.disable]:
        if check_id not in known:
            hint = did_you_mean(check_id, known)
            raise UserError(f"{place} names the check {check_id!r}, which does not exist{hint}")
    for check_id, params in config.params.items():
        for name, value in params.items():
            declared = known[check_id].params
            if name not in declared:
                has = ", ".join(declared) or "none"
                raise UserError(f"{place}: {check_id} has no parameter {name!r} (it has: {has})")
            default = declared[name].default
            numbers = isinstance(default, int | float) and isinstance(value, int | float)
            if not numbers and type(value) is not type(default):
                raise UserError(
                    f"{place}: {check_id}: {name} is {value!r}, but wants a value like {default!r}"
                )
