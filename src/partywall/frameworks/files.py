"""YAML files as records: every fault with file, line and column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from partywall.errors import UserError

T = TypeVar("T")
_STEP: Final = re.compile(r"\[(\d+)\]|\[\.\.\.\]|\.([A-Za-z_][\w-]*)")


class FrameworkError(UserError):
    """A fault in a framework, objective, evidence or programme file: where it is and what is wrong."""


def read_yaml(path: Path, kind: type[T]) -> T:
    """The records of one YAML file; raises FrameworkError at the first fault."""
    import yaml

    loader_type: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FrameworkError(f"cannot read {path}: {error}") from error
    loader = loader_type(text)
    root: Any = None
    try:
        root = loader.get_single_node()
        data: Any = loader.construct_document(root) if root is not None else None
        return msgspec.convert(data, kind)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise FrameworkError(f"{where}: not valid YAML: {error.problem or error.context}") from error
    except msgspec.ValidationError as error:
        raise FrameworkError(f"{_place(path, root, str(error))}: {error}") from error
    finally:
        loader.dispose()


def _place(path: Path, root: Any, message: str) -> str:
    """file:line:column of the node that the message names by its path, such as `$.requirements[3].id`."""
    if root is None:
        return f"{path}:1:1"
    node = root
    found = re.search(r"at `\$([^`]*)`", message)
    for index, key in _STEP.findall(found.group(1)) if found else ():
        if index and int(index) < len(node.value):
            node = node.value[int(index)]
        elif key and isinstance(node.value, list):
            pairs = [p for p in node.value if isinstance(p, tuple)]
            node = next((value for name, value in pairs if name.value == key), node)
    return f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
