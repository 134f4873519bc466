"""The work of `nudge bench` in PyTorch; `pytorch.py` beside this folder runs it."""
