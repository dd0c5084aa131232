"""What the DAG files share: defaults, how a task reaches reelsense, and whom it tells."""
