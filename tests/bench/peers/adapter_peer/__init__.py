"""Tuning and sampling a real model in other programs; `adapters.py` beside this folder runs it."""
