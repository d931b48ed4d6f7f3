"""Plans services from recipes and settings, and prepares their data folders, which are checked before a start."""

from devboot.services.data import prepare_data
from devboot.services.plan import Service, plan_service, provided_variables

__all__ = ["Service", "plan_service", "prepare_data", "provided_variables"]
