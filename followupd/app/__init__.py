"""The running program: main loop, cycle, listeners and wiring."""
