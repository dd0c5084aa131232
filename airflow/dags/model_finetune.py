"""model_finetune: start at the champion and learn from people's corrections; weekly, through the same gate."""

from airflow.sdk import Param, dag

from orchestration.defaults import dag_options, parse_settings, schedule
from orchestration.training import training


@dag(
    schedule=schedule(parse_settings().automation.finetune),
    params={"force": Param(False, type="boolean", description="train even with few new corrections")},
    doc_md=__doc__,
    **dag_options(),
)
def model_finetune() -> None:
    training(finetune=True)


model_finetune()
