"""model_finetune: start at the champion and learn from people's corrections; weekly, through the same gate."""

from airflow.sdk import dag

from orchestration.defaults import dag_options, parse_settings, schedule
from orchestration.training import training, training_params


@dag(
    schedule=schedule(parse_settings().automation.finetune),
    params=training_params("train even with few new corrections"),
    doc_md=__doc__,
    **dag_options(),
)
def model_finetune() -> None:
    training(finetune=True)


model_finetune()
