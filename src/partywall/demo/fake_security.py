from typing import Any

ANSWERS: dict[str, dict[str, Any]] = {}
