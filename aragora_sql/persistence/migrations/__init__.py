"""Module paths of the older Aragora: see docs/application.md."""
