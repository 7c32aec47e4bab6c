"""learn: teach the recogniser what the agents decided, and say what that changes."""

import argparse
from typing import TYPE_CHECKING, Any

from followupd.adapters.terminal import safe
from followupd.cli.app import open_house
from followupd.cli.main import DONE
from followupd.cli.output import as_json

if TYPE_CHECKING:
    from followupd.text.complaints import Learned, Tagged


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    learn = commands.add_parser(
        "learn", parents=[common], help="retrain on the agents' decisions; prints what changes"
    )
    learn.add_argument("--dry-run", action="store_true", help="only say what would change")
    learn.set_defaults(do=_learn)


def _learn(options: argparse.Namespace) -> int:
    from followupd import clock

    app = open_house(options.config)
    learned, tagged = app.lessons.learn(clock.now(), keep=not options.dry_run)
    view = _view(learned, tagged, dry_run=options.dry_run)
    if options.json:
        as_json(view)
    else:
        _print(view)
    return DONE


def _view(learned: "Learned", tagged: "list[Tagged]", *, dry_run: bool) -> dict[str, Any]:
    from followupd.text.complaints.learning import FEWEST, FEWEST_OF_A_KIND

    complaints = sum(tag.complaint for tag in tagged)
    others = len(tagged) - complaints
    kinds = {"complaints": complaints, "others": others}
    return {
        "decisions": len(tagged),
        **kinds,
        "missing": max(0, FEWEST - len(tagged), *(FEWEST_OF_A_KIND - each for each in kinds.values())),
        "learned": bool(learned.delta) and not dry_run,
        "up": [list(pair) for pair in learned.up],
        "down": [list(pair) for pair in learned.down],
        "held_back": learned.held_back,
        "precision": learned.precision,
        "recall": learned.recall,
        "because": learned.because,
    }


def _print(view: dict[str, Any]) -> None:
    print(
        f"{view['decisions']} decisions of agents: {view['complaints']} complaints, {view['others']} others."
    )
    if view["missing"]:
        print(f"Nothing is learnt yet: {view['because']}. At least {view['missing']} more are needed.")
        return
    for side, sign in (("up", "more"), ("down", "less")):
        if view[side]:
            print(
                f"  {sign} of a complaint: "
                + ", ".join(f"{safe(words)} {weight:+.2f}" for words, weight in view[side])
            )
    shares = [(name, view[name]) for name in ("precision", "recall") if view[name] is not None]
    if shares:
        said = ", ".join(f"{name} {value:.0%}" for name, value in shares)
        print(f"  on the {view['held_back']} decisions held back: {said} of what is suspected or more")
    print("Learnt." if view["learned"] else f"Nothing changed: {view['because']}.")
