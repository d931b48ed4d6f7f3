"""Evaluates settings classes in the style of pydantic, whose fields are environment variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.known.environments import take_variables
from devboot.onboarding.symbolic_eval.machine import Loaded, Machine, Need
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    Class,
    External,
    Function,
    Instance,
    Opaque,
    Scope,
    Value,
    union,
)

SETTINGS = re.compile(r"(?:^|\.)BaseSettings$")
MODEL = re.compile(r"(?:^|\.)(?:BaseModel|BaseSettings)$")

PARSED = ("int", "float", "bool")  # types of fields for which an empty text is invalid
FIELDS = ("Field", "dataclasses.field")


def is_settings(cls: Class) -> bool:
    """Return whether a class is a settings class, whose instances read their fields from the environment."""
    return any(SETTINGS.search(name) for name in cls.libraries())


def is_model(cls: Class) -> bool:
    """Return whether a class is a pydantic model or a dataclass."""
    return any(MODEL.search(name) for name in cls.libraries()) or _is_dataclass(cls)


def _is_dataclass(cls: Class) -> bool:
    decorators = [each for part in cls.line() for each in part.node.decorator_list]
    named = [ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in decorators]
    return any(name.rpartition(".")[2] == "dataclass" for name in named)


def options(m: Machine, cls: Class) -> dict[str, Value]:
    """Return a settings class' configuration, from `model_config` or `class Config` (pydantic 2 and 1)."""
    found: dict[str, Value] = {}
    for part in reversed(cls.line()):
        config = part.names.get("model_config")
        if config is not None:
            data = config.data
            found |= dict(data.keywords) if isinstance(data, Opaque) else _texts(data)
        inner = part.names.get("Config")
        if inner is not None and isinstance(inner.data, Class):
            found |= inner.data.names
        for keyword in part.node.keywords:
            if keyword.arg:
                found[keyword.arg] = m.evaluate(keyword.value, Scope(part.module, part.module.names))
    return found


def _texts(data: object) -> dict[str, Value]:
    return {k: v for k, v in data.items() if isinstance(k, str)} if isinstance(data, dict) else {}


def fields(cls: Class) -> Iterator[tuple[str, ast.AnnAssign, Class]]:
    """Yield (name, annotation, class) of a class' fields, those of bases first.

    A subclass replaces fields of its bases.
    """
    found: dict[str, tuple[ast.AnnAssign, Class]] = {}
    for part in reversed(cls.line()):
        for node in part.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.pop(node.target.id, None)
                found[node.target.id] = (node, part)
    for name, (node, part) in found.items():
        if not name.startswith("_") and name != "model_config" and "ClassVar" not in ast.unparse(node.annotation):
            yield name, node, part


def settings(m: Machine, cls: Class, given: Mapping[str, Value], place: Evidence) -> Value:
    """Instantiate a settings class: each field comes from its variable or default; else the variable is needed."""
    config = options(m, cls)
    _note_files(m, config, cls)
    prefix = config.get("env_prefix")
    start = prefix.data if prefix is not None and isinstance(prefix.data, str) else ""
    delimiter = config.get("env_nested_delimiter")
    glue = delimiter.data if delimiter is not None and isinstance(delimiter.data, str) else ""
    instance = Instance(cls)
    value = Value(instance, frozenset(), place)
    elsewhere = _has_other_sources(cls)
    made = _made_before(m, cls, start, glue)
    for name, node, part in fields(cls):
        if name in given or name in made:
            instance.names[name] = made[name] if name in made else given[name]
            continue
        if elsewhere and node.value is None and start + name not in {*m.environ, *m.guesses}:
            instance.names[name] = Value(Opaque(name), frozenset(), place)
            continue
        instance.names[name] = _field(m, name, node, part, start, glue)
        validated = _validated(m, cls, name, instance)
        if validated is not None:
            instance.names[name] = validated
    return value


def _made_before(m: Machine, cls: Class, prefix: str, glue: str) -> dict[str, Value]:
    """Return the fields that a validator of the whole class sets before fields are validated."""
    validators = [
        (part, item.data)
        for part in cls.line()
        for item in part.names.values()
        if isinstance(item.data, Function) and _comes_first(item.data)
    ]
    if not validators:
        return {}
    known = {
        name: _field(m, name, node, part, prefix, glue)
        for name, node, part in fields(cls)
        if node.value is not None or (prefix + name).upper() in m.environ
    }
    values = dict(known)
    for part, function in validators:
        where = Evidence(part.module.path, function.node.lineno)
        returned = m.call(function, (Value(cls), Value(values)), {}, where).data
        values = returned if isinstance(returned, dict) else values
    return {name: value for name, value in values.items() if known.get(name) is not value}


def _comes_first(function: Function) -> bool:
    """Return whether a function is a validator of the whole class that runs before the fields (pydantic 1 or 2)."""
    decorators = [] if isinstance(function.node, ast.Lambda) else function.node.decorator_list
    calls = [each for each in decorators if isinstance(each, ast.Call)]
    words = {(keyword.arg, ast.unparse(keyword.value)) for each in calls for keyword in each.keywords}
    names = {ast.unparse(each.func).rpartition(".")[2] for each in calls}
    return ("model_validator" in names and ("mode", "'before'") in words) or (
        "root_validator" in names and ("pre", "True") in words
    )


def _has_other_sources(cls: Class) -> bool:
    """Return whether a settings class adds its own source of values, such as a file in another format."""
    for part in cls.line():
        for node in part.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == "settings_customise_sources":
                returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
                return any(isinstance(each, ast.Call) for value in returned if value for each in ast.walk(value))
    return False


def _note_files(m: Machine, config: Mapping[str, Value], cls: Class) -> None:
    given = config.get("env_file")
    if given is None or given.data is None:
        return
    names = given.data if isinstance(given.data, list | tuple) else (given,)
    where = Evidence(cls.module.path, given.place.line if given.place else cls.node.lineno)
    for item in names:
        text = str(item.data) if isinstance(item, Value) and not isinstance(item.data, Opaque | External) else ""
        path = m.relative(text) if text else None
        if path and all(known.path != path for known in m.found.loaded):
            m.found.loaded.append(Loaded(path, where))
        if path:
            take_variables(m, path)


def _field(m: Machine, name: str, node: ast.AnnAssign, part: Class, prefix: str, glue: str) -> Value:
    place = Evidence(part.module.path, node.lineno)
    scope = Scope(part.module, part.names, Scope(part.module, part.module.names), "class")
    value = part.names.get(name) if node.value is not None else None
    variables = [prefix + name]
    default: Value | None = value
    if value is not None and isinstance(value.data, Opaque) and value.data.name.rpartition(".")[2] == "Field":
        aliases = _aliases(value.data)
        variables = aliases or variables
        default = _field_default(m, value.data, place)
    elif value is not None and value.data is Ellipsis:
        default = None
    annotation = m.evaluate(_bare(node.annotation), scope)
    nested = annotation.data if isinstance(annotation.data, Class) else None
    names = [variable.upper() for variable in variables]
    chosen = next((variable for variable in names if variable in m.environ), names[0])
    if default is None and _is_optional(node.annotation) and value is None and part.node.name == "":
        default = NOTHING
    if nested is not None and is_model(nested) and default is None and chosen not in m.environ:
        return _nested(m, nested, chosen + (glue or "__"), place)
    cast = ast.unparse(_bare(node.annotation))
    result = m.read(chosen, place, default, cast)
    if cast in PARSED and not m.environ.get(chosen, cast).strip():
        m.found.needs.setdefault(chosen, Need(chosen, place, (), cast))  # set, but an empty text is invalid
    if default is None and len(names) > 1 and chosen in m.found.needs:
        m.found.needs[chosen].others = tuple(names[1:])
    return _typed(result, cast)


def _typed(value: Value, cast: str) -> Value:
    if isinstance(value.data, str) and cast in PARSED:
        text = value.data.strip().lower()
        if cast == "bool":
            return Value(text in ("true", "1", "yes", "on", "t", "y"), value.reads, value.place)
        try:
            return Value(int(text) if cast == "int" else float(text), value.reads, value.place)
        except ValueError:
            return Value(Opaque(cast), value.reads, value.place)
    return value


def _nested(m: Machine, cls: Class, prefix: str, place: Evidence) -> Value:
    """Instantiate a model nested in a settings class: its fields are variables with the outer name as prefix."""
    instance = Instance(cls)
    for name, node, part in fields(cls):
        instance.names[name] = _field(m, name, node, part, prefix, "__")
    return Value(instance, frozenset(), place)


def _aliases(field: Opaque) -> list[str]:
    found: list[str] = []
    for key in ("validation_alias", "env", "alias"):
        given = field.keywords.get(key)
        if given is None:
            continue
        data = given.data
        if isinstance(data, str):
            return [data]
        parts = data.args if isinstance(data, Opaque) else data if isinstance(data, list | tuple) else ()
        found = [part.data for part in parts if isinstance(part, Value) and isinstance(part.data, str)]
        if found:
            return found
    return found


def _field_default(m: Machine, field: Opaque, place: Evidence) -> Value | None:
    default = field.keywords.get("default") or (field.args[0] if field.args else None)
    factory = field.keywords.get("default_factory")
    if factory is not None:
        if isinstance(factory.data, Function):
            return m.call(factory.data, (), {}, place)
        if isinstance(factory.data, Class) and is_settings(factory.data):
            return settings(m, factory.data, {}, place)
        if isinstance(factory.data, Class) and is_model(factory.data):
            return model(m, factory.data, {}, place)
        return Value(Opaque("default"), factory.reads, place)
    return None if default is None or default.data is Ellipsis else default


def _bare(node: ast.expr) -> ast.expr:
    """Return a type annotation without `Optional`, `Annotated` or `| None`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _bare(node.left)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
        outer = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        if outer in ("Optional", "Annotated"):
            inner = node.slice
            return _bare(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _bare(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return node
    return node


def _is_optional(node: ast.expr) -> bool:
    return "None" in ast.unparse(node) or "Optional" in ast.unparse(node)


def _validated(m: Machine, cls: Class, name: str, instance: Instance) -> Value | None:
    """Return the value that a validator gives to an empty field, as a URL built from parts; None if there is none."""
    value = instance.names[name]
    if value.data not in (None, ""):
        return None
    for part in cls.line():
        for item in part.names.values():
            function = item.data
            if isinstance(function, Function) and _validates(function, name):
                known = {k: v for k, v in instance.names.items() if k != name}
                made = m.call(
                    function, (Value(cls), value, Value(known)), {}, Evidence(part.module.path, function.node.lineno)
                )
                return Value(made.data, made.reads | union(value), made.place)
    return None


def _validates(function: Function, name: str) -> bool:
    node = function.node
    if isinstance(node, ast.Lambda):
        return False
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] in (
            "validator",
            "field_validator",
        ):
            return any(isinstance(arg, ast.Constant) and arg.value == name for arg in decorator.args)
    return False


def model(m: Machine, cls: Class, given: Mapping[str, Value], place: Evidence, args: Sequence[Value] = ()) -> Value:
    """Instantiate a pydantic model or dataclass from arguments and defaults."""
    instance = Instance(cls)
    given = {**dict(zip([name for name, _, _ in fields(cls)], args, strict=False)), **given}
    for name, node, part in fields(cls):
        value = given.get(name)
        if value is None and node.value is not None:
            value = part.names.get(name)
            if value is not None and isinstance(value.data, Opaque) and value.data.name.endswith(FIELDS):
                value = _field_default(m, value.data, place)
        instance.names[name] = value or Value(Opaque(name))
    made = Value(instance, frozenset(), place)
    after = cls.find("__post_init__")
    if after is not None and isinstance(after.data, Function):
        m.call(after.data, (made,), {}, place)
    return made
