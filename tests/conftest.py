"""What every test shares: hypothesis on a busy machine has no stopwatch."""

from hypothesis import HealthCheck, settings

# Two workers and a lab full of processes share two cores: a deadline would measure them, not the code.
settings.register_profile("gridwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gridwire")
