"""Customers' short answers to a question of ours: has it arrived, which option suits better."""
