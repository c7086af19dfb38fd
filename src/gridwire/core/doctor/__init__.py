"""What `gridwire doctor` decides: pure functions from facts to findings, and from both to a verdict.

A fact is ``Known`` or ``Unknown``. What could not be seen is listed as unseen and is never taken for well.
"""
