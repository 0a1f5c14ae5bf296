"""botocore's service models, loaded once and lazily."""

from __future__ import annotations

import gzip
import threading
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


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by its boto3 name. Raises ValueError for an unknown one."""
    try:
        with _LOCK:
            data = cast("dict[str, Any]", loader().load_service_model(service, "service-2"))
    except (UnknownServiceError, DataNotFoundError):
        raise ValueError(f"unknown AWS service {service!r}") from None
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
