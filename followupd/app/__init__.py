"""The running program: main loop, cycle, signals, listeners and container."""
