"""The harness of scripts/bench.

rows.py says what is measured, programs.py what a case computes, contestants.py who takes part and how,
turns.py how time is taken, report.py and plots.py what is written.
"""
