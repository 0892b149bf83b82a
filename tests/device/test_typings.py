# SPDX-License-Identifier: MIT
"""The stubs for editors under typings/ name what the firmware has."""

import ast
import json
import keyword
import warnings
from pathlib import Path

import pytest

from k210.board import Board

TYPINGS = Path(__file__).parents[2] / "typings"
MODULES = sorted(path.stem for path in TYPINGS.glob("*.pyi"))
# Modules of other people's work show up where frozen Python imports them.
FOREIGN = {"FPIOA", "Pin", "board_info", "const", "json", "k210", "machine", "time"}
HIDDEN = {"I2C.deinit"}  # found by the objects only, not by their class
NEWER = 60  # names that the stubs may not know yet; more mean that nobody looks after them

NAMES = """
import json
def kind(o):
    return "class" if type(o) is type else "value" if isinstance(o, (int, str, tuple)) else "function"
module = __import__({module!r})
found = {{}}
for name in dir(module):
    o = getattr(module, name)
    found[name] = kind(o)
    if kind(o) == "class":
        for member in dir(o):
            found[name + "." + member] = kind(getattr(o, member))
print(json.dumps(found))
"""


def declared(body: list[ast.stmt], prefix: str = "") -> dict[str, str]:
    """The names in a stub that do not begin with an underscore, with what they are."""
    names: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            names[prefix + node.name] = "function"
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_number = isinstance(node.annotation, ast.Name) and node.annotation.id == "int"
            names[prefix + node.target.id] = "value" if is_number else "any"
        elif isinstance(node, ast.ClassDef):
            names[prefix + node.name] = "class"
            names |= declared(node.body, f"{prefix}{node.name}.")
    return {name: what for name, what in names.items() if not any(part.startswith("_") for part in name.split("."))}


def stub(module: str) -> dict[str, str]:
    tree = ast.parse((TYPINGS / f"{module}.pyi").read_text())
    names = declared(tree.body)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            names |= stub(str(node.module))
        elif isinstance(node, ast.ImportFrom):
            # `import A as A` hands A on.
            handed_on = {alias.name for alias in node.names if alias.asname == alias.name}
            if handed_on:
                names |= {n: what for n, what in stub(str(node.module)).items() if n.split(".")[0] in handed_on}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_stub_and_firmware_have_the_same_names(board: Board, module: str) -> None:
    found: dict[str, str] = json.loads(board.exec(NAMES.format(module=module)))
    wanted = stub(module)
    assert wanted, "an empty stub"
    missing = sorted(set(wanted) - set(found))
    # Methods that a class looks up by itself do not show in dir().
    attributes = [name for name in missing if "." in name]
    lost = [name for name in missing if name not in attributes]
    for name in set(attributes) - HIDDEN:
        owner, member = name.split(".")
        if not board.eval(f"hasattr(__import__({module!r}).{owner}, {member!r})"):
            lost.append(name)
    assert not lost, f"typings/{module}.pyi names what the firmware has not"
    # A class may as well be a function that makes the objects.
    wrong = {n: found[n] for n, what in wanted.items() if (what == "value") != (found.get(n, what) == "value")}
    wrong = {n: what for n, what in wrong.items() if wanted[n] != "any"}
    assert not wrong, "numbers and functions are not what the stub says"
    newer = [
        name
        for name in sorted(set(found) - set(wanted))
        if not any(part.startswith("_") or keyword.iskeyword(part) for part in name.split("."))
        and name.split(".")[0] not in FOREIGN - set(wanted)
        and not (module == "board" and name.startswith("board_info."))
    ]
    if newer:
        warnings.warn(f"typings/{module}.pyi does not know yet: {', '.join(newer)}", stacklevel=1)
    assert len(newer) <= NEWER, newer
