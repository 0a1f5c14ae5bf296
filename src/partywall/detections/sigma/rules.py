"""Rules as they are used: read from files of any Sigma rule set, each fault told by file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.sigma.nodes import Node
from partywall.errors import UserError

if TYPE_CHECKING:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule
    from sigma.rule.base import SigmaRuleBase

LEVELS: Final = ("informational", "low", "medium", "high", "critical")
"""Sigma's levels, mildest first; a rule without one counts as medium."""

OURS: Final = Path(__file__).parents[1] / "rules"
"""The directory of our own rules."""


@dataclass(frozen=True, slots=True)
class About:
    """What a rule says of itself. `extra` is its `partywall` key: finding, playbook, events."""

    id: str
    name: str
    title: str
    level: str
    status: str
    description: str
    references: tuple[str, ...]
    tags: tuple[str, ...]
    falsepositives: tuple[str, ...]
    path: Path
    line: int
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def techniques(self) -> tuple[str, ...]:
        """ATT&CK technique ids among the tags, such as T1098.001."""
        found = (tag.removeprefix("attack.") for tag in self.tags if tag.startswith("attack.t"))
        return tuple(each.upper() for each in found if each[1:2].isdigit())

    @property
    def tactics(self) -> tuple[str, ...]:
        """ATT&CK tactics among the tags, such as privilege-escalation."""
        names = (tag.removeprefix("attack.") for tag in self.tags if tag.startswith("attack."))
        return tuple(name.replace("_", "-") for name in names if not name[1:2].isdigit())


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over single events."""

    about: About
    condition: Node


@dataclass(frozen=True, slots=True)
class Threshold:
    """The number that a correlation must reach: `op` as in Sigma (gte, lt, eq …)."""

    op: str
    value: int | float
    fields: tuple[str, ...] = ()
    percentile: int | None = None


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rule over the matches of others within a time span (seconds).

    `rules` are ids or names; `aliases` alias -> rule -> field; `threshold` is None where `expression` joins
    the rules of a temporal correlation by and, or and not. `generate` keeps the inner rules' own matches.
    """

    about: About
    kind: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    seconds: int
    aliases: Mapping[str, Mapping[str, str]]
    threshold: Threshold | None
    expression: str = ""
    generate: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document of a file does not run."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(slots=True)
class RuleSet:
    """Everything that was read. `elsewhere` counts sound rules for other logs than CloudTrail."""

    rules: list[Rule] = field(default_factory=list[Rule])
    correlations: list[Correlation] = field(default_factory=list[Correlation])
    problems: list[Problem] = field(default_factory=list[Problem])
    elsewhere: int = 0

    def named(self) -> dict[str, Rule | Correlation]:
        """By id and by name."""
        found: dict[str, Rule | Correlation] = {}
        for each in (*self.rules, *self.correlations):
            found[each.about.id] = each
            if each.about.name:
                found[each.about.name] = each
        return found

    def silent(self) -> set[str]:
        """Ids of rules that only feed correlations and are not reported themselves."""
        named = self.named()
        return {
            named[reference].about.id
            for each in self.correlations
            if not each.generate
            for reference in each.rules
            if reference in named
        }


def files(paths: Iterable[Path]) -> list[Path]:
    """The rule files at these paths, directories searched through; raises UserError where there is none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix in (".yml", ".yaml"))
            if not inside:
                raise UserError(f"{path} holds no .yml or .yaml file: name a directory of Sigma rules")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"{path} does not exist: name a Sigma rule or a directory of them")
    return found


def load(paths: Iterable[Path], *, service: str = "cloudtrail") -> RuleSet:
    """Read rules; what cannot run is a problem and never stops the rest.

    Rules whose log source names another product than aws, or another service, are counted and left out.
    """
    loaded = RuleSet()
    parsed: list[tuple[SigmaRuleBase, Path, int]] = []
    filters: list[SigmaFilter] = []
    for path in files(paths):
        for item, line in _documents(path, loaded.problems):
            if _is_filter(item):
                filters.append(item)
            else:
                parsed.append((item, path, line))
    for item, path, line in parsed:
        _add(loaded, item, path, line, filters, service)
    _resolve(loaded)
    return loaded


def _is_filter(item: Any) -> bool:
    from sigma.filters import SigmaFilter

    return isinstance(item, SigmaFilter)


def _documents(path: Path, problems: list[Problem]) -> list[tuple[Any, int]]:
    import yaml
    from sigma.collection import SigmaCollection, deep_dict_update
    from sigma.exceptions import SigmaError
    from sigma.rule.base import SigmaYAMLLoader

    found: list[tuple[Any, int]] = []
    common: dict[str, Any] = {}
    before: dict[str, Any] = {}
    line = 1
    try:
        loader = SigmaYAMLLoader(path.read_text(encoding="utf-8"))
        while loader.check_node():
            node: Any = loader.get_node()
            line = node.start_mark.line + 1
            document: Any = loader.construct_document(node)
            if document is None:
                continue
            if not isinstance(document, dict):
                problems.append(Problem(path, line, "a rule is a mapping"))
                continue
            action = document.pop("action", None)
            if action == "global":
                common = before = document
                continue
            if action == "reset":
                common = {}
                continue
            if action == "repeat":
                document = before = deep_dict_update(before, document)
            elif "correlation" not in document and "filter" not in document:
                document = before = deep_dict_update(document, common)
            elif action is not None:
                problems.append(Problem(path, line, f"the action {action} is not Sigma's"))
                continue
            read = SigmaCollection.from_dicts(
                [document], collect_errors=True, collect_filters=True, resolve_references=False
            )
            problems += [Problem(path, line, _said(error)) for error in read.errors]
            if not read.errors:
                found += [(item, line) for item in (*read.rules, *read.filters)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.append(Problem(path, mark.line + 1 if mark else line, f"not YAML: {_said(error)}"))
    except UnicodeDecodeError:
        problems.append(Problem(path, 1, "not UTF-8"))
    except (SigmaError, AttributeError, KeyError, TypeError, ValueError) as error:
        problems.append(Problem(path, line, _said(error)))
    return found


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _add(loaded: RuleSet, item: Any, path: Path, line: int, filters: list[SigmaFilter], service: str) -> None:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.exceptions import SigmaError

    from partywall.detections.sigma.parse import RuleError, condition

    try:
        if isinstance(item, SigmaCorrelationRule):
            loaded.correlations.append(_correlation(item, path, line))
            return
        if not _is_for(item, service):
            loaded.elsewhere += 1
            return
        for each in filters:
            item = each.apply_on_rule(item)
        loaded.rules.append(Rule(_about(item, path, line), condition(item)))
    except (SigmaError, RuleError, RecursionError) as error:
        loaded.problems.append(Problem(path, line, _said(error)))


def _is_for(rule: SigmaRule, service: str) -> bool:
    source = rule.logsource
    return source.product in (None, "aws") and (
        source.service == service or (source.service is None and source.product == "aws")
    )


def _about(rule: SigmaRuleBase, path: Path, line: int) -> About:
    extra: Any = rule.custom_attributes.get("partywall", {})
    return About(
        id=str(rule.id) if rule.id else rule.name or f"{path.name}:{line}",
        name=rule.name or "",
        title=rule.title,
        level=rule.level.name.lower() if rule.level else "medium",
        status=rule.status.name.lower() if rule.status else "",
        description=(rule.description or "").strip(),
        references=tuple(str(each) for each in rule.references),
        tags=tuple(str(tag) for tag in rule.tags),
        falsepositives=tuple(str(each) for each in rule.falsepositives),
        path=path,
        line=line,
        extra=extra if isinstance(extra, dict) else {},
    )


def _correlation(rule: SigmaCorrelationRule, path: Path, line: int) -> Correlation:
    from sigma.correlations import SigmaCorrelationCondition

    from partywall.detections.sigma.parse import RuleError

    threshold, expression = None, ""
    told = rule.condition
    if isinstance(told, SigmaCorrelationCondition):
        fields = told.fieldref if isinstance(told.fieldref, list) else [told.fieldref]
        threshold = Threshold(
            told.op.name.lower(), told.count, tuple(each for each in fields if each), told.percentile
        )
        rules = tuple(each.reference for each in rule.rules or ())
    else:
        expression = told.expression
        rules = tuple(told.get_referenced_rules())
    if not rules:
        raise RuleError("a correlation names at least one rule")
    if rule.type.name == "VALUE_PERCENTILE" and (threshold is None or threshold.percentile is None):
        raise RuleError("value_percentile needs a percentile in its condition")
    return Correlation(
        about=_about(rule, path, line),
        kind=rule.type.name.lower(),
        rules=rules,
        group_by=tuple(rule.group_by or ()),
        seconds=rule.timespan.seconds,
        aliases={
            alias.alias: {reference.reference: name for reference, name in alias.mapping.items()}
            for alias in rule.aliases
        },
        threshold=threshold,
        expression=expression,
        generate=rule.generate,
    )


def _resolve(loaded: RuleSet) -> None:
    """Leaves out correlations whose rules are missing, and rules whose id is taken; tells of each."""
    seen: dict[str, About] = {}
    for kind in (loaded.rules, loaded.correlations):
        for each in list(kind):
            first = seen.setdefault(each.about.id, each.about)
            if first is not each.about:
                message = f"the id {each.about.id} is taken by {first.path}:{first.line}"
                loaded.problems.append(Problem(each.about.path, each.about.line, message))
                kind.remove(each)  # type: ignore[arg-type]
    # A correlation may rest on another: leave out until nothing more falls.
    while True:
        named = loaded.named()
        broken = [
            (each, next(rule for rule in each.rules if rule not in named))
            for each in loaded.correlations
            if any(rule not in named for rule in each.rules)
        ]
        if not broken:
            return
        for each, missing in broken:
            loaded.correlations.remove(each)
            message = f"the rule {missing} is not among those that were read"
            loaded.problems.append(Problem(each.about.path, each.about.line, message))
