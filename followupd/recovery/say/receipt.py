"""What an agent knows of whether the customer has it: from a call, or from an answer that no machine could read."""

from followupd.model import event as e
from followupd.model.case import Stage
from followupd.model.command import Command
from followupd.model.compensation import GrantState
from followupd.recovery.say.scene import Scene, about, numbered


def received(command: Command, scene: Scene) -> list[e.Event]:
    known = [g.n for g in scene.case.compensation if g.state in {GrantState.ISSUED, GrantState.MISSING}]
    numbers = numbered(command, known, "compensation")
    return [e.CompensationConfirmed(at=scene.now, n=n, **about(command)) for n in numbers]


def missing(command: Command, scene: Scene) -> list[e.Event]:
    """It has not arrived: the matter is open again."""
    known = [g.n for g in scene.case.compensation if g.state in {GrantState.ISSUED, GrantState.CONFIRMED}]
    numbers = numbered(command, known, "compensation")
    lost: list[e.Event] = [e.CompensationMissing(at=scene.now, n=n, **about(command)) for n in numbers]
    done = scene.case.stage in {Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED}
    return [*lost, e.Reopened(at=scene.now, **about(command))] if lost and done else lost
