"""Reads all DAG files as Airflow's parser does, and prints what they are as JSON. Argument: the folder."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path

from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions.asset import BaseAsset

folder = Path(sys.argv[1])
sys.path.append(str(folder))
known = set(sys.modules)
begin = time.process_time()  # the machine may have other work
modules = []
for path in sorted(folder.glob("*.py")):
    spec = importlib.util.spec_from_file_location(f"dag_file_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    DagContext.current_autoregister_module_name = spec.name
    spec.loader.exec_module(module)
    modules.append(module)
seconds = time.process_time() - begin
heavy = sorted({name.partition(".")[0] for name in set(sys.modules) - known})

dags = {}
for dag, _ in DagContext.autoregistered_dags:
    tasks = {
        task.task_id: {
            "pool": task.pool,
            "retries": task.retries,
            "backoff": bool(task.retry_exponential_backoff),
            "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
            "rule": task.trigger_rule.value,
            "tells": bool(task.on_failure_callback),
            "upstream": sorted(task.upstream_task_ids),
        }
        for task in dag.tasks
    }
    dags[dag.dag_id] = {
        "tasks": tasks,
        "schedule": "assets" if isinstance(dag.schedule, BaseAsset) else dag.schedule,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "deadline": bool(dag.deadline),
        "params": sorted(dag.params),
    }
print(json.dumps({"seconds": seconds, "imported": heavy, "dags": dags}))
