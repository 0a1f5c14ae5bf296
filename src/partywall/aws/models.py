"""botocore's service models, loaded once and lazily."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

# JSON first: it is the fastest to read here, and every server that speaks CBOR to these services speaks it.
_PROTOCOLS = ("json", "rest-json", "rest-xml", "query", "ec2", "smithy-rpc-v2-cbor")
_LOCK = threading.RLock()


class _OrjsonFileLoader(JSONFileLoader):
    """Reads model files with orjson into plain dicts, without the documentation, most of their size."""

    def load_file(self, file_path: str) -> Any:
        plain = Path(f"{file_path}.json")
        if plain.is_file():
            return orjson.loads(plain.read_bytes())
        packed = Path(f"{file_path}.json.gz")
        if packed.is_file():
            return _without_texts(orjson.loads(gzip.decompress(packed.read_bytes())))
        return None


def _without_texts(data: Any) -> Any:
    """Drop the documentation of a service model, in place."""
    if not isinstance(data, dict) or "shapes" not in data:
        return cast(Any, data)
    model = cast("dict[str, Any]", data)
    model.pop("documentation", None)
    for operation in model["operations"].values():
        operation.pop("documentation", None)
    for shape in model["shapes"].values():
        shape.pop("documentation", None)
        for member in shape.get("members", {}).values():
            member.pop("documentation", None)
        for part in ("member", "key", "value"):
            shape.get(part, {}).pop("documentation", None)
    return model


@cache
def loader() -> Loader:
    """The one loader, with botocore's own search paths (AWS_DATA_PATH is honoured by the session's)."""
    return Loader(file_loader=_OrjsonFileLoader(), include_default_search_paths=True)


def plain_session(profile: str | None = None) -> Session:
    """A botocore session that shares our loader: reading endpoint data is most of a session's cost."""
    made = Session(profile=profile)
    made.register_component("data_loader", loader())
    return made


_NARROWED: dict[str, set[str]] = {}


def narrow(operations: Iterable[str]) -> None:
    """From now on, keep of these services' models only these operations ("service:Operation").

    A process that knows what it will call, as a scan does, saves most of the models' memory by it. Services
    that are not named stay whole, and so do models that were read before.
    """
    for operation in operations:
        service, _, name = operation.partition(":")
        _NARROWED.setdefault(service, set()).add(name)


def widen() -> None:
    """Ends what `narrow` began: models are read whole again, by those who ask for them from now on."""
    if not _NARROWED:
        return
    _NARROWED.clear()
    # The loader holds the same models, cut in place.
    for cached in (loader, service_model, operation_model):
        cached.cache_clear()


def _cut(model: dict[str, Any], names: set[str]) -> None:
    """Leave of a service model only the named operations and the shapes that they reach, in place."""
    operations: dict[str, Any] = model["operations"]
    model["operations"] = kept = {name: operations[name] for name in operations if name in names}
    shapes: dict[str, Any] = model["shapes"]
    todo: list[str] = []
    for operation in kept.values():
        ends = [operation.get("input"), operation.get("output"), *operation.get("errors", ())]
        todo += [end["shape"] for end in ends if end]
    reached: dict[str, Any] = {}
    while todo:
        name = todo.pop()
        if name not in reached:
            shape = reached[name] = shapes[name]
            parts = [*shape.get("members", {}).values(), *(shape.get(p) for p in ("member", "key", "value"))]
            todo += [part["shape"] for part in parts if part]
    model["shapes"] = reached


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by its boto3 name. Raises ValueError for an unknown one."""
    try:
        with _LOCK:
            data = cast("dict[str, Any]", loader().load_service_model(service, "service-2"))
    except (UnknownServiceError, DataNotFoundError):
        raise ValueError(f"unknown AWS service {service!r}") from None
    if service in _NARROWED:
        _cut(data, _NARROWED[service])
    return ServiceModel(data, service_name=service)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """The model of one operation. Raises ValueError for an unknown one."""
    from botocore.exceptions import BotoCoreError
    from botocore.model import OperationNotFoundError

    try:
        return service_model(service).operation_model(operation)
    except (OperationNotFoundError, BotoCoreError):
        raise ValueError(f"unknown operation {service}:{operation}") from None


@cache
def paginators(service: str) -> dict[str, dict[str, Any]]:
    """botocore's paginator data of a service, by operation; empty where it has none."""
    try:
        with _LOCK:
            data = cast("dict[str, Any]", loader().load_service_model(service, "paginators-1"))
    except (UnknownServiceError, DataNotFoundError):
        return {}
    return cast("dict[str, dict[str, Any]]", data["pagination"])


@cache
def protocol_of(service: str) -> str:
    """The wire protocol that we speak to a service, of those that its model offers."""
    metadata = cast("dict[str, Any]", service_model(service).metadata)
    offered = metadata.get("protocols") or [metadata["protocol"]]
    for protocol in _PROTOCOLS:
        if protocol in offered:
            return protocol
    raise ValueError(f"no supported protocol for {service}: {offered}")
