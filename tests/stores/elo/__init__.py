"""The ranking of agents."""
