"""review_crawl_SOURCE: one DAG for each review site, hourly or daily; no schedule until the settings allow the site."""

from airflow.sdk import dag

from orchestration.crawling import crawl_films, list_films, report_crawl, write_snapshot
from orchestration.defaults import dag_options, parse_settings, schedule, site_pool
from reelsense.sources.sites import SITE_NAMES, allowed_by, schedule_of


def review_crawl(source: str) -> None:
    """The crawl of one source."""
    settings = parse_settings()
    when = schedule(schedule_of(source, settings)) if allowed_by(source, settings) else None

    @dag(dag_id=f"review_crawl_{source}", schedule=when, doc_md=__doc__, **dag_options())
    def crawl() -> None:
        pool = site_pool(source)
        films = list_films.override(pool=pool)(source)
        crawled = crawl_films.override(pool=pool).partial(source=source).expand(codes=films)
        crawled >> write_snapshot(source) >> report_crawl(source)

    crawl()


for name in SITE_NAMES:
    review_crawl(name)
