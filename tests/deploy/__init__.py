"""Tests of what is under deploy/: containers, AWS."""
