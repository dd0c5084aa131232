"""Tracking and registry: MLflow is the one truth about runs, versions and who is champion."""
