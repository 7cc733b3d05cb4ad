"""Whether patches are right: the same code as the reference, or the same behaviour."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from paramedic_workers.repair import Project
from paramedic_workers.repair.behaviour import compare
from paramedic_workers.repair.normal_form import normal_form
from tests.benchmarks.bugs.bug import SOURCE, TESTS, Bug

#: Seconds for comparing all patches of one bug with its reference.
_SECONDS = 30.0


def judge(bug: Bug, project: Project, texts: Sequence[str]) -> list[bool | None]:
    """Whether each of these versions of the module is right; None: that cannot be told.

    Right is what is the same code as the reference, layout and documentation aside, or
    behaves the same on varied inputs of the tests. An input on which the reference itself
    raises, as it never does for the tests, is not counted.

    Args:
        bug: with its reference.
        project: the repository made of it.
        texts: of the module.
    """
    wanted = code_of(bug.reference)
    verdicts: list[bool | None] = [True if code_of(text) == wanted else None for text in texts]
    open_ones = [number for number, verdict in enumerate(verdicts) if verdict is None]
    if not open_ones:
        return verdicts
    versions = [{SOURCE: bug.reference}, *({SOURCE: texts[number]} for number in open_ones)]
    comparison = compare(project, [TESTS], versions, _SECONDS).within(0)
    for place, number in enumerate(open_ones, start=1):
        verdicts[number] = comparison.agree(0, place)
    return verdicts


def code_of(text: str) -> str:
    """The same text for modules that differ in layout, comments and documentation only."""
    return normal_form(_WithoutTexts().visit(ast.parse(text)))


class _WithoutTexts(ast.NodeTransformer):
    """Takes out strings that stand alone."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)
