"""Draws the life of a case from the table MOVES; `python -m tests.layers.diagram` writes it into docs/flow.md."""

import re
from pathlib import Path

from followupd.domain.case import Stage
from followupd.domain.lifecycle import MOVES

PAGE = Path(__file__).parents[2] / "docs/flow.md"
BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
FIRST = (Stage.SUSPECTED, "CaseOpened")


def drawn() -> str:
    """Return the diagram as Mermaid: a row for each two stages, with every event that leads from one to the other."""
    rows: dict[tuple[Stage, Stage], list[str]] = {}
    for stage, moves in MOVES.items():
        for event, to in moves.items():
            if to is not stage:
                rows.setdefault((stage, to), []).append(event.__name__)
    lines = [f"    [*] --> {name(FIRST[0])}: {FIRST[1]}"]
    lines += [
        f"    {name(stage)} --> {name(to)}: {', '.join(events)}" for (stage, to), events in rows.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"]) + "\n"


def name(stage: Stage) -> str:
    """Return a stage as Mermaid can read it: "followed-up" would be an arrow."""
    return stage.value.replace("-", "_")


def main() -> None:
    text = PAGE.read_text()
    page = BLOCK.sub(drawn(), text) if BLOCK.search(text) else f"{text.rstrip()}\n\n{drawn()}"
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
