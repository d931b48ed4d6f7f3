"""Recipe + settings → process spec, data directory, addresses; what stands in a data directory is checked first."""

from devboot.services.data import prepare_data
from devboot.services.plan import Service, plan_service, provided_variables

__all__ = ["Service", "plan_service", "prepare_data", "provided_variables"]
