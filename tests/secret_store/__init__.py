"""Tests of secrets that are kept outside of the environment."""
