"""How alike a patch and people's fix are: the same code, or the same on varied inputs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from paramedic_workers.backtest.model import Compared, Likeness
from paramedic_workers.repair import Project
from paramedic_workers.repair.behaviour import compare
from paramedic_workers.repair.normal_form import normal_form

#: Names of modules that say which version they are: a fix often comes with a new one.
_VERSIONS = frozenset({"__version__", "VERSION", "__version_info__", "__build__"})

#: The whole new text of each changed file, by its posix path.
Version = Mapping[str, str]


def same_code(one: Version, other: Version) -> bool:
    """Whether two versions of the same files differ in nothing that runs."""
    return set(one) == set(other) and all(
        one[path] == other[path] or _alike(one[path], other[path]) for path in one
    )


def code_of(text: str) -> str:
    """A form of a file that is the same for code that means the same.

    Comments, documentation, and the number of the version are left out.

    Raises:
        SyntaxError: it does not parse.
        ValueError: likewise, for a null byte.
    """
    return normal_form(_WithoutWords().visit(ast.parse(text)))


def compare_with_fix(
    project: Project, tests: Sequence[str], fix: Version, patches: Sequence[Version], budget: float
) -> list[Compared]:
    """How each patch compares with people's fix; all versions name the same files.

    Args:
        project: a working tree of the bug.
        tests: node ids of tests whose inputs are varied.
        fix: what people did.
        patches: what is compared with it.
        budget: seconds.
    """
    same = [same_code(fix, patch) for patch in patches]
    differ = [number for number, alike in enumerate(same) if not alike]
    found = [Compared(likeness=Likeness.SAME if alike else Likeness.UNKNOWN) for alike in same]
    if not differ:
        return found
    told = compare(project, tests, [fix, *(patches[number] for number in differ)], budget)
    for place, number in enumerate(differ, start=1):
        found[number] = Compared(
            likeness=_LIKENESS[told.agree(0, place)],
            inputs=told.inputs,
            differing=told.differing(0, place),
        )
    return found


_LIKENESS = {True: Likeness.EQUIVALENT, False: Likeness.DIFFERENT, None: Likeness.UNKNOWN}


def _alike(one: str, other: str) -> bool:
    try:
        return code_of(one) == code_of(other)
    except (SyntaxError, ValueError):
        return False


class _WithoutWords(ast.NodeTransformer):
    """Takes out what does not run: strings that stand alone, and version numbers."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return None if names & _VERSIONS else self.generic_visit(node)
