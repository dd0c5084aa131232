"""data_backfill: read a source's reviews of some days again, first day and last day included (Korean time)."""

from airflow.sdk import Param, dag

from orchestration.crawling import crawl_films, list_films, report_crawl, write_snapshot
from orchestration.defaults import BACKFILL_POOL, dag_options
from reelsense.sources.sites import SITE_NAMES

SOURCE = "{{ params.source }}"


@dag(
    schedule=None,
    params={
        "source": Param(SITE_NAMES[0], type="string", enum=list(SITE_NAMES)),
        "from": Param(type="string", format="date", description="first day"),
        "to": Param(type="string", format="date", description="last day"),
    },
    doc_md=__doc__,
    **dag_options(),
)
def data_backfill() -> None:
    films = list_films.override(pool=BACKFILL_POOL)(SOURCE)
    crawled = crawl_films.override(pool=BACKFILL_POOL).partial(source=SOURCE).expand(codes=films)
    crawled >> write_snapshot(SOURCE) >> report_crawl(SOURCE)


data_backfill()
