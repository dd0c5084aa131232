"""model_retrain: data version, drift and volume, train, evaluate, gate, register, promote, smoke check, message."""

from airflow.sdk import dag

from orchestration.defaults import dag_options, parse_settings, schedule
from orchestration.training import training, training_params


@dag(
    schedule=schedule(parse_settings().automation.retrain),
    params=training_params("train even with few new labels"),
    doc_md=__doc__,
    **dag_options(),
)
def model_retrain() -> None:
    training(finetune=False)


model_retrain()
