"""Series of counts, by time: a SQLite file of their own, bounded in size."""

from gridwire.adapters.series.series import Series, Tier, open_series

__all__ = ["Series", "Tier", "open_series"]
