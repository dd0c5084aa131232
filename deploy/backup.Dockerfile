# The command line with PostgreSQL's own programs, of the server's version: backups, and restoring them.
FROM reelsense-api

USER root
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-15 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o reelsense -g reelsense /var/lib/reelsense/backups
USER reelsense
ENTRYPOINT ["reelsense"]
CMD ["backup"]
