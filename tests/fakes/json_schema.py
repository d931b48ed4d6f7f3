"""A JSON Schema validator of the few words that our schemas use; an unknown word is an error of the test."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_NO_RULES = {"$schema", "$defs", "description", "title", "default", "examples"}


class Schema:
    """One schema; `accepts` tells whether a value fits."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def accepts(self, value: Any, schema: dict[str, Any] | None = None) -> bool:
        """Whether all rules of the schema hold for the value."""
        schema = self.root if schema is None else schema
        return all(self._holds(word, rule, value, schema) for word, rule in schema.items() if word not in _NO_RULES)

    def _holds(self, word: str, rule: Any, value: Any, schema: dict[str, Any]) -> bool:
        return bool(getattr(self, f"_{word.lstrip('$').lower()}")(rule, value, schema))

    def _ref(self, rule: str, value: Any, _schema: Any) -> bool:
        return self.accepts(value, self.root["$defs"][rule.rpartition("/")[2]])

    def _type(self, rule: Any, value: Any, _schema: Any) -> bool:
        names = [rule] if isinstance(rule, str) else rule
        kinds = tuple(kind for name in names for kind in _TYPES[name])
        return isinstance(value, kinds) and (not isinstance(value, bool) or "boolean" in names)

    def _const(self, rule: Any, value: Any, _schema: Any) -> bool:
        return type(rule) is type(value) and rule == value

    def _enum(self, rule: list[Any], value: Any, _schema: Any) -> bool:
        return value in rule

    def _pattern(self, rule: str, value: Any, _schema: Any) -> bool:
        return not isinstance(value, str) or re.search(rule, value) is not None

    def _minimum(self, rule: float, value: Any, _schema: Any) -> bool:
        return not isinstance(value, int) or value >= rule

    def _maximum(self, rule: float, value: Any, _schema: Any) -> bool:
        return not isinstance(value, int) or value <= rule

    def _anyof(self, rule: list[Any], value: Any, _schema: Any) -> bool:
        return any(self.accepts(value, branch) for branch in rule)

    def _oneof(self, rule: list[Any], value: Any, _schema: Any) -> bool:
        return sum(self.accepts(value, branch) for branch in rule) == 1

    def _items(self, rule: Any, value: Any, _schema: Any) -> bool:
        return not isinstance(value, list) or all(self.accepts(item, rule) for item in value)

    def _required(self, rule: list[str], value: Any, _schema: Any) -> bool:
        return not isinstance(value, dict) or all(key in value for key in rule)

    def _properties(self, rule: Any, value: Any, _schema: Any) -> bool:
        return not isinstance(value, dict) or all(self.accepts(value[k], rule[k]) for k in value if k in rule)

    def _patternproperties(self, rule: Any, value: Any, _schema: Any) -> bool:
        pairs = value.items() if isinstance(value, dict) else ()
        return all(self.accepts(item, sub) for key, item in pairs for p, sub in rule.items() if re.search(p, key))

    def _propertynames(self, rule: Any, value: Any, _schema: Any) -> bool:
        return not isinstance(value, dict) or all(self.accepts(key, rule) for key in value)

    def _additionalproperties(self, rule: Any, value: Any, schema: dict[str, Any]) -> bool:
        if not isinstance(value, dict):
            return True
        patterns = schema.get("patternProperties", {})
        others = [
            item
            for key, item in value.items()
            if key not in schema.get("properties", {}) and not any(re.search(p, key) for p in patterns)
        ]
        return not others if rule is False else rule is True or all(self.accepts(item, rule) for item in others)
