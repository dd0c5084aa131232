# What all containers share: Python, the core and its pinned packages, Hangul fonts, a user without rights.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    REELSENSE_HOME=/var/lib/reelsense/home REELSENSE_LOG_FORMAT=json

RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-nanum \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home reelsense \
 && install -d -o reelsense -g reelsense /var/lib/reelsense /var/lib/reelsense/home /var/lib/reelsense/airflow \
      /var/lib/reelsense/mlflow

WORKDIR /opt/reelsense
# The packages in a layer of their own: a change of the code does not install them again.
COPY pyproject.toml requirements.txt README.md LICENSE ./
RUN install -d src/reelsense && touch src/reelsense/__init__.py \
 && pip install -c requirements.txt -e ".[s3,postgres]"
COPY configs configs
COPY src src
USER reelsense
