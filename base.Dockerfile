# What all containers share: Python, the packages of the core, Hangul fonts, a user without rights. The code itself is
# copied last, by each service, so that a change of it installs nothing.
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
COPY pyproject.toml requirements.txt ./
RUN install -d src/reelsense && touch src/reelsense/__init__.py README.md LICENSE \
 && pip install -c requirements.txt -e ".[s3,postgres]"
USER reelsense
