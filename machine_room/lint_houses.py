"""The rules of the houses, checked on the source without running it.

- ``tools/`` is pure Python: it imports neither Odoo nor the rest of the addon.
- Between the houses of ``models/``, imports and calls run one way, from trail down to subscription.
- A door (an ``_inherit`` without a ``_name`` of its own) that overrides a method of Odoo calls
  ``super()``, and hands on the ``*args`` and ``**kwargs`` that it takes.
- No file is longer than 500 lines, and product code does not ask whether a test runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import debian, paths

#: The street: a house may use those to its right.
HOUSES = ("trail", "intake", "delivery", "sender", "schedule", "routing", "subscription", "tools")
LONGEST = 500
#: Files that people read and write; translations and generated pages have no say in their length.
READ_BY_PEOPLE = {".py", ".xml", ".js", ".scss", ".css"}
NOT_PRODUCT = ("tests", "static/tests", "static/lib", "static/description", "i18n")
#: Methods that every model has, though no addon's model declares them.
ORM_FILE = "odoo/orm/models.py"


@dataclass(frozen=True)
class Finding:
    """One broken rule.

    :param path: file, relative to the folder of the addon's folder
    :param line: its line, 1 for the whole file
    """

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Source:
    """A Python file of an addon.

    :param addon: the addon's folder
    :param path: the file, below that folder
    """

    addon: Path
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse((self.addon / self.path).read_bytes(), str(self.path))

    @property
    def house(self) -> str | None:
        """Return the house in which the file stands, or None outside of the street."""
        parts = self.path.parts
        if parts[0] == "tools":
            return "tools"
        return parts[1] if parts[0] == "models" and len(parts) > 2 else None

    @property
    def is_product(self) -> bool:
        return not self.path.as_posix().startswith(tuple(f"{name}/" for name in NOT_PRODUCT))

    def finding(self, node: ast.AST | None, text: str) -> Finding:
        line = getattr(node, "lineno", 1)
        return Finding(Path(self.addon.name, self.path), line, text)

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Yield each import with the full dotted name that it reaches.

        A name of the addon itself starts with ``odoo.addons.<addon>``, however it was written.
        """
        package = ("odoo", "addons", self.addon.name, *self.path.parts[:-1])
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) + 1 - node.level] if node.level else ()
                for alias in node.names:
                    yield node, ".".join(filter(None, (*base, node.module, alias.name)))


def sources(addon: Path) -> list[Source]:
    """Return the Python files of an addon."""
    return [Source(addon, path.relative_to(addon)) for path in sorted(addon.rglob("*.py"))]


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


# ------------------------------------------------------------
# RULES
# ------------------------------------------------------------


def check_tools(source: Source) -> Iterator[Finding]:
    if source.house != "tools":
        return
    own = f"odoo.addons.{source.addon.name}.tools"
    for node, name in source.imports():
        if _is_within(name, "odoo") and not _is_within(name, own):
            yield source.finding(node, f"tools/ is pure Python and must not import {name}")


def check_street(source: Source, owners: Mapping[str, str]) -> Iterator[Finding]:
    """Look for imports and ``env[…]`` that go against the one way.

    :param owners: model → house that declares it, see :func:`model_owners`
    """
    if source.house not in HOUSES or source.house == "tools":
        return
    models = f"odoo.addons.{source.addon.name}.models"
    for node, name in source.imports():
        if _is_within(name, models):
            target = name.removeprefix(models).split(".")[1:2]
            if target and _is_uphill(source.house, target[0]):
                yield source.finding(node, f"{source.house} must not import from {target[0]}")
    for node, model in _env_models(source.tree):
        target_house = owners.get(model)
        if target_house and _is_uphill(source.house, target_house):
            yield source.finding(
                node, f"{source.house} must not call {model}, which lives in {target_house}"
            )


def _is_uphill(house: str, target: str) -> bool:
    return target in HOUSES and HOUSES.index(target) < HOUSES.index(house)


def _env_models(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield each ``env["a.model"]`` with the model's name."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
            continue
        name = getattr(node.value, "attr", getattr(node.value, "id", None))
        if name == "env" and isinstance(node.slice.value, str):
            yield node, node.slice.value


def model_owners(files: Iterable[Source]) -> dict[str, str]:
    """Return model → house, for the models that a house declares (doors declare none)."""
    owners = {}
    for source in files:
        if source.house:
            for definition in model_definitions(source.tree):
                if not definition.is_door:
                    owners[definition.name] = source.house
    return owners


def check_length(addon: Path) -> Iterator[Finding]:
    for path in sorted(addon.rglob("*")):
        relative = path.relative_to(addon)
        if path.suffix in READ_BY_PEOPLE and "static/lib/" not in relative.as_posix():
            length = len(path.read_bytes().splitlines())
            if length > LONGEST:
                yield Finding(
                    Path(addon.name, relative),
                    LONGEST + 1,
                    f"{length} lines; {LONGEST} are allowed, split it by topic",
                )


def check_test_enable(source: Source) -> Iterator[Finding]:
    if not source.is_product:
        return
    for node in ast.walk(source.tree):
        if "test_enable" in (getattr(node, "value", None), getattr(node, "attr", None)):
            yield source.finding(node, "product code must not ask whether a test runs")


# ------------------------------------------------------------
# DOORS
# ------------------------------------------------------------


@dataclass(frozen=True)
class ModelDefinition:
    """A class that declares or extends a model.

    :param name: the model's name
    :param parents: names in ``_inherit``
    :param is_door: it extends ``name`` in place
    """

    node: ast.ClassDef
    name: str
    parents: tuple[str, ...]
    is_door: bool

    @property
    def methods(self) -> list[ast.FunctionDef]:
        return [node for node in self.node.body if isinstance(node, ast.FunctionDef)]


def model_definitions(tree: ast.Module) -> Iterator[ModelDefinition]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            name, parents = _names(node, "_name"), _names(node, "_inherit")
            if name or parents:
                own = (name or parents)[0]
                # Odoo names a class that inherits several models without a name after itself.
                is_door = own in parents and (bool(name) or len(parents) == 1)
                yield ModelDefinition(node, own, parents, is_door)


def _names(node: ast.ClassDef, attribute: str) -> tuple[str, ...]:
    """Return the string or strings that a class assigns to an attribute."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == attribute for target in statement.targets
        ):
            return tuple(
                part.value
                for part in ast.walk(statement.value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
    return ()


def check_doors(source: Source, methods: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Look for overrides of Odoo's methods that keep ``super()`` or arguments to themselves.

    :param methods: model → names of its methods in Odoo, see :func:`odoo_methods`
    """
    if not source.is_product:
        return
    for definition in model_definitions(source.tree):
        known = methods.get(definition.name, set())
        for method in definition.methods if definition.is_door else ():
            if method.name in known:
                yield from _check_override(source, definition.name, method)


def _check_override(source: Source, model: str, method: ast.FunctionDef) -> Iterator[Finding]:
    if _is_property(method):
        if not any(_is_of_super(node, method.name) for node in ast.walk(method)):
            yield source.finding(
                method, f"overrides {model}.{method.name} without reading super().{method.name}"
            )
        return
    calls = [node for node in ast.walk(method) if _is_super_call(node, method.name)]
    if not calls:
        yield source.finding(
            method, f"overrides {model}.{method.name} without calling super().{method.name}()"
        )
        return
    for star, taken, forwarded in (
        ("*", method.args.vararg, _forwarded_positional),
        ("**", method.args.kwarg, _forwarded_named),
    ):
        if taken and not any(taken.arg in forwarded(call) for call in calls):
            yield source.finding(
                method, f"{model}.{method.name} takes {star}{taken.arg} but gives none to super()"
            )


def _is_property(method: ast.FunctionDef) -> bool:
    return any(
        isinstance(decorator, ast.Name) and decorator.id == "property"
        for decorator in method.decorator_list
    )


def _is_super_call(node: ast.AST, method: str) -> bool:
    return isinstance(node, ast.Call) and _is_of_super(node.func, method)


def _is_of_super(node: ast.AST, attribute: str) -> bool:
    """Tell whether a node is ``super().attribute``, also with something like ``sudo()`` between."""
    if not isinstance(node, ast.Attribute):
        return False
    inner: ast.AST = node.value
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    return (
        node.attr == attribute
        and isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id == "super"
    )


def _forwarded_positional(call: ast.Call) -> set[str]:
    return {
        argument.value.id
        for argument in call.args
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name)
    }


def _forwarded_named(call: ast.Call) -> set[str]:
    """Return the names used in ``**…``, where ``**dict(kwargs, more=1)`` counts as ``kwargs``."""
    return {
        part.id
        for keyword in call.keywords
        if keyword.arg is None
        for part in ast.walk(keyword.value)
        if isinstance(part, ast.Name)
    }


# ------------------------------------------------------------
# ODOO'S OWN METHODS
# ------------------------------------------------------------


def odoo_methods(odoo: Path, modules: Iterable[str]) -> dict[str, set[str]]:
    """Return model → names of the methods that it has in Odoo, inherited ones included.

    :param odoo: folder that holds ``odoo/``
    :param modules: addons to read; those that they depend on are read as well
    """
    own: dict[str, set[str]] = {}
    parents: dict[str, set[str]] = {}
    for path in _model_files(odoo, modules):
        for definition in model_definitions(ast.parse(path.read_bytes())):
            own.setdefault(definition.name, set()).update(
                method.name for method in definition.methods
            )
            parents.setdefault(definition.name, set()).update(definition.parents)
    common = _orm_methods(odoo)
    return {model: common | _inherited(model, own, parents, set()) for model in own}


def _model_files(odoo: Path, modules: Iterable[str]) -> Iterator[Path]:
    waiting, seen = ["base", *modules], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        folder = next(
            (
                candidate
                for candidate in (odoo / "odoo/addons" / module, odoo / "addons" / module)
                if (candidate / "__manifest__.py").exists()
            ),
            None,
        )
        if folder:
            waiting += read_manifest(folder).get("depends", [])
            for part in ("models", "wizard", "wizards"):
                yield from sorted((folder / part).rglob("*.py"))


def read_manifest(addon: Path) -> dict:
    return ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))


def _orm_methods(odoo: Path) -> set[str]:
    path = odoo / ORM_FILE
    if not path.exists():
        return set()
    return {
        method.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.ClassDef) and node.name == "BaseModel"
        for method in node.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("__")
    }


def _inherited(
    model: str, own: Mapping[str, set[str]], parents: Mapping[str, set[str]], seen: set[str]
) -> set[str]:
    if model in seen:
        return set()
    seen.add(model)
    found = set(own.get(model, ()))
    for parent in parents.get(model, ()):
        found |= _inherited(parent, own, parents, seen)
    return found


# ------------------------------------------------------------
# RUN
# ------------------------------------------------------------


def check_addon(addon: Path, methods: Mapping[str, set[str]]) -> list[Finding]:
    """Return all findings in one addon.

    :param methods: see :func:`odoo_methods`
    """
    files = sources(addon)
    owners = model_owners(files)
    found = list(check_length(addon))
    for source in files:
        found += check_tools(source)
        found += check_street(source, owners)
        found += check_doors(source, methods)
        found += check_test_enable(source)
    return sorted(found, key=lambda finding: (finding.path, finding.line))


def main() -> int:
    addons = sorted(manifest.parent for manifest in paths.ROOT.glob("*/__manifest__.py"))
    modules = {name for addon in addons for name in read_manifest(addon).get("depends", [])}
    methods = odoo_methods(debian.odoo_path(), modules)
    found = [finding for addon in addons for finding in check_addon(addon, methods)]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
