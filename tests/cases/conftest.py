"""Reports from the field are played in the world that journeys have."""

from tests.journeys.conftest import make_world as make_world  # noqa: PLC0414 - a fixture of this folder too
