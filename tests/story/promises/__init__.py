"""Labelled sentences of agents, and the measure of how well they are heard."""
