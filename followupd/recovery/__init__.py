"""Service recovery as pure policies: a case, its playbook and the time in, events and letters out.

A policy is a module with two functions. `next_due(case, playbook)` returns when there is something to decide
next, or None; `decide(case, playbook, write, now)` returns what is to happen now. Neither does any IO.
"""
