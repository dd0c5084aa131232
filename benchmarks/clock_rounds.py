"""Run by faults_of_machines.py: crawl, score and label for each number that comes in, and at the next line, when the
clock is right again, one more crawl and what is there then.

Arguments: FOLDER, the address of a devsite.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import traceback
from pathlib import Path

from subjects import SERVERS, opened, settings_in
from subjects_store import STORE_SUBJECTS

from snapshots import contents  # isort: skip

from reelsense.logs import configure_logs
from reelsense.pipelines.crawl import crawl
from reelsense.sources.catalogue import open_source


def main() -> None:
    """Until the input ends."""
    configure_logs("ERROR")  # to standard error; this one's output is read
    folder, SERVERS["devsite"] = Path(sys.argv[1]), sys.argv[2]
    by_name = {subject.name: subject for subject in STORE_SUBJECTS}
    for line in sys.stdin:
        base = folder / line.strip()
        try:
            base.mkdir(parents=True)
            for name in ("crawl", "crawl", "score", "label"):
                by_name[name].work(base)
            print("worked", flush=True)
            sys.stdin.readline()
            settings = settings_in(base)
            db = opened(settings)
            crawl(db, open_source("megabox", settings), settings.crawl, key="the next night")
            found = contents(db)
            db.close()
            digest = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]
            print({name: len(rows) for name, rows in found.items()}, digest, flush=True)
        except Exception:
            print(traceback.format_exc().replace("\n", " | "), flush=True)
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
